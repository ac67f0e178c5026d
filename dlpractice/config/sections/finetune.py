"""The sections of a `dlp finetune` config. Each field is declared once, with its meaning, unit and range."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from dlpractice.config.sections.shared import (
    Backbone,
    Background,
    CheckpointSeconds,
    Diagnostics,
    OnBadImage,
    Optimizer,
    OwnNet,
    Patience,
    Rate,
    Resize,
    Schedule,
    Section,
    SplitSeed,
    TensorBoard,
    Warmup,
    WeightDecay,
    one_of,
)
from dlpractice.registry.backbones import OWN_NET, SCALINGS
from dlpractice.registry.optimisation import FEWEST_EPOCHS, MOST_EPOCHS
from dlpractice.registry.wording import join_words

Epochs = Annotated[int, Field(ge=1, le=10_000)]
Units = Annotated[int, Field(ge=1, le=8192)]
FEWEST_FOLDS, MOST_FOLDS = 3, 1000
"""One fold tests, one validates, and something has to be trained on."""


def read_fold(text: str) -> tuple[int, int]:
    """The number of a fold, from 1, and of how many it is one, of a text such as "2/5".

    Raises ValueError for another text.
    """
    number, slash, count = text.partition("/")
    if not slash or not number.isdecimal() or not count.isdecimal():
        raise ValueError(f"a fold is written as 2/5, the second of five; got {text!r}")
    if not FEWEST_FOLDS <= int(count) <= MOST_FOLDS:
        raise ValueError(
            f"there must be {FEWEST_FOLDS} to {MOST_FOLDS:,} folds: one tests, one validates, and the others "
            f"train; got {text!r}"
        )
    if not 1 <= int(number) <= int(count):
        raise ValueError(f"folds count from 1 to {count}; got {text!r}")
    return int(number), int(count)


def _require_fold(text: str) -> str:
    read_fold(text)
    return text


class Data(Section):
    """The images, and how they are divided."""

    source: str = Field(
        min_length=1,
        description="A data set that `dlp data ls` names, or the path of a folder, a CSV file or a zip. "
        "A relative path starts at the working folder.",
    )
    image_size: int = Field(
        default=224, ge=8, le=1024, description="Side of the square that the network sees, in pixels."
    )
    resize: Resize = "stretch"
    background: Background = "#ffffff"
    validation: float = Field(
        default=0.15,
        gt=0,
        le=0.5,
        description="Share of the images for validation, where the data brings none.",
    )
    test: float = Field(
        default=0.15,
        gt=0,
        le=0.5,
        description="Share of the images for the test, where the data brings none.",
    )
    split_seed: SplitSeed = 0
    fold: Annotated[str, AfterValidator(_require_fold)] | None = Field(
        default=None,
        examples=["2/5"],
        description="A fold of a cross-validation, such as 2/5: all images are divided into 5 equal parts, "
        "whatever splits they bring; part 2 tests, part 3 validates, and the others train. `--folds 5` "
        "trains all five.",
    )
    fraction: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Share of the training images that is used, of each class alike and at least one: those "
        "of a smaller share are among those of a larger one. Validation and test stay as they are.",
    )
    on_bad_image: OnBadImage = "error"
    near_duplicates: Literal["group", "report", "ignore", "strict"] = Field(
        default="group",
        description="Images that look the same: group keeps them in one split, unless they are most of a "
        "class, as a scene before a fixed camera is; strict makes no exception, and ends the run there; "
        "report only tells of them; ignore does not look for them.",
    )

    @model_validator(mode="after")
    def _leave_something_to_train_on(self) -> Data:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"validation and test must leave images to train on; got {self.validation} + {self.test}"
            )
        return self


class Model(Section):
    """The network."""

    backbone: Backbone | OwnNet = Field(
        default="vgg16",
        description="The pretrained convolutional net, or the path of one of your own: a `.keras` file, or a "
        "folder of KerasHub, timm or Hugging Face; `scratch` uses a small net instead.",
    )
    cuts: tuple[str, ...] = Field(
        default=(),
        description="Of a net of your own, the layers that end its blocks, in its order; none takes the last "
        "layer at each size of the feature map.",
    )
    preprocessing: Annotated[str, one_of(SCALINGS)] | None = Field(
        default=None,
        description="What a net of your own takes: "
        + join_words((f"{name} ({about})" for name, about in SCALINGS.items()), ", or ")
        + ". It must be given for one, and for no other.",
    )
    weights: str | None = Field(
        default="imagenet",
        description="What the backbone starts from: imagenet, a weights file's path, or null for random.",
    )
    pooling: Literal["avg", "max"] = Field(
        default="avg", description="How a feature map becomes one number a channel: its mean or its maximum."
    )
    hidden: tuple[Units, ...] = Field(
        default=(),
        description="Units of the dense layers between pooled features and output, each in [1, 8192].",
    )
    dropout: float = Field(
        default=0.0, ge=0, le=0.95, description="Share of activations dropped in the head while training."
    )
    width: float = Field(
        default=1.0, gt=0, le=8, description="Factor on the channel counts of the small net of `scratch`."
    )

    @model_validator(mode="after")
    def _know_what_an_own_net_takes(self) -> Model:
        own = re.search(OWN_NET, self.backbone) is not None
        if own and self.preprocessing is None:
            raise ValueError(
                f"preprocessing must say what pixels the net {self.backbone} takes: {', '.join(SCALINGS)}"
            )
        if not own and (self.preprocessing is not None or self.cuts):
            raise ValueError(
                f"preprocessing and cuts are of a net of your own; leave them out with {self.backbone}"
            )
        return self


class Augment(Section):
    """Random changes to training images; validation and test images are never changed."""

    flip: Literal["none", "horizontal", "both"] = Field(
        default="none", description="Mirror half of the images: left-right, or left-right and up-down."
    )
    rotation: float = Field(default=0.0, ge=0, le=180, description="Largest rotation either way, in degrees.")
    zoom: float = Field(
        default=0.0, ge=0, le=0.9, description="Largest zoom in or out, as a share of the side."
    )
    shift: float = Field(default=0.0, ge=0, le=0.5, description="Largest shift, as a share of the side.")
    brightness: float = Field(
        default=0.0, ge=0, le=1, description="Largest change of brightness, as a share of the full range."
    )
    contrast: float = Field(
        default=0.0, ge=0, le=1, description="Largest change of contrast, as a share of the image's own."
    )
    saturation: float = Field(
        default=0.0, ge=0, le=1, description="Largest change of saturation, as a share of the image's own."
    )
    mixup: float = Field(
        default=0.0,
        ge=0,
        le=8,
        description="Alpha of mixup's Beta distribution; 0 is off. With cutmix too, each batch draws one.",
    )
    cutmix: float = Field(
        default=0.0, ge=0, le=8, description="Alpha of cutmix's Beta distribution; 0 is off."
    )
    views: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Views kept of each training image where a frozen part is computed once: the image "
        "itself, then augmented ones.",
    )


class Training(Section):
    """Optimisation."""

    epochs: Epochs | Literal["auto"] = Field(
        default="auto",
        description="Passes over the training images; auto: 30 for 1,000 images, by the root of their number "
        f"more for fewer ({MOST_EPOCHS} at most) and fewer for more ({FEWEST_EPOCHS} at least).",
    )
    batch_size: int = Field(
        default=32,
        ge=1,
        le=4096,
        description="Images per step, over all devices; on each of them where hardware.scaling is not none.",
    )
    accumulation_steps: int = Field(
        default=1,
        ge=1,
        le=4096,
        description="Parts in which a batch is computed, one after another, before a step is taken, so that "
        "a batch may be larger than memory. batch_size stays the whole.",
    )
    learning_rate: Rate | Literal["auto"] = Field(
        default=1e-3,
        description="Peak learning rate of new layers; auto asks a learning-rate finder (Smith 2017), "
        "and draws what that sees as `learning-rate.png`.",
    )
    pretrained_rate: float = Field(
        default=0.1, gt=0, le=1, description="Factor on the learning rate of layers that are already trained."
    )
    optimizer: Optimizer = "adamw"
    weight_decay: WeightDecay = 0.0
    label_smoothing: float = Field(
        default=0.0, ge=0, le=0.9, description="Probability spread evenly over all classes."
    )
    schedule: Schedule = "cosine"
    warmup: Warmup = 0.0
    patience: Patience = None
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="Weigh each class alike in the loss, whatever its number of images."
    )
    head_epochs: Epochs | Literal["auto"] = Field(
        default="auto",
        description="Epochs of the head alone, before `top-block` and `full` go on; auto: as for `epochs`.",
    )
    head_learning_rate: float = Field(
        default=1e-3,
        gt=0,
        le=10,
        description="Learning rate of the head alone, before `top-block` and `full` go on (Kumar 2022).",
    )
    checkpoint_seconds: CheckpointSeconds = 15.0
    tensorboard: TensorBoard = False
    diagnostics: Diagnostics = False

    def passes(self, *, warm_up: bool = False) -> int:
        """The epochs of the last stage, or of the head before it, where they do not depend on the data any
        more, see `Finetune.paced`."""
        epochs = self.head_epochs if warm_up else self.epochs
        assert epochs != "auto"
        return epochs
