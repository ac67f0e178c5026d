"""`dlp finetune --sweep`: the values of one key or more of the config on one split, and one table of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlpractice.config.schema import Finetune
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.finetune.comparison import train_variants
from dlpractice.runs.comparison_folder import Sweep


def run(
    variants: Mapping[str, Finetune],
    keys: Sequence[str],
    seeds: int,
    sweep: Sweep,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Trains each of `variants` with `seeds` seeds, from the config's on, and writes the table; finished runs
    are kept.

    Args:
        variants: the configs, which differ in `keys` alone, by the names of their folders.

    Returns what sweep.json holds: the keys, and the rows of a comparison with the value of each, or its
    values by key. Raises DlpError as `finetune.run` does.
    """
    table = train_variants(variants, seeds, sweep, progress or Silent())
    for row, (name, config) in zip(table["rows"], variants.items(), strict=True):
        values = {key: read_setting(config, key) for key in keys}
        row |= {"name": name, "value": values if len(keys) > 1 else values[keys[0]]}
    document = {"command": "finetune", "key": ",".join(keys), **table}
    sweep.write_table(document)
    return document


def read_setting(config: Finetune, key: str) -> Any:
    """The value of a dotted key, in types that JSON has."""
    value: Any = config.model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    return value
