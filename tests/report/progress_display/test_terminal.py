"""The live display in a pseudo-terminal of 80 columns, read as a terminal reads it."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable

import pytest
from rich.console import Console

from dlpractice.report.progress_display.stage import Stage
from dlpractice.report.progress_display.terminal import TerminalProgress, draw_stage

SESSION = """
import sys, time
from dlpractice.report.progress_display.plain import make_progress
progress = make_progress(sys.stderr)
progress.stage("decoding", 3000, "images")
for _ in range(3):
    progress.advance(1000)
    time.sleep(0.25)
progress.warn("some images are near-duplicates of each other: " + "photographs/cat.1.jpg " * 4)
progress.stage("training " + "a long name " * 8, 1000, "epochs")
for epoch in (1, 2):
    for step in range(1, 4):
        progress.batch(epoch, 1000, step, 3, 32000)
        time.sleep(0.1)
    progress.epoch({"epoch": epoch, "val_loss": epoch, "val_accuracy": epoch / 3}, epoch == 1)
print("a result", flush=True)
time.sleep(0.3)
progress.close()
progress.close()
"""

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3\d|4\d|9\d)(?:;\d+)*m")


def watch(columns: int, **environment: str) -> tuple[str, str]:
    """What SESSION writes to stderr, a terminal of so many columns, and to stdout, a pipe."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")}
    pieces: list[bytes] = []

    def read() -> None:
        while True:
            try:
                pieces.append(os.read(outer, 65536))
            except OSError:  # Linux's way to say that the other end is closed
                return

    with subprocess.Popen(
        [sys.executable, "-c", SESSION],
        stdin=inner,
        stdout=subprocess.PIPE,
        stderr=inner,
        text=True,
        env=clean | {"TERM": "xterm-256color"} | environment,
    ) as process:
        os.close(inner)
        reader = threading.Thread(target=read)
        reader.start()
        out, _ = process.communicate(timeout=1200)
        reader.join(10)
    os.close(outer)
    assert process.returncode == 0
    return b"".join(pieces).decode(), out


@pytest.fixture(scope="module")
def shown() -> tuple[str, str]:
    return watch(80)


def visible_lines(written: str) -> list[str]:
    return [line for line in re.split(r"[\r\n]+", ESCAPE.sub("", written)) if line]


def test_no_line_is_wider_than_the_terminal(shown: tuple[str, str]) -> None:
    lines = visible_lines(shown[0])
    assert len(lines) > 10
    assert max(len(line) for line in lines) <= 80


def test_a_narrow_terminal_is_not_overrun() -> None:
    assert max(len(line) for line in visible_lines(watch(50)[0])) <= 50


def test_it_shows_stage_position_time_speed_and_scores(shown: tuple[str, str]) -> None:
    text = "\n".join(visible_lines(shown[0]))
    assert "3,000/3,000 images" in text
    assert "epoch 2/1,000" in text
    assert "left" in text
    assert "images/s" in text
    assert "best epoch 1 (val_loss 1.0000, val_accuracy 33.3%)" in text  # the one that is said to be kept
    assert "best epoch 2" not in text


def test_what_stays_is_a_line_per_stage_and_the_warning(shown: tuple[str, str]) -> None:
    text = " ".join(" ".join(visible_lines(shown[0])).split())
    assert re.search(r"decoding: 3,000 images in 0:0\d", text)
    assert re.search(r"2 epochs in 0:0\d, best epoch 1 \(val_loss 1.0000, val_accuracy 33.3%\)", text)
    assert "warning: some images" in text


def test_the_cursor_is_given_back_and_results_are_left_alone(shown: tuple[str, str]) -> None:
    assert shown[0].rindex("\x1b[?25h") > shown[0].rindex("\x1b[?25l")
    assert shown[1] == "a result\n"


def test_no_color_is_honoured(shown: tuple[str, str]) -> None:
    assert COLOUR.search(shown[0])
    assert not COLOUR.search(watch(80, NO_COLOR="1")[0])


@pytest.fixture
def draw() -> Callable[[Stage], list[str]]:
    def lines(stage: Stage) -> list[str]:
        console = Console(file=io.StringIO(), width=80, legacy_windows=False)
        with console.capture() as capture:
            console.print(draw_stage(stage, 80))
        return [line.rstrip() for line in capture.get().splitlines()]

    return lines


def test_two_lines(draw: Callable[[Stage], list[str]]) -> None:
    now = 0.0
    stage = Stage("training head", 4, "epochs", lambda: now)
    assert draw(stage)[0].split("  ")[:2] == ["training head", "epoch 1/4"]
    assert draw(stage)[0].endswith("-:-- left")
    stage.batch(1, 1, 2, 32)
    now = 600.0
    stage.batch(1, 2, 2, 32)
    stage.epoch({"epoch": 1, "val_loss": 0.5, "val_accuracy": 0.75}, True)
    first, second = draw(stage)
    assert "epoch 2/4" in first
    assert first.endswith("1:00:00 left")  # an eighth took 600 s, and six are left
    assert second.endswith("best epoch 1 (val_loss 0.5000, val_accuracy 75.0%)")


def test_the_last_epoch_is_not_one_too_many(draw: Callable[[Stage], list[str]]) -> None:
    stage = Stage("training head", 1, "epochs")
    stage.epoch({"epoch": 1}, True)
    assert "epoch 1/1 " in draw(stage)[0]


def test_markup_in_messages_is_text() -> None:
    stream = io.StringIO()
    progress = TerminalProgress(stream)
    progress.say("[bold]/cat.jpg[/bold]")
    progress.warn("[x]")
    assert stream.getvalue() == "[bold]/cat.jpg[/bold]\nwarning: [x]\n"
