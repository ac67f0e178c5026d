"""A trained classifier at work, wherever it is kept: from files or arrays to probabilities."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.files.decoding import Look
from dlpractice.data.files.unlabelled_images import LoadedImage, load_images
from dlpractice.errors import ModelError
from dlpractice.paths import exists, is_folder
from dlpractice.recipes.inference.class_activation import Activation, find_activation
from dlpractice.recipes.inference.graph_files import is_saved_model, read_litert, read_onnx, read_saved_model
from dlpractice.recipes.inference.known_features import KnownFeatures, find_known
from dlpractice.recipes.run.model_note import Calibration, ClassifierNote, EncoderNote
from dlpractice.recipes.run.saved_model import SavedModel, forward_images, load_keras_file, load_saved
from dlpractice.runs.comparison_folder import find_model
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.calibration import soften
from dlpractice.training.devices.placement import fill_up

Infer = Callable[[NDArray[np.generic]], NDArray[np.float32]]
"""From (n, S, S, 3) pixels in 0..255, uint8 or float32, to (n, K) probabilities."""

_ENDINGS = (".keras", ".onnx", ".tflite")
_TINY = 1e-30


@dataclass(frozen=True)
class TrainedClassifier:
    """A net, the names of its classes, how files become what it takes, and how sure it may call itself.

    infer: the net itself. calibration: None of a net that was trained before there was one; probabilities
    are then the net's own. known: what the cache holds of the images that the net was trained with.
    activation: of a net that Keras computes and that has one.
    """

    infer: Infer
    class_names: tuple[str, ...]
    look: Look
    calibration: Calibration | None
    known: KnownFeatures | None = None
    activation: Activation | None = None

    def probabilities(self, pixels: NDArray[np.generic]) -> NDArray[np.float32]:
        """(n, K) probabilities: as often as they say, the answer is right, as far as validation images tell.

        pixels: (n, S, S, 3) RGB in 0..255, uint8 or float32.

        Raises:
            ModelError: the net gives what are no numbers.
        """
        return self._calibrate(self.infer(pixels))

    def _calibrate(self, own: NDArray[np.float32]) -> NDArray[np.float32]:
        if not np.isfinite(own).all():
            raise ModelError(
                "the net gives what are no numbers", "its training diverged: lower training.learning_rate"
            )
        if self.calibration is None:
            return own
        logarithms = np.log(np.maximum(own.astype(np.float64), _TINY))
        return soften(logarithms, self.calibration.temperature).astype(np.float32)

    def classify(self, paths: Iterable[str]) -> Iterator[tuple[LoadedImage, NDArray[np.float32] | None]]:
        """Each file, and each image below a folder or in a zip, with its (K,) probabilities, in order; None
        for one that could not be read. A few images are held in memory at a time.

        Raises:
            DataError: a folder or a zip cannot be read.
        """
        recall = self.recall if self.known else None  # without one no file is hashed
        return self.answer(load_images(paths, self.look, recall))

    def recall(self, digest: str) -> NDArray[np.generic] | None:
        """What the cache holds of the image whose file has that sha256; None where it holds nothing."""
        return self.known.recall(digest) if self.known else None

    def answer(
        self, images: Iterable[LoadedImage]
    ) -> Iterator[tuple[LoadedImage, NDArray[np.float32] | None]]:
        """Each image with its (K,) probabilities, in order; None for one without pixels and features."""

        def finish(features: NDArray[np.generic]) -> NDArray[np.float32]:
            assert self.known is not None  # which the features are of
            return self._calibrate(self.known.probabilities(features))

        return forward_images(self.probabilities, images, finish)


def load_classifier(path: Path, providers: Sequence[str] = ()) -> TrainedClassifier:
    """The classifier of a finished run, of all folds of a cross-validation, or of what `dlp export` has made
    of a run: a .keras, .onnx or .tflite file, or the folder of a SavedModel.

    providers: ONNX Runtime's by their names, the first that knows an operation computes it; () for its CPU's.

    Raises:
        ModelError: it is missing, damaged, of another kind, or needs a package that is not installed.
        RunError: a folder is neither a SavedModel nor a run.
    """
    path = find_model(path)
    ending = path.suffix.lower()
    if providers and ending != ".onnx":
        raise ModelError(f"{path} is no .onnx file", "leave out --providers, which are ONNX Runtime's")
    if is_saved_model(path):
        return make_classifier(path, *read_saved_model(path))
    if is_folder(path) or ending not in _ENDINGS:
        run = RunDirectory.read(path)
        saved = load_saved(run)
        return replace(_of_keras(saved), known=find_known(saved, run))
    if not exists(path):
        raise ModelError(f"there is no {path}", "name a run, or a file that `dlp export` has made")
    if ending == ".keras":
        return _of_keras(load_keras_file(path))
    return make_classifier(path, *(read_onnx(path, providers) if ending == ".onnx" else read_litert(path)))


def make_classifier(path: Path, note: ClassifierNote | EncoderNote, infer: Infer) -> TrainedClassifier:
    """The classifier of an exported file, from what it holds. Raises ModelError where it is none."""
    if isinstance(note, EncoderNote):
        raise ModelError(
            f"{path} compares images, and is no classifier", "name a run of `dlp finetune`, or its export"
        )
    return TrainedClassifier(infer, note.class_names, note.input.look, note.calibration)


def _of_keras(saved: SavedModel) -> TrainedClassifier:
    forward = saved.forward()

    def infer(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
        # Few sizes of batch: the net is compiled for each.
        filled = fill_up(pixels, 1 << (len(pixels) - 1).bit_length())
        return np.asarray(forward(filled)[: len(pixels)], np.float32)

    activation = find_activation(saved.model)
    return TrainedClassifier(infer, saved.class_names, saved.look, saved.calibration, activation=activation)
