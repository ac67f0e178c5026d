import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from dlpractice.benchmark.report.baseline_table import baseline_table


def show(table: RenderableType) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=80, color_system=None).print(table)
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    return lines


def cells(lines: list[str], start: str) -> list[str]:
    return next(line for line in lines if line.startswith(start)).split()


def comparison(slower: bool) -> dict[str, Any]:
    ratio = 0.7 if slower else 1.02
    row = {
        "name": "matmul/float32/sustained",
        "unit": "TFLOP/s",
        "before": 1.0,
        "now": ratio,
        "ratio": ratio,
        "ci95": [ratio - 0.01, ratio + 0.01],
        "change": "fell" if slower else "same",
        "slower": slower,
    }
    return {
        "tolerance": 0.1,
        "rows": [row, {**row, "name": "x", "ci95": None, "change": "rose", "slower": False}],
        "overall": {"ratio": ratio, "ci95": [ratio, ratio], "n": 2, "fell": 1, "rose": 0, "slower": slower},
        "slower": slower,
        "only_now": ["b", "a"],
        "only_before": [],
        "environment": [{"what": "host.processor", "before": "X", "now": "Y"}],
        "config": [],
    }


@pytest.mark.parametrize(("slower", "verdict"), [(True, "; slower by more"), (False, "; not slower by more")])
def test_the_comparison_names_what_is_slower_and_what_else_differs(slower: bool, verdict: str) -> None:
    lines = show(baseline_table(comparison(slower)))
    text = " ".join(lines)
    assert (cells(lines, "matmul")[-1] == "slower") is slower
    assert cells(lines, "x")[-1] == "rose"
    assert verdict in text
    assert "of 2 figures 1 fell and 0 rose beyond their noise" in text
    assert "not in the baseline: a, b" in text
    assert "only in the baseline" not in text
    assert "environment differs: host.processor was X, is Y" in text


def test_nothing_to_compare_is_said() -> None:
    text = show(baseline_table(comparison(False) | {"rows": [], "overall": None}))
    assert "no figure has a counterpart in the baseline" in text
