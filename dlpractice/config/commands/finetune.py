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
from dlpractice.registry.strategies import (
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

SAME_IMAGES = dict.fromkeys(
    ("source", "validation", "test", "split_seed", "on_bad_image", "near_duplicates"),
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
    strategy: Strategy = Field(
        default="head",
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

    def for_strategy(self, name: str) -> Finetune:
        """The config of one strategy: its changes laid over the sections, and no other strategy left.

        Raises:
            ConfigError: `name` is no strategy.
        """
        if re.fullmatch(strategy_pattern(), name) is None:
            guess = closest(name, strategy_examples())
            raise ConfigError(
                f"there is no strategy {name!r}" + (f"; did you mean {guess}?" if guess else ""),
                f"choose {strategy_choices()}",
            )
        return self.with_variant(name)
