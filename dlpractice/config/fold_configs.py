"""Makes a checked config for each fold of `--folds K`."""

from __future__ import annotations

from collections.abc import Sequence

from dlpractice.config.load import load_config
from dlpractice.config.schema import Finetune
from dlpractice.config.sections.finetune import FEWEST_FOLDS, MOST_FOLDS
from dlpractice.errors import ConfigError


def load_folds(name: str, overrides: Sequence[str], count: int) -> dict[str, Finetune]:
    """The config of each of `count` folds, by the names of their folders: `fold-1` and so on.

    Args:
        name, overrides: as `load_config` takes them.

    Raises:
        ConfigError: as `load_config`; there are too few folds, or far too many; or the config is of one fold.
    """
    if not FEWEST_FOLDS <= count <= MOST_FOLDS:
        raise ConfigError(
            f"--folds {count}: it must be in [{FEWEST_FOLDS}, {MOST_FOLDS:,}]: one fold tests, one "
            "validates, and the others train",
            "such as --folds 5",
        )
    loaded = load_config(name, overrides, "finetune")
    if loaded.data.fold is not None:
        raise ConfigError(f"--folds trains all folds, and data.fold is {loaded.data.fold}", "leave one out")
    config = loaded.for_strategy(loaded.strategy)
    folds = (f"{number}/{count}" for number in range(1, count + 1))
    return {
        f"fold-{number}": config.model_copy(update={"data": config.data.model_copy(update={"fold": fold})})
        for number, fold in enumerate(folds, 1)
    }
