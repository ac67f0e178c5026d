"""A finished one-shot run's net, ready to compare."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

import dlpractice.layers.normalisation  # noqa: F401, both register layers for files of earlier versions
from dlpractice.data.codecs.levels import Levels
from dlpractice.data.files.decoding import Look
from dlpractice.data.oneshot.own_classes import Colour
from dlpractice.data.oneshot.query_files import Note
from dlpractice.layers.similarity import SIMILARITIES
from dlpractice.models.model_file import write_model
from dlpractice.models.precision import set_precision
from dlpractice.models.siamese import Siamese, Verdict, put_together, spell_out, take_apart
from dlpractice.paths import open_file
from dlpractice.recipes.oneshot.comparer import Comparer, Floats
from dlpractice.recipes.run.model_note import Curve, InputNote, SiameseNote, describe_input
from dlpractice.recipes.run.saved_model import (
    foreign_model,
    load_network,
    load_note,
    read_levels,
)
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.batches.views import PlainViews
from dlpractice.training.devices.placement import place
from dlpractice.training.forward import Forward, compile_forward, forward_all


@dataclass(frozen=True)
class SavedSiamese(Comparer):
    """A run's whole net. forward: from a batch of (n, S, S, C) views to (n, D) embeddings, on this machine's
    devices."""

    siamese: Siamese
    forward: Forward

    @property
    def image_size(self) -> int:
        """The side of the squares that the encoder takes, in pixels."""
        return int(self.siamese.encoder.input_shape[1])


def load_siamese(run: RunDirectory) -> SavedSiamese:
    """Loads a one-shot run's net; it computes in the precision that the run was scored in.

    Raises ModelError where the net is missing, damaged or not one of ours.
    """
    model = load_network(run.model_path)
    siamese = _find_parts(model, run)
    set_precision(siamese.model, run.environment()["precision"])
    verdict: Any = siamese.verdict  # whose note holds plain strings
    colour: Colour = "grey" if siamese.encoder.input_shape[-1] == 1 else "colour"
    look = Look(verdict.side, verdict.resize, verdict.background, read_levels(run))
    note = Note(verdict.kind, look, colour)
    forward = compile_forward(siamese.encoder, place())
    side = siamese.encoder.input_shape[1]

    def embed_pixels(pixels: NDArray[np.generic]) -> Floats:
        return forward_all(forward, PlainViews(Streamed(pixels), side))

    return SavedSiamese(
        embed_pixels, siamese.similarity, siamese.verdict, note, _digest(run), siamese, forward
    )


def _find_parts(model: keras.Model, run: RunDirectory) -> Siamese:
    note = load_note(run.model_path, SiameseNote, "dlp oneshot")
    if note is None:
        siamese = take_apart(model)
        if siamese is None:
            raise foreign_model(run.model_path, "dlp oneshot")
        return siamese
    try:
        similarity = SIMILARITIES[note.similarity](**note.settings)
        settings: dict[str, Any] = note.verdict.model_dump()
        settings |= note.input.model_dump(include={"kind", "resize", "background"})
        return put_together(model, similarity, Verdict(**settings, side=note.input.decoded_size))
    except (KeyError, TypeError, ValueError) as error:  # a part is absent, or of another kind
        raise foreign_model(run.model_path, "dlp oneshot") from error


def save_siamese(siamese: Siamese, path: Path, levels: Levels | None = None) -> InputNote:
    """Saves a net in Keras's own layers, with a note from which `load_siamese` makes its parts again.

    Returns what of the note says what the net takes.
    """
    verdict: Any = siamese.verdict  # whose note holds plain strings
    encoder = siamese.encoder
    note = SiameseNote(
        input=describe_input(
            Look(verdict.side, verdict.resize, verdict.background, levels),
            encoder.input_shape[1],
            "grey" if encoder.input_shape[-1] == 1 else "colour",
            verdict.kind,
        ),
        similarity=type(siamese.similarity).__name__,
        settings=siamese.similarity.settings,
        verdict=Curve.model_validate(vars(verdict)),
    )
    write_model(spell_out(siamese), note.model_dump(mode="json"), path)
    return note.input


def _digest(run: RunDirectory) -> str:
    with open_file(run.model_path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
