"""Applies `key=value` from the command line to the values of a config file."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

from dlpractice.config.lines import Document, read_value
from dlpractice.config.problems import (
    JsonSchema,
    Key,
    Problem,
    child,
    is_foreign_null,
    is_section,
    unknown_key,
)
from dlpractice.errors import ConfigError

# Problems are sorted by line; this one puts those of the command line after those of the file.
COMMAND_LINE = sys.maxsize

_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""")
_NULLS = ("", "~", "null", "Null", "NULL")


def apply_overrides(
    document: Document, overrides: Sequence[str], schema: JsonSchema, variants: str
) -> set[Key]:
    """Sets each override in the document's tree, and adds those that cannot be set to its problems.

    An override of a section's key has to win for every variant. So it is also removed from what each variant
    changes, unless an override names the variant itself (`strategies.scratch.training.epochs=5`). Of two
    overrides of one key the later one wins.

    Args:
        document: what the file says.
        overrides: such as `training.epochs=10`.
        schema: the JSON Schema of the config.
        variants: the key below which variants and their changes stand: `strategies` or `methods`.

    Returns:
        The keys that were set.
    """
    settings: dict[Key, Any] = {}
    for override in overrides:
        try:
            key, value = _parse(override, schema)
        except ConfigError as error:
            document.problems.append(Problem(COMMAND_LINE, error.message))
        else:
            settings[key] = value
    for key, value in sorted(settings.items(), key=lambda setting: len(setting[0])):
        if key[0] != variants:
            _forget_in_variants(document.tree.get(variants), key)
        _set(document.tree, key, value)
    return set(settings)


def _parse(override: str, schema: JsonSchema) -> tuple[Key, Any]:
    name, equals, text = unquote(override)[0].partition("=")
    key = tuple(name.strip().split("."))
    place = f"override {name.strip()}"
    if not equals or not all(key):
        raise ConfigError(f"override {override!r} is not of the form key=value, such as training.epochs=10")
    node = schema
    for depth, part in enumerate(key):
        if not is_section(node):
            raise ConfigError(f"{place}: {'.'.join(key[:depth])} is a value, not a section")
        known = child(schema, node, part)
        if known is None:
            raise ConfigError(f"{place}{unknown_key(schema, key[: depth + 1])}")
        node = known
    if is_section(node):
        first = next(iter(node.get("properties", {})), "NAME.training")
        raise ConfigError(f"{place} is a section; set one of its keys, such as {name.strip()}.{first}=...")
    try:
        return key, _value(text, node)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error.message}") from error


def _value(text: str, node: JsonSchema) -> Any:
    """The value that `text` stands for, be it quoted or not.

    Where the schema allows only text, it stays as it was typed: `#000000` is a colour there, and `2024` a
    folder. A list may do without its brackets.
    """
    kinds = {option.get("type") for option in node.get("anyOf", [node])}
    plain, quoted = unquote(text)
    if kinds <= {"string", "null"}:
        is_null = "null" in kinds and not quoted
        if is_null and plain in _NULLS:
            return None
        if is_null and is_foreign_null(plain):
            raise ConfigError(f"{plain} is text here; did you mean null? (in quotes it is taken for text)")
        return plain
    if "array" in kinds and not plain.startswith("[") and ("," in plain or kinds == {"array"}):
        plain = f"[{plain}]"
    return read_value(plain)


def unquote(text: str) -> tuple[str, bool]:
    """The text without the quotes around the whole of it, and whether there were any.

    Some shells hand quotes on, and people who know YAML write them. Between double quotes YAML's escapes are
    undone; what is none of them, as in `"^(\\d+)-"`, stays as it is, and so does what would be a control
    character.
    """
    text = text.strip()
    if not _QUOTED.fullmatch(text):
        return text, False
    try:
        value = str(read_value(text))
    except ConfigError:
        return text[1:-1], True
    return (value if value.isprintable() else text[1:-1]), True


def _forget_in_variants(variants: Any, key: Key) -> None:
    for changes in variants.values() if isinstance(variants, dict) else ():
        section = changes.get(key[0]) if isinstance(changes, dict) else None
        if isinstance(section, dict):
            section.pop(key[-1], None)
            if not section:
                del changes[key[0]]


def _set(tree: dict[str, Any], key: Key, value: Any) -> None:
    for part in key[:-1]:
        section = tree.setdefault(part, {})
        if not isinstance(section, dict):
            return  # The file has a value where a section belongs; the schema's check reports that.
        tree = section
    tree[key[-1]] = value
