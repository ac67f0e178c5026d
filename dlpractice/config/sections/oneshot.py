"""The sections of a `dlp oneshot` config. Each field is declared once, with its meaning, unit and range."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from dlpractice.config.sections.shared import (
    Background,
    CheckpointSeconds,
    Diagnostics,
    OnBadImage,
    Optimizer,
    Patience,
    Rate,
    Resize,
    Schedule,
    Section,
    SplitSeed,
    TensorBoard,
    Warmup,
    WeightDecay,
)

_DRAWINGS = ("omniglot", "glyphs")
"""Sources of ink drawings, which have no colour."""


def _require_one_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    if groups != 1:
        raise ValueError(f"{pattern!r} must have exactly one group, which is the drawer; it has {groups}")
    return pattern


class Data(Section):
    """The classes, and how they are divided into those to train on, to choose by and to test on."""

    source: str = Field(
        min_length=1,
        description="omniglot, glyphs (generated alphabets), or the path of a folder or a zip of class "
        "folders. A relative path starts at the working folder.",
    )
    image_size: int = Field(
        default=56, ge=16, le=512, description="Side of the square that the network sees, in pixels."
    )
    colour: Literal["grey", "colour"] = Field(
        default="grey", description="Whether the network sees one channel or three."
    )
    resize: Resize = "stretch"
    background: Background = "#ffffff"
    split: Literal["lake", "vinyals"] = Field(
        default="lake",
        description="How omniglot is divided: lake (30 background alphabets, 20 for the test, with the "
        "published runs), or vinyals (the usual few-shot split, with validation alphabets of its own, and "
        "without the runs, because alphabets of eight of them are trained on).",
    )
    validation_alphabets: int = Field(
        default=5,
        ge=1,
        le=20,
        description="Alphabets for validation: of omniglot's 30 to train on, or as many more that glyphs "
        "generates.",
    )
    evaluation_alphabets: int = Field(
        default=10, ge=1, le=100, description="Alphabets that glyphs generates for the test."
    )
    validation: float = Field(
        default=0.15,
        gt=0,
        le=0.5,
        description="Share of a folder's alphabets for validation, or of its classes where they are in none.",
    )
    evaluation: float = Field(
        default=0.3,
        gt=0,
        le=0.5,
        description="Share of a folder's alphabets for the test, or of its classes where they are in none.",
    )
    glyph_alphabets: int = Field(
        default=0,
        ge=0,
        le=2000,
        description="Generated alphabets to train on, beside the source's own; with source glyphs, all there "
        "are.",
    )
    examples_per_class: Literal[1] | None = Field(
        default=None,
        description="1 keeps one image of each class to train on, whose distortions stand in for the others; "
        "null keeps all.",
    )
    split_seed: SplitSeed = 0
    drawer_pattern: Annotated[str, AfterValidator(_require_one_group)] | None = Field(
        default=None,
        examples=["^([^-]+)-"],
        description="Regular expression with one group that finds in a file's name, without its ending, who "
        "drew, wrote or spoke it; null: nobody knows.",
    )
    on_bad_image: OnBadImage = "error"

    @model_validator(mode="after")
    def _leave_something_to_train_on(self) -> Data:
        if self.validation + self.evaluation >= 1:
            raise ValueError(
                "validation and evaluation must leave classes to train on; "
                f"got {self.validation} + {self.evaluation}"
            )
        if self.source == "glyphs" and self.glyph_alphabets == 0:
            raise ValueError("glyph_alphabets must be 1 or more where source is glyphs; got 0")
        if self.colour == "colour" and (self.source in _DRAWINGS or self.glyph_alphabets > 0):
            raise ValueError(
                "colour must be grey where source is omniglot or glyphs, or glyph_alphabets above 0; for a "
                "folder in colour, set glyph_alphabets to 0"
            )
        return self


class Batch(Section):
    """What one step sees: a few alphabets, many classes of each, and several examples of each class."""

    alphabets: int = Field(default=2, ge=1, le=64, description="Alphabets in a batch.")
    classes: int = Field(default=16, ge=2, le=512, description="Classes of each alphabet in a batch.")
    examples: int = Field(
        default=4,
        ge=2,
        le=64,
        description="Examples of each class in a batch, by different drawers where known.",
    )
    quarter_turns: bool = Field(
        default=False,
        description="Count a class turned by 90, 180 or 270 degrees as another class, in training only.",
    )
    mirror: bool = Field(
        default=False,
        description="Count a mirrored class as another class, in training only; with quarter_turns, each of "
        "them.",
    )


class Distortion(Section):
    """Random changes to training images; validation and test images are never changed."""

    rotation: float = Field(
        default=10.0, ge=0, le=180, description="Largest rotation either way, in degrees."
    )
    shear: float = Field(
        default=0.3, ge=0, le=1, description="Largest shear either way: shift along x per unit of y."
    )
    scale: float = Field(
        default=0.2, ge=0, le=0.9, description="Largest growth or shrinkage, as a share of the side."
    )
    shift: float = Field(default=0.02, ge=0, le=0.5, description="Largest shift, as a share of the side.")
    elastic: float = Field(
        default=0.0,
        ge=0,
        le=0.2,
        description="Largest displacement of a point by a smooth random field, as a share of the side.",
    )
    thickness: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="How much strokes grow thinner or thicker at most: 1 is by two pixels of the original.",
    )
    subimage: float = Field(
        default=0.0, ge=0, le=0.9, description="Largest share of the side that a sub-image leaves out."
    )
    probability: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Probability of each of these changes, drawn one by one (Koch 2015).",
    )

    @property
    def changes_nothing(self) -> bool:
        """Whether every image stays as it is."""
        return not any(self.model_dump(exclude={"probability"}).values())


class Training(Section):
    """Optimisation."""

    REFUSED: ClassVar = {
        "accumulation_steps": "the loss is over all pairs of a batch, and parts of a batch do not hold the "
        "pairs between them; set a smaller batch"
    }

    epochs: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Epochs of `epoch_steps` batches, each followed by validation.",
    )
    epoch_steps: int = Field(
        default=100, ge=1, le=100_000, description="Batches between two looks at validation."
    )
    learning_rate: Rate = Field(default=2e-3, description="Peak learning rate.")
    optimizer: Optimizer = "adamw"
    weight_decay: WeightDecay = 0.0
    schedule: Schedule = "cosine"
    warmup: Warmup = 0.0
    patience: Patience = None
    checkpoint_seconds: CheckpointSeconds = 15.0
    tensorboard: TensorBoard = False
    diagnostics: Diagnostics = False


class Evaluation(Section):
    """How validation and test are scored."""

    views: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Above 1, adds a row in which each image is seen so many times, all but once distorted, "
        "and its embeddings are averaged.",
    )
    alignment: int = Field(
        default=0,
        ge=0,
        le=4,
        description="Above 0, adds a row in which a place of the last feature map may match one up to so "
        "many rows and columns away.",
    )
    transductive: bool = Field(
        default=False,
        description="Add a row that answers the queries of a run together, one to one; it is named so.",
    )
    false_accept_rate: float = Field(
        default=0.01,
        gt=0,
        le=0.5,
        description="Share of validation pairs of different classes that the threshold of `unknown` takes "
        "for the same.",
    )
