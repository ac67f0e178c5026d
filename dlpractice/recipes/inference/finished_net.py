"""A finished net, whatever it does and wherever it is kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.oneshot.query_files import Note
from dlpractice.errors import ModelError
from dlpractice.models.siamese import Verdict
from dlpractice.paths import is_file, is_folder
from dlpractice.recipes.inference.graph_files import read_graph
from dlpractice.recipes.inference.trained_classifier import (
    Infer,
    TrainedClassifier,
    load_classifier,
    make_classifier,
)
from dlpractice.recipes.oneshot.comparer import Comparer, make_similarity
from dlpractice.recipes.oneshot.saved_siamese import load_siamese
from dlpractice.recipes.run.model_note import EncoderNote, TaskNote
from dlpractice.recipes.run.saved_model import load_network, load_note
from dlpractice.runs.comparison_folder import find_model
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.devices.placement import place
from dlpractice.training.forward import compile_forward, forward_all


def load_net(path: Path, providers: Sequence[str] = ()) -> TrainedClassifier | Comparer:
    """The net of a finished run, or of what `dlp export` has made of one, as `load_classifier` takes them.

    Raises ModelError and RunError as `load_classifier` does.
    """
    path = find_model(path)
    if providers and path.suffix.lower() != ".onnx":
        return load_classifier(path, providers)  # which refuses it
    if found := read_graph(path, providers):
        note, infer = found
        if isinstance(note, EncoderNote):
            return _make_comparer(path, note, infer)
        return make_classifier(path, note, infer)
    if is_folder(path):
        run = RunDirectory.read(path)
        if run.config_tree().get("command") == "oneshot":
            return load_siamese(run)
    if path.suffix.lower() == ".keras" and is_file(path):
        named = load_note(path, TaskNote, "dlp finetune")
        if named is not None and named.task == "embedding":
            return _read_keras(path)
    return load_classifier(path)


def _make_comparer(path: Path, note: EncoderNote, infer: Infer) -> Comparer:
    try:
        similarity = make_similarity(note.comparison)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} compares in a way that is not known here", "export it again") from error
    files = Note(note.input.kind, note.input.look, note.input.colour)
    return Comparer(infer, similarity, Verdict(**note.comparison.verdict.model_dump()), files, note.model)


def _read_keras(path: Path) -> Comparer:
    note = load_note(path, EncoderNote, "dlp export")
    assert note is not None
    forward = compile_forward(load_network(path), place())

    def embed(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
        return forward_all(forward, Streamed(pixels))

    return _make_comparer(path, note, embed)
