"""One-shot drawings as the net sees them: resized, turned, distorted, and drawn with another pen."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.data.oneshot.distortion import Distortion, see_plain
from dlpractice.training.batches.sampling import read_between, warp
from dlpractice.training.batches.supply import Receive, Supply


def view_batch(images: Any, transforms: Any, pens: Any, fields: Any, image_size: int) -> Any:
    """(N, H, H, C) in 0..255 -> (N, image_size, image_size, C) float32, moved as `Moves` says.

    First, the mean is taken over as many input pixels as an output pixel covers, so that a thin stroke does
    not fall between two output pixels. Places outside the image have the value of the nearest edge.
    """
    images = tf.cast(images, tf.float32)
    images = tf.cond(tf.reduce_any(pens != 0), lambda: _press(images, pens), lambda: images)
    factor = round(images.shape[1] / image_size)
    if factor > 1:
        images = tf.nn.avg_pool2d(images, factor, 1, "SAME")
        # The middle of a window of even size lies half a pixel beyond the place of its output.
        shift = 0.5 * (1 - factor % 2)
        transforms = transforms - tf.constant([0, 0, shift, 0, 0, shift, 0, 0], tf.float32)
    views = warp(images, transforms, (image_size, image_size), "NEAREST")
    return _bend(views, fields) if fields.shape[1] else views


def _press(images: Any, pens: Any) -> Any:
    """Thickens the strokes where `pens` is above 0, and thins them where it is below.

    Strokes are dark, so the least of 3 x 3 pixels thickens them, and the greatest thins them.
    """
    thicker = -tf.nn.max_pool2d(-images, 3, 1, "SAME")
    thinner = tf.nn.max_pool2d(images, 3, 1, "SAME")
    pens = pens[:, None, None, None]
    more, less = tf.maximum(pens, 0.0), tf.maximum(-pens, 0.0)
    return images + more * (thicker - images) + less * (thinner - images)


def _bend(images: Any, fields: Any) -> Any:
    """(N, S, S, C) -> the same shape; each pixel is read from the place to which the field displaces it.

    Args:
        fields: (N, G, G, 2), the displacements in y and x, in pixels. They are resized to S x S.
    """
    size = images.shape[1]
    # No GPU has a kernel for resizing so, but it is linear: what it does to each point tells all of it.
    with tf.init_scope():
        points = tf.eye(fields.shape[1])[:, :, None, None]
        spread = tf.image.resize(points, (size, 1), "bicubic")[:, :, 0, 0].numpy()
    moved = tf.einsum("ngha,gs,ht->nsta", fields, spread, spread)
    line = tf.range(size, dtype=tf.float32)
    y = tf.clip_by_value(line[None, :, None] + moved[..., 0], 0.0, size - 1.0)
    x = tf.clip_by_value(line[None, None, :] + moved[..., 1], 0.0, size - 1.0)
    return read_between(images, y, x)


@dataclass(frozen=True)
class Seen:
    """The `Receive` of drawings: what `rows` makes of what was sent, seen as the fields of `Moves` say that
    are sent with it."""

    rows: Receive
    image_size: int

    def __call__(self, *sent: Any) -> Any:
        """(n, image_size, image_size, C) float32."""
        *rows, transforms, pens, fields = sent
        return view_batch(self.rows(*rows), transforms, pens, fields, self.image_size)


class PlainViews:
    """A supply of examples as the net sees them when nothing is distorted.

    Args:
        pixels: (N, H, H, C) uint8. Row i + t N is example i in turn t, as `distortion.see_plain` counts
            turns.
    """

    def __init__(self, pixels: Supply, image_size: int, turns: int = 1) -> None:
        self._pixels, self._image_size, self._turns = pixels, image_size, turns
        self.receive = Seen(pixels.receive, image_size)

    def __len__(self) -> int:
        return len(self._pixels) * self._turns

    @property
    def row_shape(self) -> tuple[int, ...]:
        """As `Supply` says."""
        return (self._image_size, self._image_size, self._pixels.row_shape[-1])

    def send(self, indices: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        """What the pixels' supply sends, and the moves."""
        turns, rows = np.divmod(indices, len(self._pixels))
        moves = see_plain(turns, self._pixels.row_shape[0], self._image_size)
        return (*self._pixels.send(rows), *moves)


class DistortedViews(PlainViews):
    """Rows as those of `PlainViews` without turns, each with a distortion of its own that depends on `seed`
    alone."""

    def __init__(self, pixels: Supply, image_size: int, distortion: Distortion, seed: int = 0) -> None:
        super().__init__(pixels, image_size)
        self._moves = distortion.draw(
            np.random.default_rng(seed), np.zeros(len(pixels), np.int64), pixels.row_shape[0], image_size
        )

    def send(self, indices: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        """What the pixels' supply sends, and the moves."""
        return (*self._pixels.send(indices), *(part[indices] for part in self._moves))
