import io
import os
import pty

import pytest

from dlpractice.report.progress_display.plain import PlainProgress, epoch_line, make_progress
from dlpractice.report.progress_display.terminal import TerminalProgress

ROW = {
    "stage": "head",
    "epoch": 1,
    "step": 40,
    "seconds": 1.23,
    "learning_rate": 0.001,
    "images_per_second": 1840.4,
    "loss": 0.10344,
    "accuracy": 0.9,
    "val_loss": 0.25,
    "val_accuracy": 0.976,
}


def test_plain_lines_exactly() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream)
    progress.say("head, seed 0")
    progress.stage("decoding", 3000, "images")
    progress.advance(3000)
    progress.warn("2 images are duplicates")
    progress.stage("training head", 3, "epochs")
    progress.batch(1, 3, 1, 2, 32)
    progress.epoch(ROW, True)
    progress.epoch(ROW | {"epoch": 2, "val_loss": 0.26, "val_accuracy": 0.99}, False)
    progress.epoch(ROW | {"epoch": 3, "val_loss": 0.24}, True)
    progress.close()
    progress.close()
    figures = "1.2 s, 1,840 images/s, loss 0.1034, accuracy 90.0%, val_loss"
    assert stream.getvalue().splitlines() == [
        "head, seed 0",
        "decoding: 3,000 images",
        "warning: 2 images are duplicates",
        "training head: 3 epochs",
        f"training head: epoch 1/3, {figures} 0.2500, val_accuracy 97.6% (best so far)",
        f"training head: epoch 2/3, {figures} 0.2600, val_accuracy 99.0%",
        f"training head: epoch 3/3, {figures} 0.2400, val_accuracy 97.6% (best so far)",
    ]


def test_what_an_epoch_lacks_is_left_out() -> None:
    assert epoch_line({"epoch": 1, "loss": 0.5, "val_loss": None}) == "loss 0.5000"
    assert epoch_line({"loss": float("nan")}) == "loss nan"


def test_lines_arrive_at_once() -> None:
    """Whoever follows a log file sees each line when it is written."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading) as log:
        PlainProgress(stream).say("here")
        assert log.readline() == "here\n"


@pytest.mark.parametrize(("term", "kind"), [("xterm-256color", TerminalProgress), ("dumb", PlainProgress)])
def test_bars_only_on_a_terminal_that_can(term: str, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    assert isinstance(make_progress(io.StringIO()), PlainProgress)
    outer, inner = pty.openpty()
    with os.fdopen(inner, "w") as terminal, os.fdopen(outer, "rb"):
        assert isinstance(make_progress(terminal), kind)


def test_the_last_epoch_of_each_stage_alone() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream, every_epoch=False)
    for seed in (0, 1):
        progress.stage(f"seed {seed}", 184, "epochs")
        for number in range(1, 185):
            progress.epoch(ROW | {"epoch": number}, False)
    progress.close()
    lines = stream.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "seed 0: 184 epochs",
        "seed 0: epoch 184/184",
        "seed 1: 184 epochs",
        "seed 1: epoch 184/184",
    ]
