"""JSON files that hold an object, for the formats that are written so."""

import json
from pathlib import Path
from typing import Any

from dlpractice.errors import RunError
from dlpractice.runs.atomic_files import read_text

HISTORY_HINT = (
    'a history is like {"loss": [0.7, 0.4], "val_loss": [0.8, 0.6]}: json.dump(history.history, file)'
)


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in `path`.

    Raises:
        RunError: it cannot be read, or is no JSON object.
    """
    try:
        document = json.loads(read_text(path))  # Python's own: NaN and Infinity are numbers
    except json.JSONDecodeError as error:
        raise RunError(f"{path}:{error.lineno} is not JSON: {error.msg}", HISTORY_HINT) from None
    if not isinstance(document, dict):
        raise RunError(f"{path} holds a {type(document).__name__}, not an object", HISTORY_HINT)
    return document
