"""The comment at the top of a config: its summary of the experiment, and the line for editors in a copy."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from dlpractice.config.names import find_config
from dlpractice.config.schema import SCHEMAS, json_schema
from dlpractice.errors import ConfigError
from dlpractice.settings import CACHE_VARIABLE, cache_dir

# See https://github.com/redhat-developer/yaml-language-server#using-inlined-schema
_LINE = "# yaml-language-server: $schema="
_LINE_OF_BEFORE = re.compile(rf"\A{re.escape(_LINE)}[^\n]*\n(#\n)?")
_COMMAND = re.compile(r"^command:\s*(\w+)", re.MULTILINE)


def read_summary(path: Path) -> str:
    """The first paragraph of the comment that a config begins with, as one line."""
    words: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.removeprefix("#").strip()
        if not line.startswith("#") or (words and not text):
            break
        words += text.split()
    return " ".join(words)


def copy_config(name: str, target: Path) -> Path:
    """Copies the config that `name` means to a new file, below a line for editors that names its schema.

    The schema belongs to the version of the package, so it is written to the cache anew at each copy.

    Args:
        name: a path, or the name of a config that ships with the package.
        target: the new file, or a folder to put it in under its own name.

    Returns:
        The new file.

    Raises:
        ConfigError: there is no such config, the target exists already, or a file cannot be written.
    """
    source = find_config(name)
    target = target / source.name if target.is_dir() else target
    text = source.read_text(encoding="utf-8")
    command = _COMMAND.search(text)
    if command is not None and command[1] in SCHEMAS:
        text = f"{_LINE}{_write_schema(command[1]).as_posix()}\n#\n{_LINE_OF_BEFORE.sub('', text)}"
    try:
        # "x" creates the file or fails: a file of that name that appears at this moment is not overwritten.
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{target} exists already", "name another file, or delete it first") from error
    except OSError as error:
        raise ConfigError(
            f"{target} cannot be written: {error.strerror}", "name a file in a folder of yours"
        ) from error
    return target


def _write_schema(command: str) -> Path:
    """Writes the JSON Schema of a command's configs to the cache, and gives its file."""
    file = cache_dir() / "schema" / f"{command}.json"
    new = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(json_schema(command), indent=2), encoding="utf-8")
        os.replace(new, file)
    except OSError as error:
        raise ConfigError(
            f"{file}, the schema for editors, cannot be written: {error.strerror}",
            f"set {CACHE_VARIABLE} to a folder of yours",
        ) from error
    return file
