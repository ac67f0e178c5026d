"""Applies augmentation that was drawn before to a whole batch: one warp, one change of colours, one mix."""

from typing import Any

import tensorflow as tf

from dlpractice.training.batches.sampling import warp

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def warp_batch(images: Any, transforms: Any, colours: Any) -> Any:
    """(N, H, W, 3) in 0..255 -> float32 of the same shape and range; each image is moved and coloured by
    itself.

    Flip, rotation, zoom and shift are one affine map, so that each pixel is interpolated only once. Places
    outside the image mirror its inside.

    Args:
        transforms, colours: (N, 8) and (N, 3), as in `dlpractice.data.augmentation.Draw`.
    """
    images = warp(images, transforms, images.shape[1:3], "REFLECT")
    brightness, contrast, saturation = (colours[:, i, None, None, None] for i in range(3))
    grey = tf.reduce_sum(images * _LUMA, axis=-1, keepdims=True)
    # Written so that factors of 1 leave every bit as it is.
    images = saturation * images + (1.0 - saturation) * grey
    mean = tf.reduce_mean(grey, axis=(1, 2, 3), keepdims=True)
    # Where it knows the shapes, TensorFlow would add up a sum of three in another order, and round otherwise.
    images = contrast * images + (1.0 - contrast) * mean - -255.0 * brightness
    return tf.clip_by_value(images, 0.0, 255.0)


def mix_batch(images: Any, partners: Any, boxes: Any, blend: Any) -> Any:
    """Mixes each of (N, S, S, 3) images with its partner, by MixUp or CutMix.

    Args:
        partners: (N, S, S, 3), the image that each is mixed with.
        boxes, blend: (N, 4) and (N,), as in `dlpractice.data.augmentation.Draw`.
    """
    side = tf.shape(images)[1]
    rows, columns = tf.range(side)[None, :, None], tf.range(side)[None, None, :]
    top, left, bottom, right = (boxes[:, i, None, None] for i in range(4))
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    own = tf.where(inside, 0.0, blend[:, None, None])[..., None]
    return own * images + (1.0 - own) * partners
