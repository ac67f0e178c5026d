"""`dlp finetune --compare` and `--seeds`: strategies and seeds on one split, and one table of them."""

import json
import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.config.schema import Finetune
from dlpractice.errors import RunError
from dlpractice.evaluation.metrics import accuracy, paired_difference
from dlpractice.hardware.precision import Choice
from dlpractice.models.backbones import find_backbone
from dlpractice.models.strategies import plan_strategy
from dlpractice.recipes import finetune
from dlpractice.recipes.continuation import agree_on_precision
from dlpractice.recipes.published import PUBLISHED
from dlpractice.recipes.setup import freeze_features, prepare_setup
from dlpractice.runs.comparison import Comparison
from dlpractice.runs.directory import RunDirectory
from dlpractice.runs.progress import Progress, Silent


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
    progress = progress or Silent()
    configs = [config.for_strategy(name) for name in strategies]
    started = time.perf_counter()
    auto = agree_on_precision(config.hardware.precision, config.hardware.devices, comparison)
    share_features(configs, auto, progress)
    shared_seconds = time.perf_counter() - started
    for strategy_config in configs:
        for seed in range(config.seed, config.seed + seeds):
            run_once(strategy_config.model_copy(update={"seed": seed}), auto, comparison, progress)
    rows = tabulate(configs, range(config.seed, config.seed + seeds), comparison)
    table = {"rows": rows, "shared_seconds": shared_seconds, "data": config.data.source}
    comparison.write_table(table)
    return table


def share_features(configs: Sequence[Finetune], auto: Choice, progress: Progress) -> None:
    """Computes in one pass what several strategies need of the same frozen base, before any of them asks for
    it."""
    for _, members in groupby(sorted(configs, key=_front_of), key=_front_of):
        group = list(members)
        blocks = len(find_backbone(group[0].model.backbone).blocks)
        cuts = {
            cut: None
            for config in group
            for cut in plan_strategy(
                config.strategy, blocks, pretrained=config.model.weights is not None
            ).cuts
        }
        if len(group) > 1 and len(cuts) > 1:
            whole = group[0].model_copy(update={"strategy": "head"})
            freeze_features(whole, prepare_setup(whole, progress, auto), tuple(cuts), progress)


def _front_of(config: Finetune) -> str:
    """Equal for configs whose frozen features are the same, cut for cut."""
    parts = [config.data, config.augment, config.hardware]
    model = config.model.model_dump(include={"backbone", "weights", "pooling"})
    return json.dumps([*(part.model_dump() for part in parts), model], sort_keys=True)


def run_once(config: Finetune, auto: Choice, comparison: Comparison, progress: Progress) -> None:
    """One run of the comparison; one that was killed goes on, and a finished one is kept."""
    path = comparison.run_path(config.strategy, config.seed)
    progress.say(f"{config.strategy}, seed {config.seed}")
    with RunDirectory.resume_or_create(path) as run:
        finetune.run(config, run, progress, auto)


def tabulate(
    configs: Sequence[Finetune], seeds: Sequence[int], comparison: Comparison
) -> list[dict[str, Any]]:
    """A row per strategy. The best is the best on validation, of equals the one with the lower loss there;
    test accuracies are then compared to its own."""
    runs = {
        config.strategy: [RunDirectory.read(comparison.run_path(config.strategy, seed)) for seed in seeds]
        for config in configs
    }
    correct = {
        (name, split): mean_correct(members, split)
        for name, members in runs.items()
        for split in ("validation", "test")
    }
    best = max(runs, key=lambda name: (correct[name, "validation"].mean(), -mean_loss(runs[name])))
    rows = []
    for config in configs:
        name, members = config.strategy, runs[config.strategy]
        summaries = [member.summary() for member in members]
        test = accuracy(correct[name, "test"]).to_json()
        if len(members) > 1:
            scores = [summary["results"]["test_accuracy"]["value"] for summary in summaries]
            test["std_over_seeds"] = float(np.std(scores, ddof=1))
        difference = paired_difference(correct[name, "test"], correct[best, "test"])
        rows.append(
            {
                "strategy": name,
                "seeds": list(seeds),
                "trainable_parameters": summaries[0]["trainable_parameters"],
                "val_accuracy": accuracy(correct[name, "validation"]).to_json(),
                "test_accuracy": test,
                "difference": None if name == best else difference.to_json(),
                "seconds": float(np.mean([summary["seconds"] for summary in summaries])),
                "published": PUBLISHED.get(config.data.source, {}).get(name),
                "runs": [str(member.path.relative_to(comparison.path)) for member in members],
            }
        )
    return rows


def mean_loss(runs: Sequence[RunDirectory]) -> float:
    """Mean cross-entropy on validation over images and `runs`, in nats."""
    losses = [row["loss"] for run in runs for row in run.predictions() if row["split"] == "validation"]
    return float(np.mean(losses))


def mean_correct(runs: Sequence[RunDirectory], split: str) -> NDArray[np.float64]:
    """(N,) share of `runs` that classify each image of `split` correctly, in the order of the images' paths.

    Raises RunError where the runs did not score the same images.
    """
    outcomes: list[Mapping[str, bool]] = [
        {row["path"]: row["label"] == row["predicted"] for row in run.predictions() if row["split"] == split}
        for run in runs
    ]
    paths = sorted(outcomes[0])
    for run, outcome in zip(runs, outcomes, strict=True):
        if sorted(outcome) != paths:
            raise RunError(
                f"{run.path} scored other {split} images than {runs[0].path}",
                "the data changed between the runs: start the comparison again in another --run-dir",
            )
    correct = np.array([[outcome[path] for path in paths] for outcome in outcomes], np.float64)
    return np.asarray(correct.mean(axis=0))
