import math
from typing import Any

import pytest

from dlpractice.benchmark.baseline import compare_with_baseline

ENVIRONMENT = {
    "host": {"processor": "X", "load_average": [1.0], "clock_mhz": 2000},
    "backend": "jax",
    "versions": {"keras": "3.15"},
}


def document(values: dict[str, float], spread: float = 0.01, **row: Any) -> dict[str, Any]:
    rows = [
        {
            "name": name,
            "value": value,
            "unit": "images/s",
            "samples": [value * (1 + spread * step) for step in range(-3, 4)],
            "kind": "measured",
            **row,
        }
        for name, value in values.items()
    ]
    return {"parts": {"models": {"rows": rows}}, "environment": ENVIRONMENT, "config": {"seed": 0}}


def test_a_result_is_as_fast_as_itself() -> None:
    same = document({"a": 3.0, "b": 5.0})
    found = compare_with_baseline(same, same, 0.1)
    assert [row["ratio"] for row in found["rows"]] == [1.0, 1.0]
    assert found["overall"]["ratio"] == pytest.approx(1.0)
    assert not found["slower"]
    assert found["environment"] == found["config"] == found["only_now"] == found["only_before"] == []


def test_all_together_is_the_median_of_the_ratios() -> None:
    found = compare_with_baseline(
        document({"a": 8.0, "b": 5.0, "c": 3.0}), document({"a": 1.0, "b": 5.0, "c": 2.0}), 0.1
    )
    assert [row["ratio"] for row in found["rows"]] == [8.0, 1.0, 1.5]
    assert found["overall"]["ratio"] == pytest.approx(1.5)
    low, high = found["overall"]["ci95"]
    assert low < 1.5 < high
    assert found["overall"]["n"] == 3


def test_one_figure_that_rose_far_does_not_carry_those_that_fell() -> None:
    """Seven of twelve fell by a fifth, and one rose 7.7 times: the geometric mean would be above 1."""
    before = {f"m{number}": 100.0 for number in range(12)}
    now = before | {f"m{number}": 80.0 for number in range(7)} | {"m11": 770.0}
    assert math.prod(now[name] / before[name] for name in before) > 1
    found = compare_with_baseline(document(now), document(before), 0.1)
    overall = found["overall"]
    assert (overall["n"], overall["fell"], overall["rose"]) == (12, 7, 1)
    assert overall["ratio"] == pytest.approx(0.8)
    assert overall["slower"] and found["slower"]
    rose = compare_with_baseline(document(before | {"m11": 770.0}), document(before), 0.1)
    assert rose["overall"]["ratio"] == pytest.approx(1.0)


def test_what_the_machine_drifts_by_is_no_change() -> None:
    """The speed of the machine wanders by a fifth, so that all figures fall together by chance."""
    before, now = document({"a": 100.0, "b": 50.0}), document({"a": 80.0, "b": 40.0})
    assert compare_with_baseline(now, before, 0.1)["slower"]
    for one in (before, now):
        for row in one["parts"]["models"]["rows"]:
            row["drift"] = 0.2
    found = compare_with_baseline(now, before, 0.1)
    assert [row["change"] for row in found["rows"]] == ["same", "same"]
    assert not found["slower"]


def test_a_baseline_of_an_earlier_version_is_read() -> None:
    """It has no drift, its rows have no field that is needed beyond value and samples."""
    old = document({"a": 100.0})
    found = compare_with_baseline(document({"a": 50.0}, drift=0.01), old, 0.1)
    assert found["rows"][0]["change"] == "fell"
    assert found["slower"]


@pytest.mark.parametrize(
    ("value", "tolerance", "slower"), [(80, 0.1, True), (95, 0.1, False), (80, 0.3, False)]
)
def test_slower_is_more_than_is_tolerated(value: float, tolerance: float, slower: bool) -> None:
    found = compare_with_baseline(document({"a": value}), document({"a": 100.0}), tolerance)
    assert found["rows"][0]["slower"] is found["slower"] is slower


def test_one_slower_figure_among_equals_is_found() -> None:
    names = {f"m{number}": 100.0 for number in range(20)}
    found = compare_with_baseline(document(names | {"m3": 70.0}), document(names), 0.1)
    assert [row["name"] for row in found["rows"] if row["slower"]] == ["m3"]
    assert not found["overall"]["slower"]
    assert found["slower"]


def test_noise_that_could_be_the_reason_is_no_verdict() -> None:
    found = compare_with_baseline(document({"a": 85.0}, spread=0.2), document({"a": 100.0}, spread=0.2), 0.1)
    low, high = found["rows"][0]["ci95"]
    assert low < 0.85 < high
    assert not found["slower"]


def test_without_repetitions_there_is_no_interval_and_no_verdict() -> None:
    found = compare_with_baseline(document({"a": 1.0}, samples=[1.0]), document({"a": 2.0}), 0.1)
    assert (found["rows"][0]["ratio"], found["rows"][0]["ci95"]) == (0.5, None)
    assert not found["rows"][0]["slower"]


def test_the_interval_of_a_ratio_covers_it() -> None:
    """Of exactly known repetitions: old is constant, so that the interval is that of the new median."""
    new, old = document({"a": 100.0}), document({"a": 50.0}, spread=0.0)
    low, high = compare_with_baseline(new, old, 0.1)["rows"][0]["ci95"]
    assert 2 * 0.96 <= low < 2.0 < high <= 2 * 1.04


def test_where_lower_is_better_the_ratio_is_turned_over() -> None:
    new, old = document({"s": 2.0}, lower_is_better=True), document({"s": 1.0}, lower_is_better=True)
    row = compare_with_baseline(new, old, 0.1)["rows"][0]
    assert row["ratio"] == 0.5
    assert row["ci95"][0] <= 0.5 <= row["ci95"][1]
    assert row["slower"]


def test_rows_are_paired_by_name_and_unit_and_the_others_are_listed() -> None:
    new, old = document({"a": 1.0, "new": 1.0}), document({"a": 1.0, "old": 1.0})
    new["parts"]["models"]["rows"].append({"name": "too large", "value": None, "unit": "images/s"})
    old["parts"]["models"]["rows"].append({"name": "too large", "value": 3.0, "unit": "images/s"})
    new["parts"]["models"]["rows"].append({"name": "sheet", "value": 1.0, "unit": "", "kind": "published"})
    found = compare_with_baseline(new, old, 0.1)
    assert [row["name"] for row in found["rows"]] == ["a"]
    assert found["only_now"] == ["new"]
    assert sorted(found["only_before"]) == ["old", "too large"]
    other_unit = document({"a": 1.0}, unit="steps/s")
    assert compare_with_baseline(other_unit, old, 0.1)["overall"] is None


def test_another_machine_version_or_config_is_named() -> None:
    new, old = document({"a": 1.0}), document({"a": 1.0})
    new["environment"] = {
        "host": {"processor": "Y", "load_average": [9.0], "clock_mhz": 3000},
        "backend": "jax",
        "versions": {"keras": "3.15", "jaxlib": "0.9"},
    }
    new["config"] = {"seed": 0, "peaks": {"sizes": [64]}}
    found = compare_with_baseline(new, old, 0.1)
    assert found["environment"] == [
        {"what": "host.processor", "before": "X", "now": "Y"},
        {"what": "versions.jaxlib", "before": None, "now": "0.9"},
    ]
    assert found["config"] == [{"what": "peaks.sizes", "before": None, "now": [64]}]


def test_every_number_is_finite() -> None:
    found = compare_with_baseline(document({"a": 1e-9}), document({"a": 1e9}), 0.1)
    assert all(math.isfinite(bound) for bound in found["rows"][0]["ci95"])
