"""The config of `dlp finetune`, and what each strategy changes in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from dlpractice.config.problems import closest
from dlpractice.config.sections.finetune import Augment, Data, Model, Training
from dlpractice.config.sections.shared import Hardware, Seed
from dlpractice.config.variants import ABSENT, Changes, Varied, changes_of
from dlpractice.errors import ConfigError
from dlpractice.registry.optimisation import pace_epochs
from dlpractice.registry.strategies import (
    AUTO,
    describe_strategies,
    strategy_choices,
    strategy_examples,
    strategy_pattern,
)

Strategy = Annotated[
    str,
    StringConstraints(pattern=strategy_pattern()),
    Field(examples=strategy_examples()),
]
Choice = Annotated[
    str,
    StringConstraints(pattern=strategy_pattern(AUTO)),
    Field(examples=strategy_examples(AUTO)),
]

SAME_IMAGES = dict.fromkeys(
    ("source", "validation", "test", "split_seed", "fold", "on_bad_image", "near_duplicates"),
    "all strategies of a comparison are judged on the same images; set it in the section data",
)
"""The keys of the data that decide which images validate and test, and why a strategy may not change them."""

if TYPE_CHECKING:
    DataChanges = Data
    ModelChanges = Model
    AugmentChanges = Augment
    TrainingChanges = Training
    HardwareChanges = Hardware
else:
    DataChanges = changes_of(Data, without=SAME_IMAGES)
    ModelChanges = changes_of(Model)
    AugmentChanges = changes_of(Augment)
    TrainingChanges = changes_of(Training)
    HardwareChanges = changes_of(Hardware)


class StrategyChanges(Changes):
    """What one strategy changes in the sections of its config; only the keys that are written count."""

    REFUSED: ClassVar = {"seed": "all strategies have the same seeds; --seeds says how many"}

    data: DataChanges = ABSENT
    model: ModelChanges = ABSENT
    augment: AugmentChanges = ABSENT
    training: TrainingChanges = ABSENT
    hardware: HardwareChanges = ABSENT


class Finetune(Varied):
    """Transfer learning on labelled images: the config of `dlp finetune`."""

    VARIANT: ClassVar = "strategy"
    VARIANTS: ClassVar = "strategies"

    command: Literal["finetune"] = Field(description="The command that this config is for.")
    strategy: Choice = Field(
        default=AUTO,
        description=f"What is trained: {describe_strategies()}.",
    )
    seed: Seed = 0
    data: Data = Field(description="The images, and how they are divided.")
    model: Model = Field(default=Model(), description="The network.")
    augment: Augment = Field(
        default=Augment(),
        description="Random changes to training images; validation and test images are never changed.",
    )
    training: Training = Field(default=Training(), description="Optimisation.")
    hardware: Hardware = Field(default=Hardware(), description="Where to compute, and how precisely.")
    strategies: dict[Strategy, StrategyChanges] = Field(
        default={},
        json_schema_extra={"additionalProperties": False},
        description="What a strategy changes in the sections above when it is the one that runs.",
    )

    @model_validator(mode="after")
    def _leave_no_device_idle(self) -> Finetune:
        batch, parts = self.training.batch_size, self.training.accumulation_steps
        devices = 1 if self.hardware.scaling != "none" else self.hardware.fewest_devices
        if batch < parts * devices:
            raise ValueError(
                f"training.batch_size must be at least training.accumulation_steps times the devices, or "
                f"some of them would compute nothing; got {batch} for {parts} parts on {devices} devices"
            )
        return self

    @model_validator(mode="after")
    def _know_what_to_choose_from(self) -> Finetune:
        if self.model.backbone == AUTO and self.model.weights != "imagenet":
            raise ValueError(
                "model.backbone auto chooses among pretrained nets, and model.weights must be imagenet; got "
                f"{self.model.weights!r}"
            )
        return self

    @property
    def is_open(self) -> bool:
        """Whether the strategy or the backbone is still to be chosen."""
        return AUTO in (self.strategy, self.model.backbone)

    def settled(self, strategy: str, backbone: str) -> Finetune:
        """The config with what was left open replaced: by `strategy` with its changes, and by `backbone`."""
        config = self.for_strategy(strategy) if self.strategy == AUTO else self
        if config.model.backbone != AUTO:
            return config
        return config.model_copy(update={"model": config.model.model_copy(update={"backbone": backbone})})

    def paced(self, images: int) -> Finetune:
        """The config with epochs in place of `auto`, as many as suit so many training images."""
        open_keys = [key for key in ("epochs", "head_epochs") if getattr(self.training, key) == AUTO]
        training = self.training.model_copy(update=dict.fromkeys(open_keys, pace_epochs(images)))
        return self.model_copy(update={"training": training}) if open_keys else self

    def as_head(self, backbone: str) -> Finetune:
        """The config of `head`, with `backbone` where that is left open: it reads the images as most
        strategies do, and computes the features of all blocks. It stands for a config that leaves something
        open."""
        return self.settled("head", backbone).model_copy(update={"strategy": "head"})

    def for_strategy(self, name: str) -> Finetune:
        """The config of one strategy: its changes laid over the sections, and no other strategy left. That of
        `auto` keeps the changes of all, since any of them may be chosen.

        Raises:
            ConfigError: `name` is no strategy.
        """
        if name == AUTO:
            return self.model_copy(update={"strategy": AUTO})
        if re.fullmatch(strategy_pattern(), name) is None:
            guess = closest(name, strategy_examples())
            raise ConfigError(
                f"there is no strategy {name!r}" + (f"; did you mean {guess}?" if guess else ""),
                f"choose {strategy_choices()}",
            )
        return self.with_variant(name)
