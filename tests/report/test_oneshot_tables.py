"""Tables of one-shot learning at 80 columns: that they fit, and that every figure is the document's."""

from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console, RenderableType

from dlpractice.report.oneshot_tables import (
    comparison_table,
    identification_table,
    summary_table,
    tasks_table,
    verdict_text,
)

Render = Callable[[RenderableType], list[str]]
LAKE = "Lake, Salakhutdinov and Tenenbaum, Human-level concept learning, Science 350 (2015), page 1332"
KOCH = "Koch, Zemel and Salakhutdinov, Siamese neural networks for one-shot image recognition, 2015"


@pytest.fixture
def render() -> Render:
    """The lines on a terminal of 80 columns, none of which is wider or cut short."""

    def lines(table: RenderableType) -> list[str]:
        console = Console(width=80, markup=False, highlight=False)
        with console.capture() as capture:
            console.print(table)
        shown = [line.rstrip() for line in capture.get().splitlines()]
        assert max(len(line) for line in shown) <= 80
        assert "…" not in capture.get()
        return shown

    return lines


def joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def measure(value: float, low: float, high: float, n: int = 400, **more: Any) -> dict[str, Any]:
    return {"value": value, "ci95": [low, high], "n": n, "kind": "measured", **more}


def measured(name: str, value: float, *, seconds: float = 9.6, **more: Any) -> dict[str, Any]:
    result = measure(value, value - 0.02, value + 0.01, errors=round(400 * (1 - value), 6), **more)
    return {
        "method": name,
        "about": f"all about {name}",
        "kind": "measured",
        "source": "",
        "seeds": [0, 1, 2] if "std_over_seeds" in more else [0],
        "results": {"lake-20": result},
        "seconds": seconds,
        "runs": [],
    }


def published(name: str, value: float, source: str = LAKE) -> dict[str, Any]:
    result = {"value": value, "ci95": None, "n": 400, "kind": "published"}
    row = {"method": name, "about": "", "kind": "published", "source": source, "seeds": []}
    return row | {"results": {"lake-20": result}, "seconds": None, "runs": []}


def compared(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"command": "oneshot", "data": "omniglot", "protocol": "lake-20", "rows": list(rows)}


def test_comparison_has_the_best_first_and_marks_what_others_published(render: Render) -> None:
    lines = render(
        comparison_table(
            compared(
                measured("affine", 0.81, seconds=123.4),
                measured("siamese", 0.975),
                published("convolutional Siamese", 0.92, KOCH),
                published("people", 0.955),
                published("affine", 0.818),
            )
        )
    )
    assert lines[0] == "omniglot, lake-20"
    assert lines[1].split() == ["method", "%", "95", "%", "errors", "s", "kind"]
    assert [line.split() for line in lines[2:7]] == [
        ["siamese", "97.5", "95.5-98.5", "10", "10", "measured"],
        ["people", "95.5", "-", "published", "[2]"],
        ["convolutional", "Siamese", "92.0", "-", "published", "[1]"],
        ["affine", "81.8", "-", "published", "[2]"],
        ["affine", "81.0", "79.0-82.0", "76", "123", "measured"],
    ]
    note = joined(lines[7:])
    assert note.startswith("measured here: accuracy in % of 400 queries s: wall seconds")
    assert note.endswith(f"[1] {KOCH} [2] {LAKE}")
    assert "siamese: all about siamese" in note


def test_comparison_over_seeds_has_their_spread_and_mean_errors(render: Render) -> None:
    lines = render(comparison_table(compared(measured("siamese", 0.97575, std_over_seeds=0.0031))))
    assert lines[2].split()[:4] == ["siamese", "97.6±0.3", "95.6-98.6", "9.7"]
    assert "mean ± standard deviation over 3 seeds" in joined(lines)


def test_other_protocols_stand_below_by_letters(render: Render) -> None:
    rows = [measured("one", 0.9), measured("two", 0.95), measured("three", 0.99)]
    rows[0]["results"] |= {"vinyals-rotated-20-way-1-shot": measure(0.97, 0.96, 0.98)}
    rows[2]["results"] |= {"lake-extended": measure(0.88, 0.8, 0.9)}
    lines = render(comparison_table(compared(*rows)))
    assert [line.split()[:3] for line in lines[2:5]] == [
        ["three", "B", "99.0"],
        ["two", "95.0", "93.0-96.0"],
        ["one", "A", "90.0"],
    ]
    start = next(place for place, line in enumerate(lines) if line.startswith("other protocols"))
    assert lines[start].split()[-2:] == ["A", "B"]
    assert lines[start + 1].split() == ["vinyals-rotated-20-way-1-shot", "97.0"]
    assert lines[start + 2].split() == ["lake-extended", "88.0"]
    assert lines[start + 1].index("97.0") < lines[start + 2].index("88.0")


def test_numbers_of_queries_that_differ_have_a_column(render: Render) -> None:
    few, many = measured("few", 0.9), measured("many", 0.8)
    many["results"]["lake-20"]["n"] = 15_200
    lines = render(comparison_table(compared(few, many)))
    assert lines[2].split()[4] == "400"
    assert lines[3].split()[4] == "15,200"
    assert "accuracy in % of n queries" in joined(lines)


def test_comparison_at_its_widest_fits(render: Render) -> None:
    rows = [measured(f"a-method-of-a-long-name-{i}", 0.9, std_over_seeds=0.01) for i in range(8)]
    for row in rows:
        row["results"]["lake-20"]["n"] = 76_000
        row["results"] |= {"vinyals-rotated-20-way-1-shot": measure(1.0, 0.96, 1.0)}
        row["seconds"] = 12345.6
    rows.append(published("hierarchical Bayesian program learning", 0.952))
    assert "hierarchical" in joined(render(comparison_table(compared(*rows))))


def test_nothing_but_published_figures(render: Render) -> None:
    lines = render(comparison_table(compared(published("people", 0.955))))
    assert "measured" not in joined(lines)


SUMMARY = {
    "results": {
        "lake-20": measure(0.9775, 0.96, 0.99, errors=9),
        "vinyals-rotated-20-way-1-shot": measure(0.97, 0.96, 0.98, 20_000, errors=600),
        "verification": measure(0.961, 0.95, 0.97, 20_000, auc=0.99123, eer=0.0387),
    },
    "threshold": {"value": -1.25, "false_accept_rate": 0.01, "false_reject_rate": 0.123, "n": 4000},
}


def test_a_run_has_a_row_for_each_protocol(render: Render) -> None:
    lines = render(summary_table(SUMMARY))
    assert lines[0].split() == ["protocol", "%", "95", "%", "errors", "n", "kind"]
    assert lines[1].split() == ["lake-20", "97.8", "96.0-99.0", "9", "400", "measured"]
    assert lines[3].split() == ["verification", "96.1", "95.0-97.0", "20,000", "measured"]
    note = joined(lines[4:])
    assert "verification: area under the ROC curve 0.9912, equal error rate 3.9 %" in note
    assert "at its threshold 1.0 % of different pairs" in note
    assert "12.3 % of same pairs for different (4,000 validation pairs)" in note


def test_tasks_over_a_folder(render: Render) -> None:
    document = {
        "accuracy": measure(0.9, 0.8, 0.95),
        "protocol": "5-way 1-shot",
        "results": {"5-way 1-shot": measure(0.9, 0.8, 0.95, errors=40)},
        "unreadable": [{"path": "[x].png", "error": "empty"}],
    }
    lines = render(tasks_table(document))
    assert lines[1].split() == ["5-way", "1-shot", "90.0", "80.0-95.0", "40", "400", "measured"]
    assert lines[-2:] == ["could not be read, and not counted: 1", "    [x].png: empty"]
    assert "could not" not in joined(render(tasks_table(document | {"unreadable": []})))


def test_identification(render: Render) -> None:
    rows = [
        {"path": "[a].png", "predicted": "anna", "confidence": 0.9876, "known": True, "top": []}
        | {"threshold": 0.4567},
        {
            "path": "b.png",
            "predicted": "unknown",
            "confidence": 0.12,
            "known": False,
            "top": [{"label": "berta", "confidence": 0.12}],
        },
        {"path": "c.png", "error": "the file is empty (0 bytes)"},
    ]
    lines = render(identification_table(rows))
    assert [line.split() for line in lines[1:3]] == [
        ["[a].png", "anna", "0.988"],
        ["b.png", "unknown", "0.120", "berta"],
    ]
    assert "empty" in lines[3]
    assert "unknown: below 0.457" in lines[-1]
    render(identification_table([rows[0] | {"path": "deep/" * 40, "predicted": "a long name" * 9}]))


@pytest.mark.parametrize(
    ("same", "score", "line"),
    [
        (True, 0.98765, "same: score 0.988 is at least the threshold 0.600"),
        (False, 0.3, "different: score 0.300 is below the threshold 0.600"),
        (False, None, "different: score - is below the threshold 0.600"),
    ],
)
def test_verdict(same: bool, score: float | None, line: str, render: Render) -> None:
    assert render(verdict_text({"same": same, "score": score, "threshold": 0.6})) == [line]
