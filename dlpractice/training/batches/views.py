"""One-shot drawings as the net sees them: resized, turned, distorted, and drawn with another pen."""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.data.oneshot.distortion import Distortion, Moves, see_plain
from dlpractice.training.batches.feed import Rows


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
    views = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=(image_size, image_size),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
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
    count, size = tf.shape(images)[0], images.shape[1]
    places = tf.stack(tf.meshgrid(tf.range(size), tf.range(size), indexing="ij"), axis=-1)
    places = tf.cast(places, tf.float32) + tf.image.resize(fields, (size, size), "bicubic")
    places = tf.clip_by_value(places, 0.0, size - 1.0)
    corner = tf.minimum(tf.floor(places), size - 2.0)
    down, right = tf.split(places - corner, 2, axis=-1)
    first = tf.cast(corner[..., 0] * size + corner[..., 1], tf.int32)
    flat = tf.reshape(images, (count, size * size, images.shape[3]))
    top_left, top_right, low_left, low_right = (
        tf.gather(flat, first + step, batch_dims=1) for step in (0, 1, size, size + 1)
    )
    top = top_left + right * (top_right - top_left)
    low = low_left + right * (low_right - low_left)
    return top + down * (low - top)


class PlainViews:
    """Rows of examples as the net sees them when nothing is distorted.

    Args:
        pixels: (N, H, H, C) uint8. Row i + t N is example i in turn t, as `distortion.see_plain` counts
            turns.
    """

    def __init__(self, pixels: Rows, image_size: int, turns: int = 1) -> None:
        self._pixels, self._image_size, self._turns = pixels, image_size, turns

    def __len__(self) -> int:
        return len(self._pixels) * self._turns

    def __getitem__(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        turns, rows = np.divmod(indices, len(self._pixels))
        images = self._pixels[rows]
        moves = see_plain(turns, images.shape[1], self._image_size)
        return np.asarray(view_batch(images, *moves, self._image_size))


class DistortedViews:
    """Rows as those of `PlainViews` without turns, each with a distortion of its own that depends on `seed`
    alone."""

    def __init__(self, pixels: Rows, image_size: int, distortion: Distortion, seed: int = 0) -> None:
        self._pixels, self._image_size = pixels, image_size
        side = pixels[np.zeros(1, np.int64)].shape[1]
        self._moves = distortion.draw(
            np.random.default_rng(seed), np.zeros(len(pixels), np.int64), side, image_size
        )

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        moves = Moves(*(part[indices] for part in self._moves))
        return np.asarray(view_batch(self._pixels[indices], *moves, self._image_size))
