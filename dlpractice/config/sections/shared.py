"""What the configs of several commands share: the kind of section, and fields with meaning, unit and range.

A config is frozen, refuses keys that it does not know, and takes no text for a number. A field that several
sections have is declared here once, as an annotated type; the section adds its default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue

from dlpractice.registry.backbones import BACKBONES, OWN_NET
from dlpractice.registry.optimisation import OPTIMISERS, SCHEDULES
from dlpractice.registry.strategies import AUTO
from dlpractice.registry.wording import join_words


class Section(BaseModel):
    """A mapping in a config file.

    REFUSED: keys that people look for here and that cannot be, each with the reason. The JSON Schema hands it
        on under `x-refused`.
    """

    REFUSED: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        if cls.REFUSED:
            schema["x-refused"] = dict(cls.REFUSED)
        return schema


@dataclass(frozen=True)
class OneOf:
    """An annotation of a text field: the text must be one of `names`.

    It does what `Literal` does, but the names come from a table.
    """

    names: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return handler.generate_schema(Literal.__getitem__(self.names))


def one_of(*tables: Iterable[str]) -> OneOf:
    """The annotation for the names of all `tables`, in their order."""
    return OneOf(tuple(chain(*tables)))


Backbone = Annotated[str, one_of((AUTO,), BACKBONES)]
OwnNet = Annotated[str, StringConstraints(pattern=OWN_NET), Field(examples=["mine.keras"])]
"""The path of a net of the user's own."""
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$"), Field(examples=["#ffffff"])]
Rate = Annotated[float, Field(gt=0, le=10)]

Seed = Annotated[
    int, Field(ge=0, lt=2**31, description="Seed of weights, data order and random changes of images.")
]

Resize = Annotated[
    Literal["stretch", "crop", "pad"],
    Field(description="How an image becomes a square: stretched, its middle cropped, or padded."),
]
Background = Annotated[
    Colour, Field(description="The colour that transparent pixels and padding get, as '#rrggbb'.")
]
SplitSeed = Annotated[
    int, Field(ge=0, lt=2**31, description="Seed of the division into training, validation and test.")
]
OnBadImage = Annotated[
    Literal["error", "skip"],
    Field(
        description="What an image that cannot be read does: end the run with the whole list, or be left out "
        "and counted."
    ),
]

Optimizer = Annotated[
    str,
    one_of(OPTIMISERS),
    Field(description=f"{join_words((row.about for row in OPTIMISERS.values()), ', or ')}."),
]
WeightDecay = Annotated[
    float,
    Field(ge=0, le=1, description="Decoupled weight decay of kernels, per step and unit of learning rate."),
]
Schedule = Annotated[
    str,
    one_of(SCHEDULES),
    Field(description=f"How the learning rate falls: {join_words(SCHEDULES.values(), ', or ')}."),
]
Warmup = Annotated[
    float,
    Field(ge=0, le=1000, description="Time over which the learning rate rises from zero, in epochs."),
]
Patience = Annotated[
    Annotated[int, Field(ge=1, le=10_000)] | None,
    Field(
        description="Epochs without a better validation score after which training stops; null never stops. "
        "The best epoch is restored in any case."
    ),
]
CheckpointSeconds = Annotated[
    float,
    Field(
        ge=0,
        le=86_400,
        description="Time between two checkpoints, in seconds: what a killed run repeats at most when it "
        "goes on. 0 writes one after every step.",
    ),
]
TensorBoard = Annotated[bool, Field(description="Write TensorBoard event files into the run directory.")]
Diagnostics = Annotated[
    bool,
    Field(
        description="Record for `dlp diagnose` gradients, updates and dead units after each epoch, and "
        "before the first whether a batch can be learnt. Costs up to a fifth of a small net's time, and "
        "seconds at the start."
    ),
]


class Hardware(Section):
    """Where to compute, and how precisely."""

    devices: Literal["auto"] | Annotated[int, Field(ge=1)] | tuple[str, ...] = Field(
        default="auto",
        description="auto takes every GPU, or else the CPU; a number takes so many; a list names them.",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto",
        description="Precision of the arithmetic; auto times a convolution and takes the fastest.",
    )
    memory_share: float = Field(
        default=0.25,
        ge=0,
        le=0.9,
        description="The share of a GPU's memory in which images or frozen features stay for the whole run; "
        "what does not fit is sent batch by batch, and the net needs the rest. A CPU keeps nothing twice.",
    )
    compile: Literal["auto"] | bool = Field(
        default="auto",
        description="Compile training steps and scoring by XLA; auto times some steps both ways, unless the "
        "training is too short for that, takes the faster, and keeps the times in the cache.",
    )
    deterministic: bool = Field(
        default=True,
        description="Use only operations that give the same bits each time. false may be faster on a GPU, "
        "where runs with one seed, or a run that was resumed, may then end with other bits.",
    )
    scaling: Literal["none", "linear", "sqrt"] = Field(
        default="none",
        description="What several devices do to batch and learning rate: none (the same result on any number "
        "of them), or a batch on each, and a rate that grows as their number (linear; Goyal 2017) or its "
        "square root (sqrt; Krizhevsky 2014), after a warm-up of at least a twentieth of the epochs.",
    )

    @property
    def fewest_devices(self) -> int:
        """The smallest number of devices that a machine must have."""
        if self.devices == "auto":
            return 1
        return self.devices if isinstance(self.devices, int) else len(self.devices)
