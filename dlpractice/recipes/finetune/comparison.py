"""`dlp finetune --compare`, `--seeds`, `--sweep`: variants of a config and seeds on one split; one table."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from dlpractice.config.schema import Finetune
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.finetune import finetune
from dlpractice.recipes.finetune.backbone import find_base
from dlpractice.recipes.finetune.published import PUBLISHED
from dlpractice.recipes.finetune.setup import freeze_features, prepare_setup
from dlpractice.recipes.run.continuation import agree_on_precision
from dlpractice.recipes.run.member_runs import train_members
from dlpractice.registry.strategies import plan_strategy
from dlpractice.runs.answers import read_mean_answers
from dlpractice.runs.comparison_folder import Comparison
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.devices.precision_choice import Choice


def run(
    config: Finetune,
    strategies: Sequence[str],
    seeds: int,
    comparison: Comparison,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Trains every strategy with `seeds` seeds, from the config's on, and writes the table; finished runs
    are kept.

    Returns what comparison.json holds. Raises DlpError as `finetune.run` does.
    """
    variants = {name: config.for_strategy(name) for name in strategies}
    table = train_variants(variants, seeds, comparison, progress or Silent())
    comparison.write_table(table)
    return table


def train_variants(
    variants: Mapping[str, Finetune], seeds: int, comparison: Comparison, progress: Progress
) -> dict[str, Any]:
    """Trains each of `variants`, by the names of their folders, with `seeds` seeds, and makes the table of
    them."""
    configs, first = list(variants.values()), next(iter(variants.values()))
    span = range(first.seed, first.seed + seeds)
    started = time.perf_counter()
    auto = agree_on_precision(first.hardware.precision, first.hardware.devices, comparison)
    share_features(configs, auto, progress)
    shared_seconds = time.perf_counter() - started
    train_members(
        variants, span, comparison, lambda config, run: finetune.run(config, run, progress, auto), progress
    )
    rows = tabulate(variants, span, comparison)
    return {"rows": rows, "shared_seconds": shared_seconds, "data": first.data.source}


def share_features(configs: Sequence[Finetune], auto: Choice, progress: Progress) -> None:
    """Computes in one pass what several strategies need of the same frozen base, before any of them asks for
    it."""
    for _, members in groupby(sorted(configs, key=_front_of), key=_front_of):
        group = [config for config in members if not config.is_open]
        if len(group) < 2:
            continue
        blocks = len(find_base(group[0]).blocks)
        cuts = {
            cut: None
            for config in group
            for cut in plan_strategy(
                config.strategy, blocks, pretrained=config.model.weights is not None
            ).cuts
        }
        if len(cuts) > 1:
            whole = group[0].model_copy(update={"strategy": "head"})
            freeze_features(whole, prepare_setup(whole, progress, auto), tuple(cuts), progress)


def _front_of(config: Finetune) -> str:
    """A key that is equal for two configs if their frozen features are the same at every cut."""
    parts = [config.data, config.augment, config.hardware]
    model = config.model.model_dump(include={"backbone", "cuts", "preprocessing", "weights", "pooling"})
    return json.dumps([*(part.model_dump() for part in parts), model], sort_keys=True)


def tabulate(
    variants: Mapping[str, Finetune], seeds: Sequence[int], comparison: Comparison
) -> list[dict[str, Any]]:
    """A row for each variant, and the difference of its test accuracy from that of the best.

    The best is the most accurate on validation; of equals, the one with the lower loss.
    """
    runs = {name: comparison.members(name, seeds) for name in variants}
    validation = {name: read_mean_answers(members, "validation") for name, members in runs.items()}
    tested = {name: read_mean_answers(members, "test") for name, members in runs.items()}
    best = max(
        runs, key=lambda name: (validation[name].correct.mean(), -float(validation[name].losses.mean()))
    )
    rows = []
    for name, config in variants.items():
        difference = None if name == best else tested[name].difference(tested[best]).to_json()
        rows.append(describe_variant(config, seeds, runs[name], comparison) | {"difference": difference})
    return rows


def describe_variant(
    config: Finetune, seeds: Sequence[int], members: Sequence[RunDirectory], comparison: Comparison
) -> dict[str, Any]:
    """The row of the runs of one variant, without its difference from others."""
    summaries = [member.summary() for member in members]
    test = read_mean_answers(members, "test").accuracy().to_json()
    if len(members) > 1:
        scores = [summary["results"]["test_accuracy"]["value"] for summary in summaries]
        test["std_over_seeds"] = float(np.std(scores, ddof=1))
    return {
        "strategy": config.strategy,
        **_name_chosen(members),
        "seeds": list(seeds),
        "trainable_parameters": summaries[0]["trainable_parameters"],
        "train_accuracy": float(np.mean([kept_train_accuracy(member) for member in members])),
        "val_accuracy": read_mean_answers(members, "validation").accuracy().to_json(),
        "test_accuracy": test,
        "seconds": float(np.mean([summary["seconds"] for summary in summaries])),
        "published": PUBLISHED.get(config.data.source, {}).get(config.strategy),
        "runs": [str(member.path.relative_to(comparison.path)) for member in members],
    }


def _name_chosen(members: Sequence[RunDirectory]) -> dict[str, list[str]]:
    """What the runs of a variant chose, where it left something open, by seed."""
    choices = [choice for member in members if (choice := member.choice()) is not None]
    names = [f"{choice['strategy']} on {choice['backbone']}" for choice in choices]
    return {"chosen": names} if names else {}


def kept_train_accuracy(run: RunDirectory) -> float:
    """The accuracy on training images, as they are, of the epoch whose weights the run kept.

    A stage that kept what it began with kept the best epoch of the stages before it: the one with the lowest
    validation loss.
    """
    rows, epoch = run.metrics(), run.summary()["best_epoch"]
    last = rows[-1]["stage"]
    if epoch:
        kept = [row for row in rows if row["stage"] == last][epoch - 1]
    else:
        before = [row for row in rows if row["stage"] != last and math.isfinite(row["val_loss"])]
        kept = min(before, key=lambda row: float(row["val_loss"]))
    return float(kept["accuracy"])
