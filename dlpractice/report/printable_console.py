"""A console that shows any name of a file as text."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.segment import Segment

from dlpractice.printable import printable


class PrintableConsole(Console):
    """A console that shows control characters and broken text as escapes, in whatever it prints.

    Markup is off, so that a path such as `[old]/cat.jpg` is shown as it is.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, highlight=False, **options)

    def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
        """What rich calls for everything that it shows; its own control codes are kept."""
        for segment in super().render(*arguments, **options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
