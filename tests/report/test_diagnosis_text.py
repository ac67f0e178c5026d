"""What `dlp diagnose` shows at 80 columns."""

from typing import Any

import numpy as np
import pytest
from rich.console import Console, RenderableType

from dlpractice.report.diagnosis_text import diagnosis_text, draw_curve, group_text


def lines_of(shown: RenderableType) -> list[str]:
    console = Console(width=80, markup=False, highlight=False)
    with console.capture() as capture:
        console.print(shown)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    assert max(len(line) for line in lines) <= 80
    return lines


def finding(**changes: Any) -> dict[str, Any]:
    plain = {
        "name": "overfitting",
        "severity": "warning",
        "confidence": "high",
        "evidence": [
            "the validation loss rose by 60%, from 0.5 at epoch 10 to 0.8 at epoch 30, and on and on"
        ],
        "causes": "label errors",
        "remedy": "more data",
        "overrides": ["model.dropout=0.5", "training.weight_decay=0.05"],
        "curve": "val_loss",
        "paths": [],
    }
    return plain | changes


def document(*findings: dict[str, Any]) -> dict[str, Any]:
    values = np.concatenate([np.linspace(1, 0.5, 100), np.linspace(0.5, 0.8, 100)])
    return {
        "verdict": "Overfitting: the validation loss rose.",
        "kind": "Keras history",
        "run": "logs/history.json",
        "notes": [],
        "findings": list(findings),
        "clock": "epoch",
        "columns": {},
        "unused": [],
        "missing": ["training accuracy"],
        "insufficient_evidence": [
            {"name": "dead ReLUs", "needs": ["diagnostics.json (training.diagnostics: true)"]},
            {"name": "saturated activations", "needs": ["diagnostics.json (training.diagnostics: true)"]},
        ],
        "curves": {"val_loss": {"at": list(range(1, 201)), "values": values.tolist()}},
    }


def test_what_was_read_and_what_was_not() -> None:
    shown = document(finding()) | {
        "columns": {"val_loss": "test loss"},
        "unused": ["f1", "time"],
        "clock": "step",
    }
    text = " ".join(" ".join(lines_of(diagnosis_text(shown))).split())
    assert "read: val_loss from test loss not read: f1, time; one of them can be mapped" in text
    assert "--column val_accuracy=COLUMN" in text
    assert "val_loss, step 1 to 200" in text


def test_everything_is_said_once() -> None:
    lines = lines_of(diagnosis_text(document(finding(), finding(name="spikes", overrides=[]))))
    text = " ".join(" ".join(lines).split())
    assert lines[0] == "Overfitting: the validation loss rose."
    assert "1. warning: overfitting (confidence high)" in text
    assert "model.dropout=0.5 training.weight_decay=0.05" in text
    assert "could also be: label errors" in text
    assert "not in the log: training accuracy" in text
    assert "dead ReLUs, saturated activations: needs diagnostics.json" in text
    assert text.count("val_loss, epoch 1 to 200") == 1


def test_a_remark_gets_no_curve() -> None:
    lines = lines_of(diagnosis_text(document(finding(severity="info"))))
    assert not any("epoch 1 to 200" in line for line in lines)


def test_the_curve_goes_down_and_up() -> None:
    lines = draw_curve("val_loss", document()["curves"]["val_loss"]).splitlines()
    assert lines[0].split("|")[0].strip() == "0.992"  # the mean of the first four values
    assert len(lines) == 8
    lowest = lines[5].split("|")[1]
    assert 20 < lowest.index("*") < 36
    assert lines[0].split("|")[1].startswith("*")


@pytest.mark.parametrize("values", [[], [1.0], [None, 2.0, None]])
def test_a_point_is_no_curve(values: list[float | None]) -> None:
    assert draw_curve("loss", {"at": list(range(len(values))), "values": values}) == ""


def test_a_level_curve_and_one_with_gaps() -> None:
    assert "***" in draw_curve("loss", {"at": [1, 2, 3, 4], "values": [1.0, 1.0, None, 1.0]})


def test_several_runs() -> None:
    group = {
        "verdict": "the best size is 2",
        "kind": "several runs, by model.width",
        "run": "sweep",
        "findings": [finding(name="best size", severity="info", curve="")],
        "runs": [{"run": "sweep/1/seed-0", "verdict": "Underfitting."}],
        "notes": ["left out: sweep/2"],
    }
    text = " ".join(" ".join(lines_of(group_text(group))).split())
    assert "1. info: best size" in text
    assert "sweep/1/seed-0: Underfitting." in text
