"""The live display: two lines at the bottom of a terminal, and a line that stays for each ended stage."""

from collections.abc import Mapping
from typing import TextIO

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dlpractice.report.printable_console import PrintableConsole
from dlpractice.report.progress_display.stage import Stage

_REFRESHES_PER_SECOND = 5
_MAX_WIDTH = 100
_MAX_NAME = 28


class TerminalProgress:
    """Draws a few times a second, from a thread of its own, whatever the counters say then."""

    def __init__(self, stream: TextIO) -> None:
        self._console = PrintableConsole(file=stream)
        self._stage: Stage | None = None
        self._live: Live | None = None

    def stage(self, name: str, total: int, unit: str) -> None:
        """Leave a line for the stage that ends here, and begin to draw the new one."""
        self._finish_stage()
        self._stage = Stage(name, total, unit)
        if self._live is None:
            self._live = Live(
                console=self._console,
                get_renderable=self._draw,
                refresh_per_second=_REFRESHES_PER_SECOND,
                transient=True,
                redirect_stdout=False,  # results may go to a file meanwhile
            )
            self._live.start()

    def advance(self, done: int = 1) -> None:
        """Count; the next refresh shows it."""
        if self._stage is not None:
            self._stage.advance(done)

    def batch(self, epoch: int, epochs: int, step: int, steps: int, images: int) -> None:
        """Count; the next refresh shows it."""
        if self._stage is not None:
            self._stage.batch(epoch, step, steps, images)

    def epoch(self, row: Mapping[str, object], is_best: bool) -> None:
        """Count; the next refresh shows it."""
        if self._stage is not None:
            self._stage.epoch(row, is_best)

    def say(self, message: str) -> None:
        """A line above the display, below that of a stage which has come to its end."""
        if self._stage is not None and self._stage.fraction >= 1.0:
            self._finish_stage()
        self._console.print(Text(message))

    def warn(self, message: str) -> None:
        """A yellow line above the display."""
        self._console.print(Text.assemble(("warning: ", "bold yellow"), message))

    def close(self) -> None:
        """Leave a line for the last stage and take the display away."""
        self._finish_stage()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _finish_stage(self) -> None:
        if self._stage is not None:
            stage, self._stage = self._stage, None
            self._console.print(Text(_ended(stage), style="dim"))

    def _draw(self) -> RenderableType:
        stage = self._stage
        return Text() if stage is None else draw_stage(stage, min(self._console.width, _MAX_WIDTH))


def draw_stage(stage: Stage, width: int) -> RenderableType:
    """`stage` as two lines of `width` columns: what, a bar, time left; speed and best validation scores."""
    if stage.trains:
        position = f"epoch {min(stage.done + 1, stage.total):,}/{stage.total:,}"
    else:
        position = f"{stage.done:,}/{stage.total:,} {stage.unit}"
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.width = width
    grid.add_column(no_wrap=True, overflow="ellipsis", max_width=_MAX_NAME)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, min_width=8)
    grid.add_column(no_wrap=True, justify="right", min_width=12)
    grid.add_row(
        Text(stage.name, style="bold"),
        position,
        ProgressBar(total=1.0, completed=stage.fraction),
        f"{_format_time(stage.seconds_left)} left",
    )
    return Group(grid, Text(_speed_and_score(stage), style="dim", no_wrap=True, overflow="ellipsis"))


def _speed_and_score(stage: Stage) -> str:
    rate = stage.images_per_second()
    parts = [] if rate is None else [f"{rate:,.0f} images/s"]
    if stage.best_epoch:
        parts.append(_best_epoch(stage))
    return "  ".join(parts)


def _ended(stage: Stage) -> str:
    unit = stage.unit.removesuffix("s") if stage.done == 1 else stage.unit
    line = f"{stage.name}: {stage.done:,} {unit} in {_format_time(stage.seconds)}"
    return f"{line}, {_best_epoch(stage)}" if stage.best_epoch else line


def _best_epoch(stage: Stage) -> str:
    """The epoch whose weights are kept, in the terms of metrics.csv."""
    scores = [] if stage.best_loss is None else [f"val_loss {stage.best_loss:.4f}"]
    scores += [] if stage.best_accuracy is None else [f"val_accuracy {stage.best_accuracy:.1%}"]
    return f"best epoch {stage.best_epoch}" + (f" ({', '.join(scores)})" if scores else "")


def _format_time(seconds: float | None) -> str:
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
