"""What of a fine-tuning config changes nothing in a run."""

from collections.abc import Iterator
from math import prod

import numpy as np

from dlpractice.config.schema import Finetune
from dlpractice.recipes.finetune.setup import Setup, read_augmentation, whole_batch
from dlpractice.recipes.run.idle_settings import Idle, Round, find_idle_memory, find_idle_training, tell_idle
from dlpractice.registry.strategies import IMAGES, pooled_cut

_MOVES = ("flip", "rotation", "zoom", "shift", "brightness", "contrast", "saturation")
_BY_DATA = {
    frozenset({"train", "validation", "test"}): ("data.validation", "data.test"),
    frozenset({"train", "validation"}): ("data.validation", "data.test"),
    frozenset({"train", "test"}): ("data.test",),
}
"""Shares that are not asked for, by the splits that the data bring."""


def list_idle_settings(config: Finetune, setup: Setup) -> list[str]:
    """A message for each setting that the config has, and that has no effect on these data or this net."""
    idle = (
        *_find_in_net(setup),
        *_find_in_augmentation(config, setup),
        *_find_in_data(config, setup),
        *_find_in_training(config, setup),
    )
    return tell_idle(config, idle)


def _find_in_net(setup: Setup) -> Iterator[Idle]:
    strategy, classifier = setup.strategy, setup.classifier
    if strategy.block is None:
        base = ("model.backbone", "model.cuts", "model.preprocessing", "model.weights")
        yield Idle(base, f"{strategy.name} trains a small net of its own")
    else:
        yield Idle(("model.width",), "it is of the small net of scratch")
    pooled = "pooled" if strategy.block is None else pooled_cut(strategy.block)
    if prod(classifier.model.get_layer(pooled).input.shape[1:-1]) == 1:
        yield Idle(("model.pooling",), "each channel has a single value to pool")
    if not any(stage.warm_up for stage in strategy.stages):
        keys = ("training.head_epochs", "training.head_learning_rate")
        yield Idle(keys, f"{strategy.name} does not train the head first here")
    if classifier.weights.origin == "random" or all(s.cut.startswith("pooled") for s in strategy.stages):
        yield Idle(("training.pretrained_rate",), "nothing that is trained is pretrained")


def _find_in_augmentation(config: Finetune, setup: Setup) -> Iterator[Idle]:
    augmentation, views, strategy = read_augmentation(config), config.augment.views, setup.strategy
    on_features = strategy.stages[-1].cut != IMAGES
    if on_features:
        yield Idle(
            ("augment.mixup", "augment.cutmix"),
            f"{strategy.name} trains on features, and mixes no images",
        )
    if on_features and views == 1:
        yield Idle(
            tuple(f"augment.{name}" for name in _MOVES),
            f"{strategy.name} trains on one view of each image, the plain one; set augment.views",
        )
    if not strategy.cuts:
        yield Idle(("augment.views",), "nothing is frozen, and images are changed anew in each epoch")
    elif not augmentation.changes_pixels:
        yield Idle(("augment.views",), f"all {views} views are the same where augment changes nothing")


def _find_in_data(config: Finetune, setup: Setup) -> Iterator[Idle]:
    dataset = setup.dataset
    given = {split for row in dataset.audit.counts.values() for split in row}
    yield Idle(_BY_DATA.get(frozenset(given), ()), f"the data bring splits: {', '.join(sorted(given))}")
    if config.data.fold is not None:
        yield Idle(("data.validation", "data.test"), f"fold {config.data.fold} has parts of equal size")
    if not dataset.unused:
        yield Idle(("data.fraction",), "it takes all training images")
    if len(set(np.bincount(dataset.train.labels).tolist())) == 1:
        yield Idle(("training.class_weights",), "all classes have as many training images")


def _find_in_training(config: Finetune, setup: Setup) -> Iterator[Idle]:
    training, images = config.training, len(setup.dataset.train)
    batch = whole_batch(config, setup.placement)
    if batch > images:
        yield Idle(("training.batch_size",), f"it is above the {images} images that are trained on")
    if setup.placement.replicas == 1:
        yield Idle(("hardware.scaling",), "there is one device")
    yield from find_idle_memory(setup.placement)
    rounds = [
        Round(training.passes(warm_up=stage.warm_up), keeps_start=number > 0)
        for number, stage in enumerate(setup.strategy.stages)
    ]
    yield from find_idle_training(training, rounds, -(-images // batch))
