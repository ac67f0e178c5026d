"""How a recipe reports what it is doing. `report/progress_display/` shows it; `Silent` drops it."""

from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """What a recipe calls while it works, always from one thread.

    A stage lasts until the next one starts or `close` is called.
    """

    def stage(self, name: str, total: int, unit: str) -> None:
        """A stage starts, such as ("decoding", 3000, "images") or ("training head", 30, "epochs")."""

    def advance(self, done: int = 1) -> None:
        """`done` more units of the stage are ready. Training calls `batch` and `epoch` instead."""

    def batch(self, epoch: int, epochs: int, step: int, steps: int, images: int) -> None:
        """A step, `step` of `steps` in epoch `epoch` of `epochs` (from 1), has trained on `images` images.

        Called after each step, up to thousands of times a second, so it must cost next to nothing.
        """

    def epoch(self, row: Mapping[str, object], is_best: bool) -> None:
        """An epoch has ended.

        row: the epoch's row of metrics.csv, in which epochs count from 1 in each stage.
        is_best: whether this is the epoch that would be kept if training ended now.
        """

    def say(self, message: str) -> None:
        """The user is told `message`, one line."""

    def warn(self, message: str) -> None:
        """The user is told `message`, and should look at it."""

    def close(self) -> None:
        """The work is over: the terminal is given back as it was. Closing twice does no harm."""


class Silent:
    """A Progress that says nothing."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """Say nothing."""

    def advance(self, done: int = 1) -> None:
        """Say nothing."""

    def batch(self, epoch: int, epochs: int, step: int, steps: int, images: int) -> None:
        """Say nothing."""

    def epoch(self, row: Mapping[str, object], is_best: bool) -> None:
        """Say nothing."""

    def say(self, message: str) -> None:
        """Say nothing."""

    def warn(self, message: str) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Say nothing."""


class Subdued(Silent):
    """Shows how far a part of the work is, as `inner` does, and drops what it has to say, and its epochs."""

    def __init__(self, inner: Progress) -> None:
        self._inner = inner

    def stage(self, name: str, total: int, unit: str) -> None:
        """As `inner` does."""
        self._inner.stage(name, total, unit)

    def advance(self, done: int = 1) -> None:
        """As `inner` does."""
        self._inner.advance(done)

    def batch(self, epoch: int, epochs: int, step: int, steps: int, images: int) -> None:
        """As `inner` does."""
        self._inner.batch(epoch, epochs, step, steps, images)
