"""Where output goes: results to stdout, progress and warnings to stderr."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from dlpractice.cli.output.streams import require_output

if TYPE_CHECKING:
    from rich.console import Console


@cache
def results() -> Console:
    """The console of stdout."""
    from dlpractice.report.printable_console import PrintableConsole

    return PrintableConsole()


@cache
def messages() -> Console:
    """The console of stderr."""
    from dlpractice.report.printable_console import PrintableConsole

    return PrintableConsole(stderr=True)


def print_json(document: object) -> None:
    """Prints one JSON document to stdout.

    It is ASCII only, so that every file name can be printed. NaN and infinity, which JSON lacks, raise
    ValueError.

    Raises:
        WriteError: the document did not arrive whole.
    """
    print(json.dumps(document, indent=2, allow_nan=False))
    require_output("the JSON document")
