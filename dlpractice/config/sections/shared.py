"""What the configs of several commands share: the kind of section, and fields with meaning, unit and range.

A config is frozen, refuses keys that it does not know, and takes no text for a number. A field that several
sections have is declared here once, as an annotated type; the section adds its default.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Section(BaseModel):
    """A mapping in a config file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Backbone = Literal[
    "vgg16", "vgg19", "resnet50v2", "mobilenetv2", "efficientnetv2b0", "convnexttiny", "xception"
]
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

Optimizer = Annotated[Literal["adamw", "sgd"], Field(description="AdamW, or SGD with Nesterov momentum 0.9.")]
WeightDecay = Annotated[
    float,
    Field(ge=0, le=1, description="Decoupled weight decay of kernels, per step and unit of learning rate."),
]
Schedule = Annotated[
    Literal["cosine", "plateau", "constant"],
    Field(description="How the learning rate falls: as a cosine to zero, when validation stalls, or not."),
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
    scaling: Literal["none", "linear", "sqrt"] = Field(
        default="none",
        description="What several devices do to batch and learning rate: none (the same result on any number "
        "of them), or a batch on each, and a rate that grows as their number (linear; Goyal 2017) or its "
        "square root (sqrt; Krizhevsky 2014), after a warm-up of at least a twentieth of the epochs.",
    )

    @property
    def fewest_devices(self) -> int:
        """How many devices a machine takes at least."""
        if self.devices == "auto":
            return 1
        return self.devices if isinstance(self.devices, int) else len(self.devices)
