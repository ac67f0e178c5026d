"""The features that frozen layers give for each image: computed once, kept on disk and found again.

The layers up to a cut of the net are its front. A row of features is found by the sha256 of the image's bytes
and, if the image was augmented, by its view. The store of rows is found by everything else that features
depend on: the layers and weights of the front, the precision, the devices, and where the pixels come from.
Runs, seeds and strategies with the same front share its rows. A new image costs only its own row.
"""

import hashlib
import json
import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar

import keras
import ml_dtypes
import numpy as np
import tensorflow as tf
from numpy.typing import DTypeLike, NDArray

from dlpractice.data.augmentation import Augmentation, Draw
from dlpractice.data.storage.cache_key import Keyed
from dlpractice.data.storage.row_store import RowStore, RowView
from dlpractice.errors import DataError, ModelError
from dlpractice.models.classifier import Classifier
from dlpractice.models.precision import computing_in
from dlpractice.models.weights import digest_tensors
from dlpractice.progress import Progress
from dlpractice.settings import CACHE_VARIABLE, cache_dir
from dlpractice.training.batches import warp
from dlpractice.training.batches.supply import Streamed, Subset, Supply
from dlpractice.training.devices.placement import Placement
from dlpractice.training.forward import Forward, compile_forward, forward_parts
from dlpractice.whole_files import make_folder

# Images at a time, by whether GPUs compute. A GPU has to be given more at once to be kept busy; on a CPU more
# take more memory, and no less time.
_BATCH = {False: 32, True: 128}
_WRITES_BEHIND = 2
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
        layers: sha256 of what the front's layers are and how they are joined, see `describe_layers`.
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

    def draw(self, sha256: str, view: int, side: int) -> Draw:
        """How the image of that file, of `side` x `side` pixels, is changed in that view; not in view 0."""
        if view == 0:
            return Augmentation().draw(np.random.default_rng(0), 1, side)
        return self.augmentation.draw(np.random.default_rng([int(sha256[:16], 16), view]), 1, side, mix=False)


def see_views(pixels: Any, transforms: Any, colours: Any, views: Any) -> Any:
    """The `Receive` of `ViewSupply`."""
    augmented = warp.warp_batch(pixels, transforms, colours)
    return tf.where((views == 0)[:, None, None, None], tf.cast(pixels, tf.float32), augmented)


@dataclass(frozen=True)
class ViewSupply:
    """A supply of V views of N images: row v N + i is view v of image i, (S, S, 3) float32."""

    images: Images
    views: Views
    count: int

    receive = staticmethod(see_views)

    def __len__(self) -> int:
        return self.count * len(self.images.sha256)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """As `Supply` says."""
        return self.images.pixels.shape[1:]

    def send(self, indices: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        """The pixels, the transforms and colours that were drawn for them, and the numbers of the views."""
        views, rows = np.divmod(indices, len(self.images.sha256))
        side = self.row_shape[0]
        draws = [
            self.views.draw(self.images.sha256[row], view, side)
            for row, view in zip(rows.tolist(), views.tolist(), strict=True)
        ]
        transforms, colours = (np.concatenate([draw[part] for draw in draws]) for part in (0, 1))
        return self.images.pixels[rows], transforms, colours, views.astype(np.int32)


@dataclass(frozen=True)
class FrozenFront:
    """Computes the features of a classifier's frozen layers, or finds them on disk."""

    classifier: Classifier
    precision: str
    placement: Placement
    progress: Progress
    _fronts: dict[str, tuple[keras.Model, str, str]] = field(default_factory=dict, init=False)
    _forwards: dict[tuple[str, ...], Forward] = field(default_factory=dict, init=False)

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

    def describe(self, cut: str) -> dict[str, str]:
        """What `summary.json` says of the front up to `cut`, by which its features are found again."""
        front, layers, weights = self._identify(cut)
        name = next(layer.name for layer in front.layers if layer.output is self.classifier.cuts[cut])
        return {"cut": cut, "layer": name, "layers": layers, "weights": weights}

    def _identify(self, cut: str) -> tuple[keras.Model, str, str]:
        """The front up to `cut`, and the sha256 of its layers and of its weights, both looked at once."""
        if cut not in self._fronts:
            front = self.classifier.front([cut])
            layers = hashlib.sha256(describe_layers(front).encode()).hexdigest()
            self._fronts[cut] = front, layers, digest_tensors(front.get_weights())
        return self._fronts[cut]

    def _forward(self, cuts: tuple[str, ...]) -> Forward:
        """The forward pass up to `cuts`, made once for all splits; to be called in the front's precision."""
        if cuts not in self._forwards:
            self._forwards[cuts] = compile_forward(self.classifier.front(cuts), self.placement)
        return self._forwards[cuts]

    def _open_stores(self, cuts: Sequence[str], images: Images) -> dict[str, RowStore]:
        return {cut: self._open_store(cut, images.pixels.origin) for cut in cuts}

    def _open_store(self, cut: str, pixels: str) -> RowStore:
        front, layers, weights = self._identify(cut)
        origin = Origin(layers, weights, self.precision, name_devices(self.placement), pixels)
        shape = tuple(int(side) for side in front.outputs[0].shape[1:])
        return RowStore(origin.cache_place("features"), shape, row_type(cut, self.precision))

    def _check_space(self, stores: Mapping[str, RowStore], rows: int) -> None:
        needed = rows * sum(int(np.prod(store.shape)) * store.dtype.itemsize for store in stores.values())
        folder = cache_dir()
        make_folder(folder)
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
        position, size = _positions(keys), _BATCH[self.placement.is_on_gpus]
        supply = _supply_rows(images, augmentation, np.array([position(key) for key in missing]))
        with computing_in(self.classifier.model, self.precision), ThreadPoolExecutor(1) as writer:
            forward = self._forward(tuple(stores))
            written: deque[Future[int]] = deque()
            for number, outputs in enumerate(forward_parts(forward, supply, size)):
                batch = missing[number * size : (number + 1) * size]
                written.append(writer.submit(self._write, stores, batch, outputs))
                if len(written) > _WRITES_BEHIND:
                    self.progress.advance(written.popleft().result())
            for future in written:
                self.progress.advance(future.result())

    def _write(self, stores: Mapping[str, RowStore], batch: Sequence[str], outputs: Any) -> int:
        """Keeps what was computed for a batch of keys, and returns how many they are."""
        values = outputs if len(stores) > 1 else [outputs]
        for (cut, store), rows in zip(stores.items(), values, strict=True):
            store.append(batch, self._pack(rows, cut, store))
        return len(batch)

    def _pack(self, values: NDArray[np.float32], cut: str, store: RowStore) -> NDArray[np.generic]:
        with np.errstate(over="ignore"):
            packed = values.astype(store.dtype)
        if not np.isfinite(packed.astype(np.float32)).all():
            raise ModelError(
                f"features at {cut} reach {np.abs(values).max():.3g}, beyond what half precision holds",
                "set hardware.precision to bfloat16, or choose another block or backbone",
            )
        return packed


def name_devices(placement: Placement) -> tuple[str, ...]:
    """The kinds of the devices that compute, and how many there are."""
    kinds = {name.partition(":")[0] for name in placement.devices}
    return *sorted(kinds), f"{placement.replicas}"


def row_type(cut: str, precision: str) -> DTypeLike:
    """The type on disk: bfloat16 for features of blocks that were computed in it, otherwise float16."""
    return ml_dtypes.bfloat16 if precision == "bfloat16" and cut.startswith("block") else np.float16


def _find_lacking(stores: Mapping[str, RowStore], keys: Sequence[str]) -> set[str]:
    return {key for store in stores.values() for key in store.missing(keys)}


def _supply_rows(images: Images, augmentation: Augmentation | None, rows: NDArray[np.int64]) -> Supply:
    """Views of images, by their numbers: row v N + i is view v of image i of N."""
    views = int(rows.max()) // len(images.sha256) + 1
    if augmentation is None or views == 1:
        return Subset(Streamed(images.pixels), rows)
    return Subset(ViewSupply(images, Views(augmentation), views), rows)


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
