"""Prepares a fine-tuning run: its data, devices, precision, net and frozen features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dlpractice.config.schema import Finetune
from dlpractice.data.augmentation import Augmentation
from dlpractice.data.dataset import Dataset
from dlpractice.data.naming.split_names import SPLITS, SplitName
from dlpractice.errors import HardwareError
from dlpractice.layers.normalisation import FusedBatchNormalization
from dlpractice.models.classifier import Classifier, build_classifier
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.finetune.backbone import find_base, read_design
from dlpractice.recipes.finetune.images import read_dataset
from dlpractice.recipes.run.batch_scaling import scale_batch
from dlpractice.recipes.run.device_choice import place_training, require_same, resolve_precision
from dlpractice.registry.backbones import require_size
from dlpractice.registry.strategies import IMAGES, Strategy, plan_strategy
from dlpractice.training.batches.residence import Residence, open_residence
from dlpractice.training.batches.supply import Rows
from dlpractice.training.devices.placement import Placement
from dlpractice.training.devices.precision_choice import Choice
from dlpractice.training.features import FrozenFront, Images
from dlpractice.training.randomness import seed_everything

Features = Mapping[str, Mapping[str, Rows]]
"""split -> cut -> rows. The training split has its views one after another, the plain one first."""


@dataclass(frozen=True)
class Setup:
    """A classifier with its starting weights, its data, and where and how to compute.

    timings: seconds of a convolution by precision, where the precision was chosen by timing.
    """

    dataset: Dataset
    strategy: Strategy
    placement: Placement
    residence: Residence
    precision: str
    timings: Mapping[str, float]
    classifier: Classifier


def prepare_setup(config: Finetune, progress: Progress, auto: Choice | None = None) -> Setup:
    """Finds data and devices and builds the net; its starting weights are a function of the seed.

    auto: what the precision `auto` has turned out to be, for a run that goes on or is one of several; found
    by timing if not given.

    Raises DataError, ModelError or HardwareError where one of them is not to be had.
    """
    backbone = find_base(config)
    pretrained = config.model.weights is not None
    strategy = plan_strategy(config.strategy, len(backbone.blocks), pretrained=pretrained)
    if strategy.block is not None:  # before the images are read, which may take minutes
        require_size(backbone, config.data.image_size)
    placement = place_training(config.hardware.devices, diagnostics=config.training.diagnostics)
    dataset = read_dataset(config, progress)
    require_same(dataset.digest, placement)
    precision, timings = resolve_precision(config.hardware.precision, placement, auto)
    seed_everything(config.seed, deterministic=config.hardware.deterministic)
    with placement.strategy.scope():
        classifier = build_classifier(
            backbone,
            strategy,
            len(dataset.class_names),
            config.data.image_size,
            read_design(config),
        )
    _refuse_filled_batches(config, classifier, strategy, len(dataset.train), placement)
    residence = open_residence(placement, config.hardware.memory_share)
    return Setup(dataset, strategy, placement, residence, precision, timings, classifier)


def whole_batch(config: Finetune, placement: Placement) -> int:
    """The images of a step, over all devices."""
    return config.training.batch_size * scale_batch(config.hardware.scaling, placement.replicas).batch


def _refuse_filled_batches(
    config: Finetune, classifier: Classifier, strategy: Strategy, images: int, placement: Placement
) -> None:
    """Raises HardwareError where batches have fewer images than devices and parts: what fills them up would
    count in the statistics of batch normalisation."""
    parts = config.training.accumulation_steps * placement.replicas
    smallest = images // -(-images // whole_batch(config, placement))
    if smallest >= parts:
        return
    for stage in strategy.stages:
        classifier.freeze(stage.cut)
        layers = classifier.rest(stage.cut).layers
        if any(isinstance(layer, FusedBatchNormalization) and layer.trainable for layer in layers):
            raise HardwareError(
                f"batches have {smallest} images for {parts} devices and parts, and the net normalises "
                "batches",
                "take fewer devices or accumulation steps, or a larger batch",
            )


def freeze_features(
    config: Finetune,
    setup: Setup,
    cuts: tuple[str, ...],
    progress: Progress,
    names: Sequence[SplitName] = SPLITS,
) -> dict[str, dict[str, Rows]]:
    """What the frozen part gives for each of the splits `names` at each of `cuts`, and the images themselves.

    Computed once and read from the cache ever after. Validation and test images have one view, the plain one.
    """
    splits = {name: setup.dataset.splits[name] for name in names}
    features: dict[str, dict[str, Rows]] = {name: {IMAGES: split.pixels} for name, split in splits.items()}
    front = FrozenFront(setup.classifier, setup.precision, setup.placement, progress)
    frozen = _list_frozen(config, setup)
    for name, (images, views) in ((name, frozen[name]) for name in splits if cuts):
        features[name] |= front.features(cuts, images, read_augmentation(config), views)
    return features


def require_space(config: Finetune, setup: Setup) -> None:
    """Raises DataError where the disk has too little space for what `freeze_features` will keep."""
    front = FrozenFront(setup.classifier, setup.precision, setup.placement, Silent())
    for images, views in _list_frozen(config, setup).values() if setup.strategy.cuts else ():
        front.require_space(setup.strategy.cuts, images, read_augmentation(config), views)


def _list_frozen(config: Finetune, setup: Setup) -> dict[str, tuple[Images, int]]:
    """The images of each split, and the number of their views of which features are kept."""
    return {
        name: (Images(split.pixels, split.sha256), config.augment.views if name == "train" else 1)
        for name, split in setup.dataset.splits.items()
    }


def read_augmentation(config: Finetune) -> Augmentation:
    """The config's ranges for a single image or batch."""
    return Augmentation(**config.augment.model_dump(exclude={"views"}))
