"""The evidence for a choice as tables that fit 80 columns, and as a figure."""

import io
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console

from dlpractice.report.choice_tables import choice_figure, choice_table, draw_choice

SURE = {"value": 0.9, "ci95": [0.85, 0.95], "n": 200, "kind": "measured"}
LESS = {"value": -0.05, "ci95": [-0.08, -0.02], "n": 200, "kind": "measured"}
BLOCKS = [
    {"block": 1, "accuracy": SURE, "log_evidence": 0.5, "products": 1e9, "difference": None},
    {
        "block": 2,
        "accuracy": SURE | {"value": 0.8},
        "log_evidence": None,
        "products": 2e9,
        "difference": LESS,
    },
]
ROUND = {"epochs": 3, "val_accuracy": SURE, "products": 1e12, "seconds": 7.0, "run": "candidates/top-block-3"}
CHOICE: dict[str, Any] = {
    "strategy": "linear@block1",
    "backbone": "efficientnetv2b0",
    "reason": "linear@block1: because",
    "images": 200,
    "folds": 5,
    "left_out": {"xception": "it takes images of 71 pixels or more"},
    "backbones": [{"backbone": "efficientnetv2b0", "best_block": 1, "blocks": BLOCKS}],
    "candidates": [
        {"strategy": "linear@block1", "epochs": 3, "products": 1e12, "rounds": [ROUND], "difference": None},
        {"strategy": "top-block", "epochs": 30, "products": 5e14, "rounds": [ROUND], "difference": LESS},
        {"strategy": "full", "epochs": 30, "products": 5e15, "rounds": [], "difference": None},
    ],
}


def show(choice: dict[str, Any]) -> list[str]:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(choice_table(choice))
    return console.export_text().splitlines()


def test_tables_in_80_columns() -> None:
    lines = show(CHOICE)
    (first,) = [line.split() for line in lines if line.startswith("efficientnetv2b0  1")]
    assert first == ["efficientnetv2b0", "1", "90.0", "85.0-95.0", "best", "0.50", "2"]
    rows = {line.split()[0]: line.split()[1:] for line in lines if "/3" in line}
    assert rows["linear@block1"] == ["3/3", "90.0", "85.0-95.0", "best", "2.00", "7"]
    assert rows["top-block"] == ["3/30", "90.0", "85.0-95.0", "-5.0", "-8.0,-2.0", "1,000.00", "7"]
    assert rows["full"] == ["0/30", "-", "-", "-", "10,000.00", "0"]
    text = " ".join(lines)
    assert "chosen: linear@block1: because" in text and "xception was not probed" in text


def test_what_was_not_measured_is_told_in_a_sentence(tmp_path: Path) -> None:
    unmeasured = {"backbones": [], "reason": "head, unmeasured"}
    assert "".join(show(unmeasured)).strip() == "chosen: head, unmeasured"
    choice_figure(unmeasured, tmp_path / "choice.png")
    assert not (tmp_path / "choice.png").exists()


def test_the_figure_has_a_line_for_each_backbone(tmp_path: Path) -> None:
    two = CHOICE | {"backbones": [*CHOICE["backbones"], {**CHOICE["backbones"][0], "backbone": "vgg16"}]}
    axes = draw_choice(two).axes[0]
    assert [text.get_text().split(",")[0] for text in axes.get_legend().get_texts()] == [
        "efficientnetv2b0",
        "vgg16",
    ]
    assert [line.get_xydata().tolist() for line in axes.get_lines()[:1]] == [[[1, 90], [2, 80]]]
    choice_figure(two, tmp_path / "choice.png")
    with Image.open(tmp_path / "choice.png") as image:
        assert image.format == "PNG"
