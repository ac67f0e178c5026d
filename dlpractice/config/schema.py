"""What a config may say: the sections, and what each strategy changes in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast

from pydantic import ConfigDict, Field, StringConstraints, create_model

from dlpractice.config.problems import closest
from dlpractice.config.sections import Augment, Data, Hardware, Model, Section, Training
from dlpractice.errors import ConfigError

_STRATEGY = r"^(scratch|head|top-block|full|linear@block[1-9])$"
_STRATEGIES = ["scratch", "head", "top-block", "full", "linear@block3"]

Strategy = Annotated[
    str,
    StringConstraints(pattern=_STRATEGY),
    Field(examples=_STRATEGIES),
]
_SectionT = TypeVar("_SectionT", bound=Section)


def _drop_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


def _changes_of(section: type[_SectionT]) -> type[_SectionT]:
    """The section's fields with their bounds, all optional: what is not written stays."""
    fields: dict[str, Any] = {
        name: (
            Annotated[
                field.annotation,
                *field.metadata,
                Field(description=field.description, examples=field.examples),
            ],
            None,
        )
        for name, field in section.model_fields.items()
    }
    changes = create_model(f"{section.__name__}Changes", __base__=Section, __doc__=section.__doc__, **fields)
    changes.model_config["json_schema_extra"] = _drop_defaults
    return cast("type[_SectionT]", changes)


if TYPE_CHECKING:
    DataChanges = Data
    ModelChanges = Model
    AugmentChanges = Augment
    TrainingChanges = Training
    HardwareChanges = Hardware
else:
    DataChanges = _changes_of(Data)
    ModelChanges = _changes_of(Model)
    AugmentChanges = _changes_of(Augment)
    TrainingChanges = _changes_of(Training)
    HardwareChanges = _changes_of(Hardware)


_ABSENT: Any = None


class Changes(Section):
    """What one strategy changes in the sections of its config; only the keys that are written count."""

    model_config = ConfigDict(json_schema_extra=_drop_defaults)

    data: DataChanges = _ABSENT
    model: ModelChanges = _ABSENT
    augment: AugmentChanges = _ABSENT
    training: TrainingChanges = _ABSENT
    hardware: HardwareChanges = _ABSENT


class Finetune(Section):
    """Transfer learning on labelled images: the config of `dlp finetune`."""

    command: Literal["finetune"] = Field(description="The command that this config is for.")
    strategy: Strategy = Field(
        default="head",
        description="What is trained: scratch (a small net from nothing), head (all of the backbone frozen), "
        "top-block (its last block and the head), full, or linear@blockN (a linear layer on block N).",
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed of weights, data order and augmentation.")
    data: Data = Field(description="The images, and how they are divided.")
    model: Model = Field(default=Model(), description="The network.")
    augment: Augment = Field(
        default=Augment(),
        description="Random changes to training images; validation and test images are never changed.",
    )
    training: Training = Field(default=Training(), description="Optimisation.")
    hardware: Hardware = Field(default=Hardware(), description="Where to compute, and how precisely.")
    strategies: dict[Strategy, Changes] = Field(
        default={},
        json_schema_extra={"additionalProperties": False},
        description="What a strategy changes in the sections above when it is the one that runs.",
    )

    def for_strategy(self, name: str) -> Finetune:
        """The config of one strategy: its changes laid over the sections, and no other strategy left.

        Raises:
            ConfigError: `name` is no strategy.
        """
        if re.fullmatch(_STRATEGY, name) is None:
            guess = closest(name, _STRATEGIES)
            raise ConfigError(
                f"there is no strategy {name!r}" + (f"; did you mean {guess}?" if guess else ""),
                "choose scratch, head, top-block, full, or linear@block1, linear@block2 and so on",
            )
        settings = self.model_dump(exclude={"strategies"})
        settings["strategy"] = name
        if name in self.strategies:
            for section, changes in self.strategies[name].model_dump(exclude_unset=True).items():
                settings[section] |= changes
        return Finetune.model_validate(settings)


# The schema of each command's configs; a config names its command in its first line.
SCHEMAS: dict[str, type[Finetune]] = {"finetune": Finetune}


def json_schema(command: str) -> dict[str, Any]:
    """The JSON Schema of a command's configs.

    Raises:
        ConfigError: the command takes no config.
    """
    if command not in SCHEMAS:
        raise ConfigError(f"no configs are for {command!r}", f"choose from: {', '.join(SCHEMAS)}")
    schema = SCHEMAS[command].model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
