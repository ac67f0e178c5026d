"""Reads images at places between their pixels."""

from typing import Any, Literal

import tensorflow as tf

Outside = Literal["REFLECT", "NEAREST"]
"""What a place outside an image shows: its inside mirrored at the edge, or the nearest pixel of the edge."""


def warp(images: Any, transforms: Any, size: tuple[int, int], outside: Outside) -> Any:
    """(N, H, W, C) -> (N, *size, C) float32, each image read through an affine map of its own.

    Args:
        transforms: (N, 8). The output pixel (x, y) is read from the input pixel (a0 x + a1 y + a2, b0 x +
            b1 y + b2); a row holds a0, a1, a2, b0, b1, b2 and two numbers that are not read.
    """
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=transforms,
        output_shape=size,
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode=outside,
    )


def read_between(images: Any, y: Any, x: Any) -> Any:
    """(N, H, W, C) -> (N, S, T, C) float32, interpolated bilinearly.

    Args:
        y, x: (N, S, T) float32, the places in pixels, in [0, H - 1] and [0, W - 1].
    """
    height, width, channels = images.shape[1:]
    row, column = tf.minimum(tf.floor(y), height - 2.0), tf.minimum(tf.floor(x), width - 2.0)
    down, right = (y - row)[..., None], (x - column)[..., None]
    first = tf.cast(row * width + column, tf.int32)
    flat = tf.reshape(images, (-1, height * width, channels))
    top_left, top_right, low_left, low_right = (
        tf.cast(tf.gather(flat, first + step, batch_dims=1), tf.float32) for step in (0, 1, width, width + 1)
    )
    top = top_left + right * (top_right - top_left)
    low = low_left + right * (low_right - low_left)
    return top + down * (low - top)
