"""The comment at the top of a config: its line for editors, and what it says about the experiment."""

from __future__ import annotations

import re
from pathlib import Path

from dlpractice.config.names import find_config, shipped_folder
from dlpractice.errors import ConfigError

# See https://github.com/redhat-developer/yaml-language-server#using-inlined-schema
_SCHEMA_LINE = re.compile(r"^# yaml-language-server: \$schema=(?:.*/)?(?P<file>[^/\n]+\.json)$", re.MULTILINE)


def schema_file(command: str) -> Path:
    """The JSON Schema, for editors, of a command's configs."""
    return shipped_folder() / "schema" / f"{command}.json"


def read_summary(path: Path) -> str:
    """The first paragraph of the comment that a config begins with, as one line."""
    words: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.removeprefix("#").strip()
        if not line.startswith("#") or (words and not text):
            break
        if not _SCHEMA_LINE.match(line):
            words += text.split()
    return " ".join(words)


def copy_config(name: str, target: Path) -> Path:
    """Copy the config that `name` means to a new file; the copy's line for editors names the shipped schema.

    Args:
        name: a path, or the name of a config that ships with the package.
        target: the new file, or a folder to put it in under its own name.

    Returns:
        The new file.

    Raises:
        ConfigError: there is no such config, the target exists already, or it cannot be written.
    """
    source = find_config(name)
    target = target / source.name if target.is_dir() else target
    text = _SCHEMA_LINE.sub(
        lambda line: (
            f"# yaml-language-server: $schema={(shipped_folder() / 'schema' / line['file']).as_posix()}"
        ),
        source.read_text(encoding="utf-8"),
    )
    try:
        # "x" creates or fails, so that a file of that name stays whole even if it appears just now.
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{target} exists already", "name another file, or delete it first") from error
    except OSError as error:
        raise ConfigError(
            f"{target} cannot be written: {error.strerror}", "name a file in a folder of yours"
        ) from error
    return target
