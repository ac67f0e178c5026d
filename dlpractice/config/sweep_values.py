"""Makes a checked config for each value of `--sweep KEY=VALUE,VALUE,...`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dlpractice.config.commands.finetune import SAME_IMAGES
from dlpractice.config.load import load_config
from dlpractice.config.overrides import unquote
from dlpractice.config.schema import Finetune
from dlpractice.errors import ConfigError

_OTHER_IMAGES = tuple(f"data.{key}" for key in SAME_IMAGES)
_EXAMPLE = "such as --sweep model.width=0.5,1,2"


def load_sweep(name: str, overrides: Sequence[str], sweep: str) -> tuple[str, dict[str, Finetune]]:
    """The key of `sweep`, and the config of each value, in the order given.

    Configs are called by the names of their folders, such as `model.width=0.5`.

    Args:
        name: as `load_config` takes it.
        overrides: as `load_config` takes them; the values of the sweep win over them.
        sweep: a dotted key, an equals sign, and two or more values, separated by commas. A comma within
            brackets belongs to a value.

    Raises:
        ConfigError: `sweep` is not of that form; one of its values is not allowed; two values are the same;
            or runs of different values would not differ, or could not be compared side by side.
    """
    key, equals, text = unquote(sweep)[0].partition("=")
    key, values = key.strip(), [value.strip() for value in split_values(text)]
    if not equals or not key or len(values) < 2 or not all(values):
        raise ConfigError(f"--sweep {sweep!r} is not a key and two values or more", _EXAMPLE)
    _refuse_key(key)
    configs: dict[str, Finetune] = {}
    for value in values:
        loaded = load_config(name, [*overrides, f"{key}={value}"], "finetune")
        config = loaded.for_strategy(loaded.strategy)
        if key == "model.width" and config.strategy != "scratch":
            raise ConfigError(
                f"--sweep model.width: only scratch has a width; the strategy is {config.strategy}",
                "add strategy=scratch, or sweep data.fraction, model.hidden or strategy",
            )
        if same := next((folder for folder, known in configs.items() if known == config), None):
            raise ConfigError(f"--sweep: {key}={value} is the same as {same}", "name each value once")
        configs[f"{key}={value}".replace("/", "_")] = config
    return key, configs


def split_values(text: str) -> Iterator[str]:
    """The parts of `text` between commas that lie outside of brackets."""
    depth, start = 0, 0
    for place, character in enumerate(text):
        depth += (character in "[{") - (character in "]}")
        if character == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _refuse_key(key: str) -> None:
    if key in ("command", "seed") or key.startswith("strategies."):
        raise ConfigError(
            f"--sweep cannot vary {key}", "--seeds varies the seed, --compare the strategies; see also --help"
        )
    if key in _OTHER_IMAGES:
        raise ConfigError(
            f"--sweep cannot vary {key}: its runs would be validated on different images",
            "start one run for each value",
        )
