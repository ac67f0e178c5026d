"""The comment at the top of a config: its summary of the experiment, and the line for editors in a copy."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dlpractice import __version__
from dlpractice.config.load import read_config_text
from dlpractice.config.names import find_config, shipped_folder
from dlpractice.config.schema import SCHEMAS, json_schema
from dlpractice.paths import exists, is_folder
from dlpractice.whole_files import write_new

# See https://github.com/redhat-developer/yaml-language-server#using-inlined-schema
_LINE = "# yaml-language-server: $schema="
_LINE_OF_BEFORE = re.compile(rf"\A{re.escape(_LINE)}[^\n]*\n(#\n)?")
_SCHEMA = f"dlp-{__version__}-{{}}.schema.json"
_HEADER = re.compile(r"\A(#[^\n]*\n)+")
_MEASURED = re.compile(r"^# *Measured\b", re.MULTILINE)
_COMMAND = re.compile(r"^command:\s*(\w+)", re.MULTILINE)


def read_summary(path: Path) -> str:
    """The first paragraph of the comment that a config begins with, as one line."""
    words: list[str] = []
    for line in read_config_text(path, path.name).splitlines():
        text = line.removeprefix("#").strip()
        if not line.startswith("#") or (words and not text):
            break
        words += text.split()
    return " ".join(words)


def copy_config(name: str, target: Path) -> Path:
    """Copies the config that `name` means to a new file, below a line for editors that names its schema.

    What was measured with a config that ships does not hold for a copy that is changed, so its header stays
    behind; a header of the user's own goes along. The schema belongs to the version of the package: it is
    written beside the copy, where both can be moved together, under a name with that version.

    Args:
        name: a path, or the name of a config that ships with the package.
        target: the new file, or a folder to put it in under its own name.

    Returns:
        The new file.

    Raises:
        ConfigError: there is no such config.
        WriteError: the target exists already, or a file cannot be written.
    """
    source = find_config(name)
    target = target / source.name if is_folder(target) else target
    is_shipped = source.is_relative_to(shipped_folder())
    text = _LINE_OF_BEFORE.sub("", read_config_text(source, source.name if is_shipped else str(source)))
    if is_shipped and _MEASURED.search(text):
        text = _replace_header(text, source)
    command = _COMMAND.search(text)
    schema = target.parent / _SCHEMA.format(command[1]) if command and command[1] in SCHEMAS else None
    if schema is not None:
        text = f"{_LINE}{schema.name}\n#\n{text}"
    write_new(target, text)
    if schema is not None and command is not None and not exists(schema):
        write_new(schema, json.dumps(json_schema(command[1]), indent=2))
    return target


def _replace_header(text: str, source: Path) -> str:
    """The config with a header that says where it comes from, in place of what was measured with it."""
    body = _HEADER.sub("", text)
    return (
        f"# A copy of {source.stem}, a config of `dlp {source.parent.name}`, to be changed.\n"
        "#\n"
        "# Nothing was measured with it.\n"
        "#\n" + body
    )
