"""Progress in plain lines, for pipes, files and CI; and the choice between it and the live display.

Both follow `dlpractice.progress.Progress`.
"""

import os
from collections.abc import Mapping
from typing import TextIO

from dlpractice.printable import printable
from dlpractice.progress import Progress
from dlpractice.report.progress_display.stage import Stage


def make_progress(stream: TextIO, every_epoch: bool = True) -> Progress:
    """The live display where `stream` is a terminal that can move its cursor, else plain lines.

    every_epoch: whether a plain line is written for each epoch, or for the last one of each stage only.
    """
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        from dlpractice.report.progress_display.terminal import (
            TerminalProgress,  # Rich takes a while to import
        )

        return TerminalProgress(stream)
    return PlainProgress(stream, every_epoch)


class PlainProgress:
    """One line per stage and one per epoch, or for its last epoch only."""

    def __init__(self, stream: TextIO, every_epoch: bool = True) -> None:
        self._stream, self._every_epoch = stream, every_epoch
        self._stage: Stage | None = None
        self._kept_back = ""

    def stage(self, name: str, total: int, unit: str) -> None:
        """Name the stage and its size."""
        self.close()
        self._stage = Stage(name, total, unit)
        self.say(f"{name}: {total:,} {unit}")

    def advance(self, done: int = 1) -> None:
        """Say nothing: only whole stages and epochs get a line."""

    def batch(self, epoch: int, epochs: int, step: int, steps: int, images: int) -> None:
        """Say nothing: only whole stages and epochs get a line."""

    def epoch(self, row: Mapping[str, object], is_best: bool) -> None:
        """One line with what the epoch reached."""
        if self._stage is not None:
            self._stage.epoch(row, is_best)
            name, done, total = self._stage.name, self._stage.done, self._stage.total
            line = f"{name}: epoch {done}/{total}, {epoch_line(row)}{' (best so far)' if is_best else ''}"
            if self._every_epoch:
                self.say(line)
            else:
                self._kept_back = line

    def say(self, message: str) -> None:
        """One line."""
        print(printable(message), file=self._stream, flush=True)

    def warn(self, message: str) -> None:
        """One line that says it is a warning."""
        self.say(f"warning: {message}")

    def close(self) -> None:
        """The line of the last epoch, where it was kept back."""
        if self._kept_back:
            line, self._kept_back = self._kept_back, ""
            self.say(line)


_EPOCH_FORMATS = {
    "seconds": "{:.1f} s",
    "images_per_second": "{:,.0f} images/s",
    "loss": "loss {:.4f}",
    "accuracy": "accuracy {:.1%}",
    "val_loss": "val_loss {:.4f}",
    "val_accuracy": "val_accuracy {:.1%}",
}


def epoch_line(row: Mapping[str, object]) -> str:
    """The figures of one row of metrics.csv as "1.2 s, 840 images/s, loss 0.1034, ..."; None is left out."""
    return ", ".join(
        text.format(row[name]) for name, text in _EPOCH_FORMATS.items() if row.get(name) is not None
    )
