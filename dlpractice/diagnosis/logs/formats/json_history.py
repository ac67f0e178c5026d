"""JSON with a list for each curve: Keras's `History`, and the dictionaries of lists that most loops keep."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import tabulate_lists
from dlpractice.diagnosis.logs.texts.json_shapes import find_lists
from dlpractice.diagnosis.logs.texts.json_text import HISTORY_HINT, is_document, read_document
from dlpractice.diagnosis.record import Record
from dlpractice.errors import RunError


def find_json(path: Path) -> Path | None:
    """`path` itself, where it may be JSON: any that no other format has claimed is taken for a history."""
    return path if is_document(path) else None


def read_json(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of a history in a file of its own; raises RunError as `read_history` does."""
    return read_history(path, read_document(path), mapping)


def read_history(path: Path, document: Any, mapping: Mapping[str, str]) -> Record:
    """The record of `history.history`, or of the object around it. The n-th value of a list is epoch n.

    Raises:
        RunError: no list of numbers under a name that is known or in `mapping`.
    """
    if not isinstance(document, Mapping | list):
        raise RunError(f"{path} holds a {type(document).__name__}, not an object", HISTORY_HINT)
    lists = find_lists(document)
    if not lists:
        raise RunError(f"{path} has no list of losses or accuracies{_describe(document)}", HISTORY_HINT)
    return interpret(tabulate_lists(str(path), "Keras history", lists), mapping)


def _describe(document: Any) -> str:
    """Names texts and single numbers that stand where lists belong: a faulty conversion, or a summary."""
    if not isinstance(document, Mapping):
        return ""
    found = [
        f"{name} is {value!r}" for name, value in document.items() if isinstance(value, str | int | float)
    ]
    return f": {', '.join(found[:2])}"[:200] if found else ""


FORMAT = Format(
    name="Keras history",
    words="a Keras history (.json)",
    recognised_by=(
        "a `.json` file, or a text of a Python dictionary, with lists of numbers, such as "
        "`json.dump(history.history, file)` makes; objects in it may hold them, and what pandas's `to_json` "
        "writes as `columns`, `split` or `values`"
    ),
    places=(Place(44, find_json),),
    read=read_json,
)
