"""The settings that `--search` tries: ranges and choices of `--over`, and the config of each setting."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from dlpractice.config.overrides import unquote
from dlpractice.config.problems import JsonSchema, child
from dlpractice.config.schema import Finetune
from dlpractice.config.sweep_values import load_variant, refuse_keys, split_values
from dlpractice.errors import ConfigError

_EXAMPLE = "such as --over training.learning_rate=1e-4..1e-1:log --over strategy=head,scratch"
_RANGE = re.compile(r"\s*(?P<low>\S+?)\s*\.\.\s*(?P<high>[^\s:]+)\s*(?P<log>:\s*log)?\s*")
_MOST_CORNERS = 64


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    is_log: whether they are drawn evenly in their logarithm. is_whole: whether they are whole numbers.
    """

    low: float
    high: float
    is_log: bool
    is_whole: bool

    @property
    def ends(self) -> tuple[str, str]:
        """The lowest and the highest value, as an override writes them."""
        return self.write(self.low), self.write(self.high)

    def write(self, value: float) -> str:
        """A value as an override writes it: with four digits, which is finer than any training can tell."""
        return str(round(value)) if self.is_whole else f"{value:.4g}"


Choices = tuple[str, ...]


@dataclass(frozen=True)
class SearchSpace:
    """What is searched, by key: a range of numbers, or values as overrides write them.

    name, overrides: of the config around them, see `load_config`. base: that config, with what is written in
    it.
    """

    name: str
    overrides: tuple[str, ...]
    parts: Mapping[str, Range | Choices]
    base: Finetune

    def config(self, setting: Mapping[str, str]) -> Finetune:
        """The config of one setting: a text for each key.

        Raises:
            ConfigError: the values do not fit each other.
        """
        texts = [f"{key}={text}" for key, text in setting.items()]
        return load_variant(self.name, [*self.overrides, *texts], "--over", tuple(self.parts))

    def corners(self) -> list[Finetune]:
        """The configs of the ends of ranges and of all choices.

        They are of each combination, or of some that hold each value where those would be too many.

        Raises:
            ConfigError: one of them is not allowed.
        """
        ends = {key: part.ends if isinstance(part, Range) else part for key, part in self.parts.items()}
        combinations = [dict(zip(ends, texts, strict=True)) for texts in _some_of(list(ends.values()))]
        return [self.config(setting) for setting in combinations]


def load_space(name: str, overrides: Sequence[str], over: Sequence[str]) -> SearchSpace:
    """The space that the texts of `--over` describe.

    Each is a key, an equals sign, and a range such as `1e-4..1e-1`, `1e-4..1e-1:log` or `2..8`, or values
    separated by commas.

    Args:
        name, overrides: as `load_config` takes them; what is searched wins over them.

    Raises:
        ConfigError: there is none; one is not of that form, or of a key that cannot be varied; or a value is
            not allowed.
    """
    if not over:
        raise ConfigError("--search has nothing to search", f"say what with --over, {_EXAMPLE}")
    texts = [_split(text) for text in over]
    refuse_keys("--over", tuple(key for key, _ in texts))
    schema = Finetune.model_json_schema()
    base = load_variant(name, overrides, "--over", ())
    parts = {key: _read_part(key, text, schema) for key, text in texts}
    space = SearchSpace(name, tuple(overrides), parts, base)
    space.corners()
    return space


def _split(text: str) -> tuple[str, str]:
    key, equals, values = unquote(text)[0].partition("=")
    if not equals or not key.strip() or not values.strip():
        raise ConfigError(f"--over {text!r} is not a key and a range", _EXAMPLE)
    return key.strip(), values.strip()


def _read_part(key: str, text: str, schema: JsonSchema) -> Range | Choices:
    found = _RANGE.fullmatch(text)
    if found is None:
        values = tuple(value.strip() for value in split_values(text))
        if len(values) < 2 or not all(values):
            raise ConfigError(f"--over {key}={text} is no range, and not two values or more", _EXAMPLE)
        if len(set(values)) < len(values):
            raise ConfigError(f"--over {key}={text} names a value twice", "name each value once")
        return values
    kinds = _list_kinds(key, schema)
    if kinds and not kinds & {"number", "integer"}:
        raise ConfigError(
            f"--over {key}={text}: {key} takes no numbers", "name its values, separated by commas"
        )
    try:
        low, high = float(found["low"]), float(found["high"])
    except ValueError:
        raise ConfigError(f"--over {key}={text} is no range of numbers", _EXAMPLE) from None
    is_whole = "integer" in kinds and "number" not in kinds
    _refuse_range(key, text, low, high, is_log=found["log"] is not None, is_whole=is_whole)
    return Range(low, high, found["log"] is not None, is_whole)


def _refuse_range(key: str, text: str, low: float, high: float, *, is_log: bool, is_whole: bool) -> None:
    """Raises ConfigError where a range is empty, or cannot be drawn from."""
    place = f"--over {key}={text}"
    if not low < high:
        raise ConfigError(
            f"{place}: the range must rise; got {low:g} to {high:g}", "the lower end comes first"
        )
    if is_log and low <= 0:
        raise ConfigError(f"{place}: a range with :log must begin above 0; got {low:g}", "leave out :log")
    if is_whole and not (low.is_integer() and high.is_integer()):
        raise ConfigError(f"{place}: {key} takes whole numbers", "end the range at whole numbers")


def _list_kinds(key: str, schema: JsonSchema) -> set[str]:
    """The JSON types that a key takes; none where there is no such key, which loading its ends reports."""
    node: JsonSchema | None = schema
    for part in key.split("."):
        node = child(schema, node, part) if node is not None else None
    if node is None:
        return set()
    return {str(option.get("type")) for option in node.get("anyOf", [node])}


def _some_of(ends: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """All combinations of one value each; where those are too many, only such that hold each value once."""
    count = 1
    for values in ends:
        count *= len(values)
    if count <= _MOST_CORNERS:
        return list(product(*ends))
    longest = max(map(len, ends))
    return [tuple(values[place % len(values)] for values in ends) for place in range(longest)]
