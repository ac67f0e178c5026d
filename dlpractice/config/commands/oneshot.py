"""The config of `dlp oneshot`, and what each method changes in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from dlpractice.config.problems import closest
from dlpractice.config.sections.embedding import Encoder, Objective
from dlpractice.config.sections.oneshot import Batch, Data, Distortion, Evaluation, Training
from dlpractice.config.sections.shared import Hardware, Seed
from dlpractice.config.variants import ABSENT, Changes, Varied, changes_of
from dlpractice.errors import ConfigError
from dlpractice.registry.encoders import ENCODERS
from dlpractice.registry.wording import join_words

BASELINES = ("nearest-neighbour", "hausdorff", "affine")
"""Rows of a comparison that are not trained; no method may have one of these names."""
TABLE = "table"
"""What `--compare` takes for all baselines and all methods of a config."""


def _refuse_taken(name: str) -> str:
    if name in (*BASELINES, TABLE):
        raise ValueError(f"{name!r} has a meaning of its own in --compare; give the method another name")
    return name


Method = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9-]*$"),
    AfterValidator(_refuse_taken),
    Field(examples=["siamese", "dense-siamese"]),
]

# A method may change what a net sees and trains on, not what it is validated and tested on: all methods of a
# comparison answer the same tasks.
_SAME_TASKS = dict.fromkeys(
    (
        "source",
        "split",
        "validation_alphabets",
        "evaluation_alphabets",
        "validation",
        "evaluation",
        "split_seed",
        "drawer_pattern",
        "on_bad_image",
    ),
    "all methods of a comparison answer the same tasks; set it in the section data",
)

if TYPE_CHECKING:
    DataChanges = Data
    EncoderChanges = Encoder
    ObjectiveChanges = Objective
    BatchChanges = Batch
    DistortionChanges = Distortion
    TrainingChanges = Training
    EvaluationChanges = Evaluation
else:
    DataChanges = changes_of(Data, without=_SAME_TASKS)
    EncoderChanges = changes_of(Encoder)
    ObjectiveChanges = changes_of(Objective)
    BatchChanges = changes_of(Batch)
    DistortionChanges = changes_of(Distortion)
    TrainingChanges = changes_of(Training)
    EvaluationChanges = changes_of(Evaluation)


class MethodChanges(Changes):
    """What one method changes in the sections of its config; only the keys that are written count."""

    REFUSED: ClassVar = {
        "hardware": "all methods of a comparison compute alike; set it in the section hardware",
        "seed": "all methods have the same seeds; --seeds says how many",
    }

    data: DataChanges = ABSENT
    encoder: EncoderChanges = ABSENT
    objective: ObjectiveChanges = ABSENT
    batch: BatchChanges = ABSENT
    distortion: DistortionChanges = ABSENT
    training: TrainingChanges = ABSENT
    evaluation: EvaluationChanges = ABSENT


class Oneshot(Varied):
    """Learning from one example per class: the config of `dlp oneshot`."""

    VARIANT: ClassVar = "method"
    VARIANTS: ClassVar = "methods"
    FREE_NAMES: ClassVar = True

    command: Literal["oneshot"] = Field(description="The command that this config is for.")
    method: Method = Field(
        default="siamese",
        description="The name by which the net stands in tables; one of `methods` brings its changes along.",
    )
    seed: Seed = 0
    data: Data = Field(description="The classes, and how they are divided.")
    encoder: Encoder = Field(default=Encoder(), description="The network that embeds an image.")
    objective: Objective = Field(default=Objective(), description="What training makes of pairs.")
    batch: Batch = Field(default=Batch(), description="What one step sees.")
    distortion: Distortion = Field(
        default=Distortion(),
        description="Random changes to training images; validation and test images are never changed.",
    )
    training: Training = Field(default=Training(), description="Optimisation.")
    evaluation: Evaluation = Field(default=Evaluation(), description="How validation and test are scored.")
    hardware: Hardware = Field(default=Hardware(), description="Where to compute, and how precisely.")
    methods: dict[Method, MethodChanges] = Field(
        default={},
        json_schema_extra={"additionalProperties": False},
        description="What a method changes in the sections above when it is the one that runs.",
    )

    @model_validator(mode="after")
    def _fit_the_sections_to_each_other(self) -> Oneshot:
        if self.method in self.methods:
            return self  # its changes may make the sections fit: with_variant checks the result
        self._refuse_images_that_fit_no_encoder()
        if self.hardware.scaling != "none":
            raise ValueError(
                "hardware.scaling must be none: the pairs of a batch grow with its square, for which no rule "
                f"is known; set batch and training.learning_rate; got {self.hardware.scaling}"
            )
        if self.data.examples_per_class == 1 and self.distortion.changes_nothing:
            raise ValueError(
                "data.examples_per_class 1 needs distortion: distorted images stand in for other examples"
            )
        return self

    def _refuse_images_that_fit_no_encoder(self) -> None:
        """Refuses images that do not fit an encoder which takes one size only.

        An encoder that takes several sizes checks its images when it is built.
        """
        row = ENCODERS.get(self.encoder.name)
        if row is None or len(row.sizes) > 1:
            return
        if self.data.image_size not in row.sizes or self.data.colour not in row.colours:
            raise ValueError(
                f"encoder {self.encoder.name} needs data.image_size {row.image_size} and "
                f"data.colour {join_words(row.colours)}; got {self.data.image_size} and {self.data.colour}"
            )

    def for_method(self, name: str) -> Oneshot:
        """The config of one method: its changes laid over the sections, and no other method left.

        Raises:
            ConfigError: `name` is neither the config's own method nor one of `methods`.
        """
        known = list(dict.fromkeys((self.method, *self.methods)))
        if name not in known:
            guess = closest(name, known)
            raise ConfigError(
                f"there is no method {name!r}" + (f"; did you mean {guess}?" if guess else ""),
                f"the config's methods are {', '.join(known)}",
            )
        return self.with_variant(name)
