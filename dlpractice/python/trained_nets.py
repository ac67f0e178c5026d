"""Trained models as objects: a classifier, or a net that compares images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.errors import DataError, ModelError, RunError
from dlpractice.paths import Kind, try_look
from dlpractice.python.quiet import bring, showing
from dlpractice.python.replies import Evaluation, Predictions, Rows
from dlpractice.runs.comparison_folder import find_model
from dlpractice.runs.directory import RunDirectory

if TYPE_CHECKING:
    from PIL.Image import Image

Source = str | PathLike[str]
Images = Source | NDArray[np.uint8] | Iterable[Source | NDArray[np.uint8]]
"""A path, or several: of files, of folders and zips of images, patterns; or (H, W, 3) or (H, W) arrays in
0..255, one or several, of any size."""

_TOP = 5


@dataclass(frozen=True)
class _Trained:
    """What a finished run and what it has left have in common.

    path: the run's folder, or the file that `dlp export` has made of one.
    """

    path: Path

    @property
    def run(self) -> RunDirectory:
        """The run's folder. Raises RunError where the model is an exported file."""
        if _is_exported(self.path):
            raise RunError(f"{self.path} is what has been exported, and no run", "load the run itself")
        return RunDirectory.read(self.path)

    @property
    def results(self) -> Mapping[str, Any]:
        """What the run has measured, by name: each with value, ci95, n and kind. Raises RunError as `run`."""
        found: Mapping[str, Any] = self.run.summary()["results"]
        return found

    @property
    def metrics(self) -> Rows:
        """A row for each epoch of the training. Raises RunError as `run` does."""
        return Rows(tuple(self.run.metrics()))


@dataclass(frozen=True)
class Classifier(_Trained):
    """A trained image classifier."""

    _loaded: Any = field(repr=False)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of probabilities."""
        found: tuple[str, ...] = self._loaded.class_names
        return found

    def predict(
        self,
        images: Images,
        *,
        top: int = _TOP,
        min_confidence: float | None = None,
        coverage: float | None = None,
    ) -> Predictions:
        """What each image is, in order, as `dlp predict` says it; an array's path is its number.

        Args:
            top: how many of the likeliest classes a row has at most.
            min_confidence: below which the answer is `unsure`. coverage: the share of the validation images
                that is to be answered; one of the two.

        Raises:
            DataError: an array is no image, or a folder or a zip cannot be read.
        """
        abstention = bring("recipes.inference.abstention").choose_abstention(
            self._loaded, min_confidence, coverage
        )
        threshold = None if abstention is None else abstention.threshold
        rows = []
        for image, probabilities in self._classify(images):
            if probabilities is None:
                rows.append({"path": image.path, "error": image.error})
            else:
                answer = bring("recipes.inference.abstention").describe_answer(
                    self.class_names, probabilities, top, threshold
                )
                rows.append({"path": image.path, **answer, **image.describe_note()})
        return Predictions(tuple(rows))

    def predict_probabilities(self, images: Images) -> NDArray[np.float32]:
        """(n, K) probabilities. Raises DataError for an image that cannot be read, which is named."""
        return _stack(self._classify(images))

    def embed(self, images: Images) -> NDArray[np.float32]:
        """(n, D) features: what the last layer sees of each image. Raises DataError as for probabilities."""
        forward = bring("recipes.run.saved_model").forward_images
        return _stack(forward(self._features, self._load(images)))

    def evaluate(self, source: Source, *, progress: bool = True) -> Evaluation:
        """Scores on a labelled folder, CSV or zip, as `dlp evaluate` gives them.

        Raises:
            DataError: there are no labelled images, or a class that the model does not know.
        """
        made_by = None if _is_exported(self.path) else self.run
        with showing(progress) as shown:
            found = bring("recipes.evaluate.labelled_images").run(
                self._loaded, fspath(source), shown, made_by=made_by
            )
        return Evaluation(found.document["accuracy"], found.document)

    def export(
        self,
        kind: str,
        output: Source | None = None,
        *,
        quantize: str | None = None,
        progress: bool = True,
    ) -> Mapping[str, Any]:
        """Writes `onnx`, `litert`, `savedmodel` or `keras`, as `dlp export` does, and says how it does.

        Raises:
            ModelError: it cannot be converted, or is not good enough; no file is left.
            RunError: there is no such format, or the file is there already.
        """
        recipe = bring("recipes.export.export")
        if kind not in recipe.FORMATS:
            raise RunError(f"nothing is exported as {kind!r}", f"choose one of {', '.join(recipe.FORMATS)}")
        target = None if output is None else Path(output)
        try:
            with showing(progress) as shown:
                found: Mapping[str, Any] = recipe.run(self.run, kind, quantize, target, progress=shown)
        except recipe.ExportRefused as refused:
            raise ModelError(f"not exported: {refused}", "export without quantize") from refused
        return found

    def _load(self, images: Images) -> Iterator[Any]:
        from dlpractice.data.files.decoding import fit
        from dlpractice.data.files.unlabelled_images import load_images

        look = self._loaded.look
        paths, arrays = _divide(images)
        if paths is not None:
            return load_images(paths, look)
        return _number(fit(_to_image(array, place), look) for place, array in enumerate(arrays))

    def _classify(self, images: Images) -> Iterator[tuple[Any, NDArray[np.float32] | None]]:
        found: Iterator[tuple[Any, NDArray[np.float32] | None]] = self._loaded.answer(self._load(images))
        return found

    @cached_property
    def _features(self) -> Any:
        return bring("recipes.inference.last_features").load_features(self.run)


@dataclass(frozen=True)
class Comparer(_Trained):
    """A net that was trained to compare images, and knows classes by examples alone."""

    _loaded: Any = field(repr=False)

    def predict(self, images: Source | Iterable[Source], support: Source) -> Predictions:
        """Which class of the folder `support`, with an example of each or several, each image is.

        Raises:
            DataError: classes cannot be enrolled, or a folder cannot be read.
        """
        identify = bring("recipes.predict.identification").identify
        return Predictions(tuple(identify(self._loaded, _list_paths(images), Path(support))))

    def compare(self, first: Source, second: Source) -> Mapping[str, Any]:
        """Whether two images are of one class, as `dlp predict --same` says it. Raises DataError."""
        found: Mapping[str, Any] = bring("recipes.predict.identification").compare(
            self._loaded, fspath(first), fspath(second)
        )
        return found

    def embed(self, images: Source | Iterable[Source]) -> NDArray[np.float32]:
        """(n, D) embeddings. Raises DataError for an image that cannot be read, which is named."""
        return _stack(self._loaded.embed(self._loaded.load(_list_paths(images))))

    def evaluate(self, source: Source, *, progress: bool = True) -> Evaluation:
        """Accuracy on one-shot tasks from a folder of classes, as `dlp evaluate` gives it.

        Raises DataError: no classes, or too few examples for a task.
        """
        with showing(progress) as shown:
            found = bring("recipes.evaluate.new_classes").run(self.run, fspath(source), shown)
        return Evaluation(found["accuracy"], found)


def load(path: Source) -> Classifier | Comparer:
    """The model of a finished run, or of what `dlp export` has made of one.

    Raises:
        ModelError: it is missing, damaged, or needs a package that is not installed.
        RunError: a folder is neither a run nor a SavedModel.
    """
    place = find_model(Path(fspath(path)))
    net = bring("recipes.inference.finished_net").load_net(place)
    return Classifier(place, net) if hasattr(net, "class_names") else Comparer(place, net)


def _is_exported(path: Path) -> bool:
    return try_look(path) is Kind.FILE or try_look(path / "saved_model.pb") is Kind.FILE


def _list_paths(images: Source | Iterable[Source]) -> list[str]:
    return [fspath(images)] if isinstance(images, str | PathLike) else [fspath(image) for image in images]


def _divide(images: Images) -> tuple[list[str] | None, list[NDArray[np.uint8]]]:
    """The paths among `images`, or None and the arrays. Raises DataError where there are both, or neither."""
    if isinstance(images, str | PathLike):
        return [fspath(images)], []
    several: Sequence[Any] = [images] if _is_image(images) else list(images)
    paths = [image for image in several if isinstance(image, str | PathLike)]
    if paths and len(paths) < len(several):
        raise DataError("paths and arrays are mixed", "ask for the one, then for the other")
    return (_list_paths(paths), []) if paths else (None, list(several))


def _is_image(images: Any) -> bool:
    """Whether it is one array: three dimensions, the last not one of colours, are those of grey images."""
    shape: tuple[int, ...] = getattr(images, "shape", ())
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))


def _to_image(array: Any, place: int) -> Image:
    """Raises DataError where it is no image: (H, W, 3), (H, W, 1) or (H, W), whole numbers in 0..255."""
    from PIL import Image

    pixels = np.asarray(array)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    is_image = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if not is_image or not pixels.size or pixels.dtype.kind not in "ui":
        raise DataError(
            f"array {place} is no image: its shape is {pixels.shape}, its type {pixels.dtype}",
            "give (H, W, 3) or (H, W) arrays of whole numbers in 0..255",
        )
    if pixels.min() < 0 or pixels.max() > 255:
        raise DataError(f"array {place} has values outside of 0..255", "scale it to them")
    return Image.fromarray(pixels.astype(np.uint8)).convert("RGB")


def _number(pixels: Iterable[NDArray[np.uint8]]) -> Iterator[Any]:
    from dlpractice.data.files.unlabelled_images import LoadedImage

    for place, square in enumerate(pixels):
        yield LoadedImage(str(place), square)


def _stack(answers: Iterable[tuple[Any, NDArray[np.float32] | None]]) -> NDArray[np.float32]:
    """Rows below each other. Raises DataError for an image that could not be read."""
    rows = []
    for image, row in answers:
        if row is None:
            raise DataError(f"{image.path}: {image.error}", "leave it out, or ask `predict`, which goes on")
        rows.append(row)
    return np.stack(rows).astype(np.float32) if rows else np.empty((0, 0), np.float32)
