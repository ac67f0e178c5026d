"""Reading and writing JSON files of a run, each through the model that says what it holds.

What was read has values of the kinds that the model names. A key may still be absent, where an earlier
version did not write it, or where somebody took it out: whoever asks for it then gets an error that names the
file and the key.
"""

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, NoReturn

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError, WithJsonSchema

from dlpractice.errors import RunError
from dlpractice.runs.atomic_files import read_text, write_text

SCHEMA = 1
"""The version of the shapes below. A file without one was written before there was one, and is read."""

RESTORE = "restore the file from a copy, or leave this folder out"
"""What to do about a damaged file."""

_WORDS = {
    "an instance of str": "text",
    "a valid string": "text",
    "a valid dictionary or instance of": "a mapping, a",
    "a valid dictionary": "a mapping",
    "a valid list": "a list",
    "a valid number": "a number",
    "a valid integer": "a whole number",
    "a valid boolean": "true or false",
    ", unable to parse string as a number": "",
    ", unable to parse string as an integer": "",
    "None": "null",
}
"""Words of pydantic's, and ours."""

Text = Annotated[InstanceOf[str], WithJsonSchema({"type": "string"})]
"""Text; the names of files in it need not be valid UTF-8, see `atomic_files`."""
Count = Annotated[int, Field(ge=0, le=2**53)]
Number = Annotated[float, Field(allow_inf_nan=False)]


def key(meaning: str, **limits: Any) -> Any:
    """A key that may be absent. meaning: what it says, for docs/run-directory.md."""
    return Field(default=None, description=meaning, **limits)


class Part(BaseModel):
    """A mapping inside a file. Keys that the model does not know, from a later version, are let through."""

    model_config = ConfigDict(
        extra="allow", strict=True, frozen=True, protected_namespaces=(), defer_build=True
    )


class Document(Part):
    """A JSON file. FILE is its name."""

    FILE: ClassVar[str]


class Found(dict[str, Any]):
    """A mapping that was read from a file; a key that it lacks is an error of the file, not the program's."""

    def __init__(self, items: Any = (), place: str = "") -> None:
        super().__init__(items)
        self._place = place

    def __missing__(self, name: str) -> NoReturn:
        raise RunError(f"{self._place}{name} is missing", RESTORE)


def read_document(path: Path, model: type[Document]) -> Found:
    """The JSON object in the file `path`, without its version.

    Raises:
        RunError: the file is absent, is not JSON, is of a later version, or does not hold what `model` says.
    """
    tree = read_json(path)
    version = tree.pop("schema", SCHEMA)
    if not isinstance(version, int) or version < 1:
        raise RunError(f"{path}: schema must be a whole number from 1; got {show(version)}", RESTORE)
    if version > SCHEMA:
        raise RunError(
            f"{path} has schema {version}; this version of dlp reads up to {SCHEMA}", "update dlpractice"
        )
    try:
        model.model_validate(tree)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise RunError(f"{path}: {place} {describe_problem(error)}", RESTORE) from None
    found: Found = wrap(tree, f"{path}: ")
    return found


def write_document(path: Path, model: type[Document], document: Mapping[str, object]) -> None:
    """Write a JSON file with its version. NumPy scalars and arrays become numbers and lists, paths strings.

    JSON has no NaN and no infinity, and Python's extension of it breaks other readers: a number that is not
    finite is written as null. The value itself is not lost where it matters, since metrics.csv keeps `nan`
    and `inf`.

    Raises:
        RunError: the file cannot be written.
        ValueError: `document` is not what `model` says.
    """
    tree = {"schema": SCHEMA, **_to_json(document)}
    model.model_validate(tree)
    write_text(path, json.dumps(tree, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file, unchecked.

    Raises:
        RunError: the file is absent, or holds no JSON object.
    """
    try:
        tree = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise RunError(f"{path}:{error.lineno} is not JSON: {error.msg}", RESTORE) from None
    except RecursionError:
        raise RunError(f"{path} is nested too deeply for a file of a run", RESTORE) from None
    except ValueError:  # Python reads no whole number of more than 4,300 digits
        raise RunError(f"{path} holds a number with thousands of digits", RESTORE) from None
    if not isinstance(tree, dict):
        raise RunError(f"{path} must hold a JSON object; got {show(tree)}", RESTORE)
    return tree


def describe_problem(error: ValidationError) -> str:
    """What is wrong with the first value that a model does not take: what is wanted, and what was found."""
    problems = error.errors(include_url=False)
    first, more = problems[0], f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
    if first["type"] == "missing":
        return f"is missing{more}"
    wanted = re.sub("^Value error, ", "", first["msg"])
    wanted = re.sub("^(Input|Dictionary|List) should", "must", wanted)
    for theirs, ours in _WORDS.items():
        wanted = wanted.replace(theirs, ours)
    return f"{wanted}; got {show(first['input'])}{more}"


def show(value: Any) -> str:
    """A value as JSON has it, shortened."""
    if isinstance(value, dict | list):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def wrap(tree: Any, place: str) -> Any:
    """The tree with every mapping in it as a `Found`. place: what messages put before keys."""
    if isinstance(tree, dict):
        return Found(((name, wrap(value, f"{place}{name}.")) for name, value in tree.items()), place)
    if isinstance(tree, list):
        return [wrap(value, f"{place}{number}.") for number, value in enumerate(tree)]
    return tree


def _to_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _to_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # NumPy's arrays and scalars, without importing NumPy
        return _to_json(value.tolist())
    return value
