"""The encoder of a run of `dlp oneshot`, to be exported, with the classes that it is to know."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.config.load import load_config
from dlpractice.config.schema import Oneshot
from dlpractice.data.oneshot.class_split import ClassSplit
from dlpractice.models.encoders import shrink_first
from dlpractice.models.precision import set_precision
from dlpractice.progress import Silent
from dlpractice.recipes.export.encoder_proof import compare_encoders, pick_questions
from dlpractice.recipes.export.subject import README, Subject, write_text
from dlpractice.recipes.export.usage_note import describe_encoder
from dlpractice.recipes.export.writers import SAMPLES, Source
from dlpractice.recipes.inference.enrolment import enrol
from dlpractice.recipes.inference.enrolment_index import read_index, write_index
from dlpractice.recipes.inference.finished_net import load_net
from dlpractice.recipes.oneshot.comparer import Comparer
from dlpractice.recipes.oneshot.saved_siamese import SavedSiamese, load_siamese
from dlpractice.recipes.oneshot.setup import read_classes
from dlpractice.recipes.run.continuation import refuse_other_data
from dlpractice.recipes.run.model_note import EncoderNote, describe_input
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.batches.views import PlainViews

INDEX = ".npz"
"""What follows the encoder's name in that of its index."""


def prepare_encoder(
    run: RunDirectory, kind: str, name: str, with_samples: bool, support: Path | None, index: Path | None
) -> Subject:
    """The run's encoder, to be written as `kind` under `name`, with the classes that it is to know.

    It takes files as they are decoded: shrinking them to what the net sees is inside.

    Args:
        with_samples: whether training images are needed.
        support, index: where the classes come from, as in `dlp predict`; without either there is no index.

    Raises:
        ModelError: the run has no model, or not the one that made `index`.
        DataError: the run's examples are gone, or the classes cannot be enrolled.
        RunError: the run's examples have changed.
    """
    saved = load_siamese(run)
    set_precision(saved.siamese.model, "float32")
    enrolment = enrol(saved, support) if support else read_index(index, saved.digest) if index else None
    classes = _read_classes(run)
    questions = pick_questions(classes.validation)
    look, channels = saved.note.look, saved.siamese.encoder.input_shape[-1]
    note = EncoderNote(
        input=describe_input(look, look.image_size, "grey" if channels == 1 else "colour", saved.note.kind),
        comparison=saved.comparison,
        model=saved.digest,
    )

    def prove(path: Path) -> dict[str, Any]:
        exported = load_net(path)
        assert isinstance(exported, Comparer)
        return compare_encoders(saved, exported, questions)

    def keep_index(path: Path) -> None:
        assert enrolment is not None
        write_index(path, enrolment, saved.digest, saved.comparison)

    readme = describe_encoder(
        kind, name, note, saved.siamese.encoder.output_shape[-1], f"{name}{INDEX}" if enrolment else ""
    )
    samples = _pick_samples(classes) if with_samples else np.zeros(0, np.uint8)
    return Subject(
        Source(_take_files(saved), note, (), samples),
        prove,
        {README: write_text(readme)} | ({INDEX: keep_index} if enrolment else {}),
    )


def _read_classes(run: RunDirectory) -> ClassSplit:
    config = load_config(str(run.path / "config.yaml"))
    assert isinstance(config, Oneshot)
    classes = read_classes(config, Silent())
    refuse_other_data(classes.digest, run)
    return classes


def _pick_samples(classes: ClassSplit) -> NDArray[np.uint8]:
    pixels = classes.background.pixels
    places = np.linspace(0, len(pixels) - 1, min(SAMPLES, len(pixels))).astype(np.int64)
    return np.asarray(pixels[places])


def _take_files(saved: SavedSiamese) -> keras.Model:
    """The encoder for squares of the side to which files are decoded.

    Shrinking takes means and reads between pixels, along each axis for itself: it is a matrix, which what it
    makes of each single row tells.
    """
    encoder, side = saved.siamese.encoder, saved.note.look.image_size
    if side == saved.image_size:
        return encoder
    rows = np.zeros((side, side, side, 1), np.float32)
    rows[np.arange(side), np.arange(side)] = 1
    views = PlainViews(Streamed(rows), saved.image_size)
    seen = np.asarray(views.receive(*views.send(np.arange(side))))
    return shrink_first(encoder, seen[:, :, 0, 0].T)
