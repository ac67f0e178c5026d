"""The features that frozen layers give for each image: computed once, kept on disk and found again.

The layers up to a cut of the net are its front. A row of features is found by the sha256 of the image's bytes
and, if the image was augmented, by its view. The store of rows is found by everything else that features
depend on: the weights of the front, its cut, the precision, and how images are decoded. Runs, seeds and
strategies with the same front share its rows. When an image is added, only its own row is computed.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import ml_dtypes
import numpy as np
import tensorflow as tf
from numpy.typing import DTypeLike, NDArray

from dlpractice.data.augmentation import AUGMENTER, Augmentation
from dlpractice.data.files.decoding import DECODER
from dlpractice.data.storage.row_store import RowStore, RowView
from dlpractice.errors import DataError, ModelError
from dlpractice.models.classifier import Classifier
from dlpractice.models.precision import computing_in
from dlpractice.models.weights import digest_tensors
from dlpractice.progress import Progress
from dlpractice.settings import CACHE_VARIABLE, cache_dir
from dlpractice.training.batches.feed import Rows
from dlpractice.training.batches.warp import warp_batch
from dlpractice.training.devices.placement import Placement
from dlpractice.training.steps import compile_forward

_BATCH = 32


@dataclass(frozen=True)
class Images:
    """N decoded images: `pixels` (N, S, S, 3) uint8, and the `sha256` of each file."""

    pixels: Rows
    sha256: Sequence[str]


@dataclass(frozen=True)
class FrozenFront:
    """Computes the features of a classifier's frozen layers, or finds them on disk.

    Args:
        note: what else features depend on: how the images were decoded, and what the pretrained base is.
    """

    classifier: Classifier
    note: Mapping[str, object]
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
        stores = {cut: self._open_store(cut) for cut in cuts}
        keys = _view_keys(images.sha256, augmentation, views)
        lacking = {key for store in stores.values() for key in store.missing(keys)}
        # If any worker lacks a row, all workers compute it together, and each keeps it in its own cache. The
        # caches may be one folder.
        wanted = self.placement.add_up(np.array([key in lacking for key in keys]))
        missing = list(dict.fromkeys(key for key, workers in zip(keys, wanted, strict=True) if workers))
        if missing:
            self._check_space(stores, len(missing))
            self._compute(stores, missing, keys, images, augmentation)
        return {cut: store.view(keys) for cut, store in stores.items()}

    def _open_store(self, cut: str) -> RowStore:
        front = self.classifier.front([cut])
        identity = {
            "front": digest_tensors(front.get_weights()),
            "cut": cut,
            "precision": self.precision,
            "decoder": DECODER,
            **self.note,
        }
        name = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]
        shape = tuple(int(side) for side in front.outputs[0].shape[1:])
        return RowStore(cache_dir() / "features" / name, shape, self._row_type(cut))

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
                    pixels = _augment_views(
                        pixels, [images.sha256[row % count] for row in rows], views, augmentation
                    )
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


def _view_keys(sha256: Sequence[str], augmentation: Augmentation | None, views: int) -> list[str]:
    if views == 1 or augmentation is None:
        return list(sha256)
    ranges = json.dumps({"augmenter": AUGMENTER, **asdict(augmentation)}, sort_keys=True)
    label = hashlib.sha256(ranges.encode()).hexdigest()[:16]
    return [*sha256, *(f"{sha}/{label}/{view}" for view in range(1, views) for sha in sha256)]


def _positions(keys: Sequence[str]) -> Callable[[str], int]:
    """A function from a key to its place in `keys`. Identical images have the same key, and one of their
    places is as good as another."""
    return {key: index for index, key in enumerate(keys)}.__getitem__


def _augment_views(
    pixels: NDArray[np.uint8], sha256: Sequence[str], views: NDArray[np.int64], augmentation: Augmentation
) -> NDArray[np.float32]:
    """Augments each image by the draw of its view; images of view 0 stay as they are.

    Args:
        pixels: (n, S, S, 3) in 0..255.
        sha256: of each image's file.
        views: (n,) the view of each image.
    """
    side = pixels.shape[1]
    draws = [
        augmentation.draw(np.random.default_rng([int(sha[:16], 16), view]), 1, side, mix=False)
        for sha, view in zip(sha256, views, strict=True)
    ]
    transforms = np.concatenate([draw.transforms for draw in draws])
    colours = np.concatenate([draw.colours for draw in draws])
    augmented: NDArray[np.float32] = warp_batch(tf.constant(pixels), transforms, colours).numpy()
    return np.where((views == 0)[:, None, None, None], pixels.astype(np.float32), augmented)
