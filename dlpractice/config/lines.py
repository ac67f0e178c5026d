"""Reads YAML text as plain values, with the line of every key.

Scalars follow the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema): `1e-3` is a number,
`no` and `2024-01-01` are text. PyYAML by itself follows YAML 1.1, where `1e-3` is text and the other two are
not. Sequences become tuples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from dlpractice.config.problems import Key, Problem
from dlpractice.errors import ConfigError

_TAG = "tag:yaml.org,2002:"
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
)
_SCALARS = (  # tag, pattern, first characters; the first pattern that matches decides
    ("null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"([-+]?[0-9]{1,4000}|0o[0-7]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
)

# A config has some fifty values, but with aliases a file of ten lines can stand for billions.
_MOST_VALUES = 10_000
_TAGS = {_TAG + name for name in ("null", "bool", "int", "float", "str", "seq", "map")}


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or YAML 1.2 would read as something else."""


for _name, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(_TAG + _name, _pattern, _first)
    _Dumper.add_implicit_resolver(_TAG + _name, _pattern, _first)


@dataclass
class Document:
    """A mapping that was read from YAML: its values, the line of each key (from 1), its problems so far."""

    tree: dict[str, Any] = field(default_factory=dict)
    lines: dict[Key, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_document(text: str, name: str) -> Document:
    """Reads a YAML mapping.

    A key that stands twice in one mapping, or a tag, is a problem of the document.

    Args:
        text: YAML.
        name: what messages call the file.

    Raises:
        ConfigError: the text is not YAML, is empty, is no mapping, or holds more values than any config has.
    """
    walk = _Walk(name)
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise ConfigError(f"{name} is empty", _FIRST_LINES)
        value = walk.value(node, ())
    except yaml.MarkedYAMLError as error:
        raise ConfigError(
            _syntax(error, name), "YAML wants spaces, `key: value`, and quotes around odd text"
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{name}:{line} has a control character", "a config is plain text") from error
    except RecursionError as error:
        raise ConfigError(f"{name} is nested too deeply for a config", _FIRST_LINES) from error
    if not isinstance(value, dict):
        raise ConfigError(f"{name}:{_line(node)} must be a mapping of keys to values", _FIRST_LINES)
    return Document(value, walk.lines, walk.problems)


def read_value(text: str) -> Any:
    """Reads one value, written as it would stand behind a key: `1e-3`, `[256, 128]`, `null`.

    Raises:
        ConfigError: the text is not YAML.
    """
    walk = _Walk("")
    try:
        node = yaml.compose(text, Loader=_Loader)
        value = None if node is None else walk.value(node, ())
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{text!r} is not a YAML value") from error
    if walk.problems:
        raise ConfigError(f"{text!r} is not a YAML value")
    return value


def write_document(tree: dict[str, Any]) -> str:
    """YAML text, from which `read_document` reads the same values again."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


_FIRST_LINES = (
    "a config begins with its command, such as `command: finetune`, and a `data:` section; "
    "`dlp config ls` names examples"
)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _syntax(error: yaml.MarkedYAMLError, name: str) -> str:
    place = f"{name}:{error.problem_mark.line + 1}" if error.problem_mark else name
    if error.problem and r"'\t'" in error.problem:
        return f"{place} has a tab where YAML wants spaces"
    return f"{place} is not YAML: {error.problem or error.context}"


class _Walk:
    """Turns YAML nodes into values and keeps account of lines, problems and the number of values."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Key, int] = {}
        self.problems: list[Problem] = []
        self.values = 0

    def value(self, node: yaml.Node, key: Key) -> Any:
        self.values += 1
        if self.values > _MOST_VALUES:
            raise ConfigError(f"{self.name} means more than {_MOST_VALUES:,} values", _FIRST_LINES)
        if node.tag not in _TAGS:
            self.complain(node, f"{'.'.join(key)} has the tag {_shown(node.tag)}, which configs do not use")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.value(item, key) for item in node.value)
        return _scalar(node)

    def mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for name_node, value_node in node.value:
            if not isinstance(name_node, yaml.ScalarNode):
                self.complain(name_node, "has a list or a mapping for a key")
                continue
            if not _is_unicode(str(name_node.value)):
                self.complain(name_node, "has a key that is no Unicode text")
                continue
            path = (*key, str(name_node.value))
            if path[-1] in tree:
                self.complain(name_node, f"{'.'.join(path)} stands here and in line {self.lines[path]}")
                continue
            self.lines[path] = _line(name_node)
            tree[path[-1]] = self.value(value_node, path)
        return tree

    def complain(self, node: yaml.Node, what: str) -> None:
        line = _line(node)
        self.problems.append(Problem(line, f"{self.name}:{line} {what}"))


def _is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8, which half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    kind = node.tag.removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    try:
        if kind == "int":
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if kind == "float":
            return float(re.sub(r"\.(inf|nan)$", r"\1", text.lower()))
    except ValueError:
        pass  # `!!int abc`: the schema will say that it wants a number and got this text.
    return text


def _shown(tag: str) -> str:
    return tag.replace(_TAG, "!!")
