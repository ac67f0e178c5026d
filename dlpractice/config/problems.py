"""Writes pydantic's findings as sentences: where, which key, what is allowed, what was found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from dlpractice.registry.wording import join_words

Key = tuple[str, ...]
JsonSchema = dict[str, Any]
Locate = Callable[[Key], tuple[int, str]]

_UNKNOWN = "extra_forbidden"  # pydantic's name for a key that a model does not have


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong. Problems are sorted by line; those of the command line come last."""

    line: int
    text: str


def explain(
    error: ValidationError,
    schema: JsonSchema,
    tree: Mapping[str, Any],
    locate: Locate,
) -> list[Problem]:
    """The problems of a config, one for each key that pydantic complains about.

    Args:
        error: what pydantic found in `tree`.
        schema: the JSON Schema of the config.
        tree: the values that were validated.
        locate: gives a key's line, and its name in messages, such as `(12, "cats-dogs.yaml:12
            training.epochs")`.
    """
    problems: dict[Key, Problem] = {}
    misspelt: set[Key] = set()
    # Unknown keys come first: the key that one was meant to be is then not reported as missing as well.
    for finding in sorted(error.errors(include_url=False), key=lambda found: found["type"] != _UNKNOWN):
        key, node = _field(schema, finding["loc"])
        if finding["type"] == _UNKNOWN and (guess := closest(key[-1], _siblings(schema, key))):
            misspelt.add((*key[:-1], guess))
        if key not in problems and not (finding["type"] == "missing" and key in misspelt):
            line, place = locate(key)
            problems[key] = Problem(line, f"{place}{_sentence(finding, key, node, schema, tree)}")
    return list(problems.values())


def child(schema: JsonSchema, node: JsonSchema, name: str) -> JsonSchema | None:
    """The schema of the key `name` in a mapping, or None if the mapping has no such key."""
    if name in node.get("properties", {}):
        return _resolved(schema, node["properties"][name])
    for pattern, value in node.get("patternProperties", {}).items():
        if re.search(pattern, name):
            return _resolved(schema, value)
    return None


def is_section(node: JsonSchema) -> bool:
    """Whether a schema describes a mapping."""
    return node.get("type") == "object"


def unknown_key(schema: JsonSchema, key: Key) -> str:
    """The sentence about a key that the schema does not have; it suggests the likeliest one that it has."""
    if reason := _around(schema, key).get("x-refused", {}).get(key[-1]):
        return f": cannot be set here: {reason}"
    siblings = _siblings(schema, key)
    if guess := closest(key[-1], siblings):
        return f": unknown key; did you mean {'.'.join((*key[:-1], guess))}?"
    elsewhere = [".".join(path) for path in _paths(schema) if closest(key[-1], path[-1:])]
    if elsewhere:
        return f": unknown key; did you mean {' or '.join(elsewhere[:2])}?"
    return f": unknown key; the keys here are {', '.join(siblings)}"


def closest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that `word` was probably meant to be, or None.

    It is similar in spelling, or has `word` for its initials, as `learning_rate` has `lr`.
    """
    choices = list(choices)
    matches = get_close_matches(word.lower().replace("-", "_"), choices, n=1, cutoff=0.7)
    matches += get_close_matches(word.lower(), choices, n=1, cutoff=0.7)
    matches += [
        name for name in choices if word.lower() == "".join(part[0] for part in name.split("_") if part)
    ]
    matches += [name for name in choices if len(word) > 3 and word.lower() in name]
    return matches[0] if matches else None


def _siblings(schema: JsonSchema, key: Key) -> list[str]:
    """The keys that may stand in the mapping around `key`."""
    node = _around(schema, key)
    return list(node.get("properties", node.get("propertyNames", {}).get("examples", [])))


def _around(schema: JsonSchema, key: Key) -> JsonSchema:
    """The schema of the mapping in which `key` stands."""
    node = schema
    for name in key[:-1]:
        node = child(schema, node, name) or {}
    return node


def _resolved(schema: JsonSchema, node: JsonSchema) -> JsonSchema:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return node


def _field(schema: JsonSchema, location: tuple[int | str, ...]) -> tuple[Key, JsonSchema]:
    """The config key that a pydantic location lies in, and its schema (empty for an unknown key).

    A pydantic location can go on below a field, to items of a list and members of a union; people know the
    field.
    """
    key: list[str] = []
    node = schema
    for part in location:
        if not is_section(node):
            break
        key.append(str(part))
        known = child(schema, node, str(part))
        if known is None:
            return tuple(key), node.get("propertyNames", {})
        node = known
    return tuple(key), node


def _paths(schema: JsonSchema) -> Iterator[Key]:
    """Every key of the config's sections."""
    for name in schema["properties"]:
        node = child(schema, schema, name) or {}
        yield from ((name, inner) for inner in node.get("properties", {}))


def _sentence(
    finding: Mapping[str, Any], key: Key, node: JsonSchema, schema: JsonSchema, tree: Mapping[str, Any]
) -> str:
    if finding["type"] == _UNKNOWN:
        return unknown_key(schema, key)
    if finding["type"] == "missing":
        return f" is missing: {node.get('description', 'it is required')}"
    if finding["type"] == "value_error":
        return f": {finding['ctx']['error']}"
    if finding["loc"][-1] == "[key]":
        return f": no such name; {_did_you_mean(key[-1], node) or 'it must be ' + describe(node)}"
    value = _find_value(tree, key, finding["input"])
    if finding["type"] == "string_unicode":
        return f" must be UTF-8, which a config can hold; got {_shown(value)}; rename it, or link to it"
    bounds = _interval(node)
    if bounds and isinstance(value, int | float) and not isinstance(value, bool) and _fits_type(value, node):
        return f" must be in {bounds}; got {_shown(value)}"
    guess = _did_you_mean(value, node)
    return f" must be {describe(node)}; got {_shown(value)}" + (f"; {guess}" if guess else "")


def _find_value(tree: Mapping[str, Any], key: Key, found: Any) -> Any:
    """The value of a key. found: what pydantic says of it, where the key lies in what variants change, or in
    an item of a list."""
    value: Any = tree
    for name in key:
        if not isinstance(value, Mapping) or name not in value:
            return found
        value = value[name]
    return value


def describe(node: JsonSchema) -> str:
    """What a schema allows, in words, such as `a number in (0, 10] or auto`."""
    if "anyOf" in node:
        return " or ".join(describe(option) for option in node["anyOf"])
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return join_words(node["enum"])
    kind = node.get("type")
    if "examples" in node and (kind is None or "pattern" in node):  # names of keys have no type of their own
        return f"text like {join_words(node['examples'])}"
    if kind in ("number", "integer"):
        name = "a number" if kind == "number" else "a whole number"
        bounds = _interval(node)
        return f"{name} in {bounds}" if bounds else name
    if kind == "array":
        return f"a list, each item {describe(node['items'])}"
    words = {
        "string": "text",
        "boolean": "true or false",
        "null": "null",
        "object": "a mapping of keys to values",
    }
    return words.get(str(kind), "something else")


def _interval(node: JsonSchema) -> str:
    """The range of a number, such as `[8, 1024]` or `(0, 1]`."""
    low, high = (
        node.get("minimum", node.get("exclusiveMinimum")),
        node.get("maximum", node.get("exclusiveMaximum")),
    )
    if low is None and high is None:
        return ""
    left = "[" if "minimum" in node else "("
    right = "]" if "maximum" in node else ")"
    return f"{left}{_bound(low, '-inf')}, {_bound(high, 'inf')}{right}"


def _bound(value: float | None, none: str) -> str:
    return none if value is None else str(int(value) if value == int(value) else value)


def _fits_type(value: float, node: JsonSchema) -> bool:
    return node.get("type") == "number" or isinstance(value, int)


def _did_you_mean(value: Any, node: JsonSchema) -> str:
    options = [node, *node.get("anyOf", [])]
    choices = [
        choice for option in options for choice in (*option.get("enum", ()), *option.get("examples", ()))
    ]
    choices += [option["const"] for option in options if "const" in option]
    if value is None and any(str(choice).startswith("#") for choice in choices):
        return "put it in quotes, as # begins a comment"
    if is_foreign_null(value) and any(option.get("type") == "null" for option in options):
        return "did you mean null?"
    guess = closest(value, choices) if isinstance(value, str) else None
    return f"did you mean {guess}?" if guess else ""


def is_foreign_null(value: Any) -> bool:
    """Whether a value is text that stands for null in other languages."""
    return isinstance(value, str) and value.lower() in ("none", "nil")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "a number with thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
