"""What a saved model's file says of itself: what it takes, and what its outputs mean."""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from dlpractice.data.codecs.fitting import Resize
from dlpractice.data.codecs.levels import Levels
from dlpractice.data.files.decoding import Look
from dlpractice.data.oneshot.own_classes import Colour
from dlpractice.data.oneshot.query_files import Kind

_DECODING = {
    "images": "EXIF orientation applied, transparent pixels laid over `background`, 8 bits a channel; "
    "resized by Pillow's BICUBIC with antialiasing: `stretch` ignores the aspect ratio, `crop` takes the "
    "middle square, `pad` fills up with `background`",
    "drawings": "dark ink on white paper, as in Omniglot; a photograph of a drawing is made so first",
    "recordings": "the loudest second as a log-mel spectrogram, 50 to 8,000 Hz upwards, dark where loud",
}


LARGEST = 4096
"""Pixels a side that a note may ask for: more than any config may, so that an edited one takes no memory."""


class _Part(BaseModel):
    """A later version may add keys, which are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class InputNote(_Part):
    """How a file becomes what the net takes: squares of pixels from 0 to 255, float or integer.

    Args:
        kind: what the net was trained on.
        image_size: the side that the net takes, in pixels.
        decoded_size: the side to which files are decoded; where it is larger, the mean over pixels makes it
            `image_size`.
        colour: `colour` is three channels, RGB, and `grey` is one.
        resize, background: how images that are no squares, and transparent pixels, were treated.
        black, white: the numbers that became 0 and 255, of files with more than 8 bits a channel; None where
            there were no such files.
        decoding: the rest of it, in words.
    """

    kind: Kind = "images"
    image_size: int = Field(ge=1, le=LARGEST)
    decoded_size: int = Field(ge=1, le=LARGEST)
    colour: Colour
    resize: Resize
    background: str
    black: float | None = None
    white: float | None = None
    decoding: str

    @property
    def look(self) -> Look:
        """How files are decoded."""
        levels = None if self.black is None or self.white is None else Levels(self.black, self.white)
        return Look(self.decoded_size, self.resize, self.background, levels)


class Share(_Part):
    """A share of `n` images, and its 95 % interval."""

    value: float
    ci95: tuple[float, float]
    n: int


class Selection(_Part):
    """What `statistics.calibration.Selection` says: how right the answers from a threshold on are."""

    threshold: float
    coverage: float
    accuracy: Share


class Calibration(_Part):
    """What validation images say of how sure a classifier is.

    Args:
        temperature: the softmax's, which makes confidences shares of right answers: each probability is
            raised to 1 / `temperature`, and their sum made 1 again.
        coverage: by ascending threshold, from all answers on.
    """

    temperature: float = Field(gt=0)
    coverage: tuple[Selection, ...] = Field(min_length=1)


class ClassifierNote(_Part):
    """class_names: of the (N, K) probabilities that the model gives, in order. calibration: None of models
    that earlier versions saved."""

    output: ClassVar[str] = "probabilities"
    task: Literal["classification"] = "classification"
    input: InputNote
    class_names: tuple[str, ...] = Field(min_length=1)
    calibration: Calibration | None = None


class Curve(_Part):
    """The settings of a `Verdict`, without its note."""

    slope: float
    intercept: float
    threshold: float
    false_accept_rate: float


class SiameseNote(_Part):
    """What the model of a one-shot run gives for two batches of images: the (N,) probabilities of "same".

    Args:
        similarity: its name in `layers.similarity.SIMILARITIES`, and its settings.
        verdict: how similarities become probabilities, and from which on two images are taken for the same.
    """

    task: Literal["verification"] = "verification"
    input: InputNote
    similarity: str
    settings: dict[str, Any]
    verdict: Curve


class Comparison(_Part):
    """How two embeddings are compared.

    Args:
        similarity: its name in `layers.similarity.SIMILARITIES`, and its settings.
        learned: what it has learned, see `Similarity.learned`.
        verdict: how similarities become probabilities of "same", and from which on two images are taken for
            the same; an image that is less similar to all known classes is `unknown`.
    """

    similarity: str
    settings: dict[str, Any]
    learned: dict[str, tuple[float, ...]] = {}
    verdict: Curve


class TaskNote(_Part):
    """What every note says."""

    task: str


class EncoderNote(_Part):
    """What the encoder of a one-shot run, exported, gives for images: their (N, D) `embeddings`.

    Args:
        comparison: what these say.
        model: sha256 of the run's `model.keras`, which an index of enrolled classes names too.
    """

    output: ClassVar[str] = "embeddings"
    task: Literal["embedding"] = "embedding"
    input: InputNote
    comparison: Comparison
    model: str


def describe_input(look: Look, image_size: int, colour: Colour, kind: Kind = "images") -> InputNote:
    """The note of a net that takes squares of `image_size` pixels a side, of files decoded as `look` says."""
    return InputNote(
        kind=kind,
        image_size=image_size,
        decoded_size=look.image_size,
        colour=colour,
        resize=look.resize,
        background=look.background,
        black=look.levels.black if look.levels else None,
        white=look.levels.white if look.levels else None,
        decoding=_DECODING[kind],
    )
