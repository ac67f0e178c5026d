"""Makes a checked config for each value of `--sweep KEY=VALUE,VALUE,...`, or each combination of values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from dlpractice.config.commands.finetune import SAME_IMAGES
from dlpractice.config.load import load_config
from dlpractice.config.overrides import unquote
from dlpractice.config.schema import Finetune
from dlpractice.errors import ConfigError

_OTHER_IMAGES = tuple(f"data.{key}" for key in SAME_IMAGES)
_EXAMPLE = "such as --sweep model.width=0.5,1,2"
_MOST = 256
"""Combinations of values: each is a run."""
_LONGEST = 200
"""Bytes of a folder's name."""


def load_sweep(
    name: str, overrides: Sequence[str], sweeps: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, Finetune]]:
    """The keys of `sweeps`, and the config of each combination of their values, the last key changing first.

    Configs are called by the names of their folders, such as `model.width=0.5` or
    `model.width=0.5,model.dropout=0`.

    Args:
        name: as `load_config` takes it.
        overrides: as `load_config` takes them; the values of the sweep win over them.
        sweeps: one text or more, each a dotted key, an equals sign, and two or more values, separated by
            commas. A comma within brackets belongs to a value.

    Raises:
        ConfigError: one of `sweeps` is not of that form; two are of one key; a value is not allowed; two
            values are the same; or runs of different values would not differ, or could not be compared.
    """
    values = [split_sweep(sweep) for sweep in sweeps]
    keys = tuple(key for key, _ in values)
    refuse_keys("--sweep", keys)
    if (count := prod(len(texts) for _, texts in values)) > _MOST:
        raise ConfigError(
            f"--sweep asks for {count:,} runs, and makes {_MOST} at most",
            "name fewer values, or let --search N choose N of them: --over KEY=LOW..HIGH",
        )
    configs: dict[str, Finetune] = {}
    for chosen in product(*(texts for _, texts in values)):
        settings = [f"{key}={text}" for key, text in zip(keys, chosen, strict=True)]
        config = load_variant(name, [*overrides, *settings], "--sweep", keys)
        if same := next((folder for folder, known in configs.items() if known == config), None):
            raise ConfigError(f"--sweep: {','.join(settings)} is the same as {same}", "name each value once")
        configs[name_folder(settings)] = config
    return keys, configs


def split_sweep(sweep: str) -> tuple[str, list[str]]:
    """The key and the values in the text of a `--sweep`.

    Raises:
        ConfigError: it is no key with two values or more.
    """
    key, equals, text = unquote(sweep)[0].partition("=")
    key, values = key.strip(), [value.strip() for value in split_values(text)]
    if not equals or not key or len(values) < 2 or not all(values):
        raise ConfigError(f"--sweep {sweep!r} is not a key and two values or more", _EXAMPLE)
    return key, values


def load_variant(name: str, overrides: Sequence[str], option: str, keys: Sequence[str]) -> Finetune:
    """The config of one choice of values for `keys`, which `option` varies: of its strategy alone.

    Raises:
        ConfigError: as `load_config`, or one of the keys changes nothing with this strategy.
    """
    loaded = load_config(name, overrides, "finetune")
    config = loaded.for_strategy(loaded.strategy)
    if "model.width" in keys and config.strategy != "scratch":
        raise ConfigError(
            f"{option} model.width: only scratch has a width; the strategy is {config.strategy}",
            "add strategy=scratch, or vary data.fraction, model.hidden or strategy",
        )
    return config


def name_folder(settings: Sequence[str]) -> str:
    """The name of a folder for runs with `settings`, such as `model.width=0.5`; it is no longer than a file
    system takes."""
    name = ",".join(settings).replace("/", "_")
    if len(name.encode()) <= _LONGEST:
        return name
    return f"{name[: _LONGEST // 8]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def split_values(text: str) -> Iterator[str]:
    """The parts of `text` between commas that lie outside of brackets."""
    depth, start = 0, 0
    for place, character in enumerate(text):
        depth += (character in "[{") - (character in "]}")
        if character == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def refuse_keys(option: str, keys: Sequence[str]) -> None:
    """Raises ConfigError where `option` cannot vary one of `keys`, or names one twice."""
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise ConfigError(f"{option} names {twice} twice", "give all its values at once")
    for key in keys:
        if key in ("command", "seed") or key.startswith("strategies."):
            raise ConfigError(
                f"{option} cannot vary {key}",
                "--seeds varies the seed, --compare the strategies; see also --help",
            )
        if key in _OTHER_IMAGES:
            raise ConfigError(
                f"{option} cannot vary {key}: its runs would be validated on different images",
                "start one run for each value",
            )
