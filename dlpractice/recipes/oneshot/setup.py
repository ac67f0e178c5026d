"""What a one-shot run stands on before any training: classes, devices, precision, the Siamese net."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlpractice.config.schema import Oneshot
from dlpractice.data.files.decoding import Look
from dlpractice.data.oneshot.class_split import ClassSplit, SplitPlan, split_classes
from dlpractice.data.oneshot.distortion import Distortion
from dlpractice.data.oneshot.own_classes import Reading
from dlpractice.models.encoders import build_encoder, map_shape
from dlpractice.models.siamese import Siamese, Verdict, build_siamese
from dlpractice.progress import Progress
from dlpractice.recipes.run.device_choice import place_training, require_same, resolve_precision
from dlpractice.registry.objectives import Objective, find_objective
from dlpractice.training.batches.residence import Residence, open_residence
from dlpractice.training.devices.placement import Placement
from dlpractice.training.devices.precision_choice import Choice
from dlpractice.training.randomness import seed_everything


@dataclass(frozen=True)
class OneshotSetup:
    """A Siamese net with its starting weights, the classes, and where and how to compute.

    timings: seconds of a convolution by precision, where the precision was chosen by timing.
    """

    class_split: ClassSplit
    placement: Placement
    residence: Residence
    precision: str
    timings: Mapping[str, float]
    siamese: Siamese
    objective_name: str
    objective: Objective
    settings: Mapping[str, float]

    def loss(self, embeddings: Any, labels: Any) -> Any:
        """The objective's loss over all pairs of (B, D) embeddings with (B,) labels."""
        settings = {name: self.settings[name] for name in self.objective.loss_settings}
        return self.objective.loss(embeddings, labels, self.siamese.similarity, **settings)


def prepare_oneshot(config: Oneshot, progress: Progress, auto: Choice | None = None) -> OneshotSetup:
    """Divides the classes, finds devices and builds the net; its starting weights are a function of the seed.

    auto: what the precision `auto` has turned out to be, as for `recipes.finetune.setup.prepare_setup`.

    Raises DataError, ModelError or HardwareError where one of them is not to be had.
    """
    placement = place_training(config.hardware.devices, diagnostics=config.training.diagnostics)
    class_split = read_classes(config, progress)
    require_same(class_split.digest, placement)
    precision, timings = resolve_precision(config.hardware.precision, placement, auto)
    objective = find_objective(config.objective.name)
    settings = config.objective.model_dump(exclude={"name"})
    seed_everything(config.seed, deterministic=config.hardware.deterministic)
    with placement.strategy.scope():
        encoder = build_encoder(
            **config.encoder.model_dump(),
            image_size=config.data.image_size,
            channels=class_split.background.pixels.shape[-1],
        )
        if config.evaluation.alignment:  # raises here what would else be raised after the training
            map_shape(encoder)
        similarity = objective.build_similarity(settings)
        siamese = build_siamese(encoder, similarity, Verdict())
    name = config.objective.name
    residence = open_residence(placement, config.hardware.memory_share)
    return OneshotSetup(
        class_split, placement, residence, precision, timings, siamese, name, objective, settings
    )


def read_classes(config: Oneshot, progress: Progress) -> ClassSplit:
    """The classes that the config names, read and divided as it says.

    Raises DataError where they cannot be had or used.
    """
    data = config.data
    # Whatever does not say how files are read says how their classes are divided.
    read = {"source", "image_size", "resize", "background", "colour", "drawer_pattern", "on_bad_image"}
    plan = SplitPlan(**data.model_dump(exclude=read))
    return split_classes(data.source, read_reading(config), plan, progress)


def read_reading(config: Oneshot) -> Reading:
    """How the files of a folder become examples."""
    data = config.data
    look = Look(data.image_size, data.resize, data.background)
    return Reading(look, data.colour, data.drawer_pattern, data.on_bad_image)


def read_distortion(config: Oneshot) -> Distortion:
    """The config's ranges for a single image."""
    return Distortion(**config.distortion.model_dump())
