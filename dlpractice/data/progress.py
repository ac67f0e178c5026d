"""What the data room says while it works: a small protocol, and the silence that is its default."""

from typing import Protocol


class Progress(Protocol):
    """Receives stages, steps and messages; any object with these four methods will do."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """A new stage begins: `total` steps, counted in `unit` (such as "images" or "bytes")."""

    def advance(self, done: int = 1) -> None:
        """`done` further steps of the stage are finished."""

    def say(self, message: str) -> None:
        """Something worth knowing."""

    def warn(self, message: str) -> None:
        """Something the user should look at."""


class Quiet:
    """A progress that says nothing."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """Does nothing."""

    def advance(self, done: int = 1) -> None:
        """Does nothing."""

    def say(self, message: str) -> None:
        """Does nothing."""

    def warn(self, message: str) -> None:
        """Does nothing."""
