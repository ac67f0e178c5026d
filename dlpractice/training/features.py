"""The features that frozen layers give for each image: computed once, kept on disk and found again.

The layers up to a cut of the net are its front. A row of features is found by the sha256 of the image's bytes
and, if the image was augmented, by its view. The store of rows is found by everything else that features
depend on: the layers and weights of the front, the precision, the devices, and where the pixels come from.
Runs, seeds and strategies with the same front share its rows. When an image is added, only its own row is
computed.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import ml_dtypes
import numpy as np
import tensorflow as tf
from numpy.typing import DTypeLike, NDArray

from dlpractice.data.augmentation import Augmentation
from dlpractice.data.storage.cache_key import Keyed
from dlpractice.data.storage.row_store import RowStore, RowView
from dlpractice.errors import DataError, ModelError
from dlpractice.models.classifier import Classifier
from dlpractice.models.precision import computing_in
from dlpractice.models.weights import digest_tensors
from dlpractice.progress import Progress
from dlpractice.settings import CACHE_VARIABLE, cache_dir
from dlpractice.training.batches import warp
from dlpractice.training.devices.placement import Placement
from dlpractice.training.steps import compile_forward

_BATCH = 32
# Of a layer's description.
_LEFT_OUT = frozenset({"dtype", "trainable"})


@dataclass(frozen=True)
class Images:
    """N decoded images: `pixels` (N, S, S, 3) uint8, and the `sha256` of each file."""

    pixels: RowView
    sha256: Sequence[str]


@dataclass(frozen=True)
class Origin(Keyed):
    """All that the features of an image depend on, besides the bytes of its file.

    Args:
        layers: what the front's layers are and how they are joined, see `describe_layers`.
        weights: sha256 of the front's weights.
        precision: of the arithmetic.
        devices: the kinds of the devices that compute, and how many there are: they round in other places.
        pixels: where the pixels are kept, which stands for how they were decoded.
    """

    layers: str
    weights: str
    precision: str
    devices: tuple[str, ...]
    pixels: str


@dataclass(frozen=True)
class Views(Keyed):
    """All that the augmented views of an image depend on, besides its pixels."""

    augmentation: Augmentation

    CODE: ClassVar[tuple[str, ...] | None] = (Augmentation.__module__, warp.__name__)

    def augment(
        self, pixels: NDArray[np.uint8], sha256: Sequence[str], views: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Augments each image by the draw of its view; images of view 0 stay as they are.

        Args:
            pixels: (n, S, S, 3) in 0..255.
            sha256: of each image's file.
            views: (n,) the view of each image.
        """
        side = pixels.shape[1]
        draws = [
            self.augmentation.draw(np.random.default_rng([int(sha[:16], 16), view]), 1, side, mix=False)
            for sha, view in zip(sha256, views, strict=True)
        ]
        transforms = np.concatenate([draw.transforms for draw in draws])
        colours = np.concatenate([draw.colours for draw in draws])
        augmented: NDArray[np.float32] = warp.warp_batch(tf.constant(pixels), transforms, colours).numpy()
        return np.where((views == 0)[:, None, None, None], pixels.astype(np.float32), augmented)


@dataclass(frozen=True)
class FrozenFront:
    """Computes the features of a classifier's frozen layers, or finds them on disk."""

    classifier: Classifier
    precision: str
    placement: Placement
    progress: Progress

    def features(
        self, cuts: Sequence[str], images: Images, augmentation: Augmentation | None = None, views: int = 1
    ) -> dict[str, RowView]:
        """The features of `views` views of N images, by cut: N x `views` rows, one view of all images
        after another.

        View 0 is the image itself. The others are augmented, each by a draw that depends on the image and the
        view alone. If a row is absent at one cut, it is computed at all cuts in one pass.

        Raises:
            DataError: the disk has too little space.
            ModelError: a feature is out of float16's range.
        """
        stores = self._open_stores(cuts, images)
        keys = _view_keys(images.sha256, augmentation, views)
        lacking = _find_lacking(stores, keys)
        # If any worker lacks a row, all workers compute it together, and each keeps it in its own cache. The
        # caches may be one folder.
        wanted = self.placement.add_up(np.array([key in lacking for key in keys]))
        missing = list(dict.fromkeys(key for key, workers in zip(keys, wanted, strict=True) if workers))
        if missing:
            self._check_space(stores, len(missing))
            self._compute(stores, missing, keys, images, augmentation)
        return {cut: store.view(keys) for cut, store in stores.items()}

    def require_space(
        self, cuts: Sequence[str], images: Images, augmentation: Augmentation | None = None, views: int = 1
    ) -> None:
        """Raises DataError where the disk has too little space for what `features` would compute and keep."""
        stores = self._open_stores(cuts, images)
        self._check_space(stores, len(_find_lacking(stores, _view_keys(images.sha256, augmentation, views))))

    def _open_stores(self, cuts: Sequence[str], images: Images) -> dict[str, RowStore]:
        return {cut: self._open_store(cut, images.pixels.origin) for cut in cuts}

    def _open_store(self, cut: str, pixels: str) -> RowStore:
        front = self.classifier.front([cut])
        origin = Origin(
            layers=describe_layers(front),
            weights=digest_tensors(front.get_weights()),
            precision=self.precision,
            devices=(
                *sorted({name.partition(":")[0] for name in self.placement.devices}),
                f"{self.placement.replicas}",
            ),
            pixels=pixels,
        )
        shape = tuple(int(side) for side in front.outputs[0].shape[1:])
        return RowStore(origin.cache_place("features"), shape, self._row_type(cut))

    def _row_type(self, cut: str) -> DTypeLike:
        """The type on disk: bfloat16 for features of blocks that were computed in it, otherwise float16."""
        return ml_dtypes.bfloat16 if self.precision == "bfloat16" and cut.startswith("block") else np.float16

    def _check_space(self, stores: Mapping[str, RowStore], rows: int) -> None:
        needed = rows * sum(int(np.prod(store.shape)) * store.dtype.itemsize for store in stores.values())
        folder = cache_dir()
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if needed > 0.9 * free:
            raise DataError(
                f"{folder}: frozen features need {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free",
                f"set {CACHE_VARIABLE} to a larger disk, or lower augment.views or data.image_size",
            )

    def _compute(
        self,
        stores: Mapping[str, RowStore],
        missing: Sequence[str],
        keys: Sequence[str],
        images: Images,
        augmentation: Augmentation | None,
    ) -> None:
        self.progress.stage("frozen features", len(missing), "images")
        position, count = _positions(keys), len(images.sha256)
        with computing_in(self.classifier.model, self.precision):
            forward = compile_forward(self.classifier.front(list(stores)), self.placement)
            for start in range(0, len(missing), _BATCH):
                batch = missing[start : start + _BATCH]
                rows = np.array([position(key) for key in batch])
                pixels = images.pixels[rows % count]
                views = rows // count
                if augmentation is not None and views.any():
                    sha256 = [images.sha256[row % count] for row in rows]
                    pixels = Views(augmentation).augment(pixels, sha256, views)
                outputs = forward(pixels)
                for (cut, store), values in zip(
                    stores.items(), outputs if len(stores) > 1 else [outputs], strict=True
                ):
                    store.append(batch, self._pack(values, cut, store))
                self.progress.advance(len(batch))

    def _pack(self, values: NDArray[np.float32], cut: str, store: RowStore) -> NDArray[np.generic]:
        with np.errstate(over="ignore"):
            packed = values.astype(store.dtype)
        if not np.isfinite(packed.astype(np.float32)).all():
            raise ModelError(
                f"features at {cut} reach {np.abs(values).max():.3g}, beyond what half precision holds",
                "set hardware.precision to bfloat16, or choose another block or backbone",
            )
        return packed


def _find_lacking(stores: Mapping[str, RowStore], keys: Sequence[str]) -> set[str]:
    return {key for store in stores.values() for key in store.missing(keys)}


def _view_keys(sha256: Sequence[str], augmentation: Augmentation | None, views: int) -> list[str]:
    if views == 1 or augmentation is None:
        return list(sha256)
    label = Views(augmentation).cache_key
    return [*sha256, *(f"{sha}/{label}/{view}" for view in range(1, views) for sha in sha256)]


def _positions(keys: Sequence[str]) -> Callable[[str], int]:
    """A function from a key to its place in `keys`. Identical images have the same key, and one of their
    places is as good as another."""
    return {key: index for index, key in enumerate(keys)}.__getitem__


def describe_layers(model: keras.Model) -> str:
    """The layers of a net with all their settings and how they are joined, as JSON.

    Names are numbers here, since Keras counts its nets and layers through the whole process; what is said
    elsewhere (precision), or has no say in what a net gives (what is trained), is left out.
    """
    described = json.loads(model.to_json())["config"]
    numbers = {layer.name: f"layer {number}" for number, layer in enumerate(model.layers)}

    def simplify(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: simplify(inner) for key, inner in value.items() if key not in _LEFT_OUT}
        if isinstance(value, list):
            return [simplify(inner) for inner in value]
        return numbers.get(value, value) if isinstance(value, str) else value

    return json.dumps(simplify({key: described[key] for key in ("layers", "output_layers")}))
