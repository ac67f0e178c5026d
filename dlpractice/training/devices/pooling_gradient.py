"""A gradient of max pooling that has the same bits each time, by operations that XLA compiles.

XLA's own is refused by TensorFlow where runs have to be repeatable ("GPU MaxPool gradient ops do not yet have
a deterministic XLA implementation", on a CPU too), because it adds up in any order.
"""

from itertools import product
from typing import Any

import tensorflow as tf

# TensorFlow's name of an operation -> the name under which the gradient is registered that takes the place of
# its own, see `tf.Graph.gradient_override_map`. Pooling of one dimension is the same operation.
REPEATABLE_GRADIENTS = {"MaxPool": "RepeatableMaxPoolGrad"}


@tf.RegisterGradient("RepeatableMaxPoolGrad")  # type: ignore[untyped-decorator]
def _differentiate(operation: Any, upstream: Any) -> Any:
    (images,) = operation.inputs
    names = ("ksize", "strides", "padding", "data_format", "explicit_paddings")
    ksize, strides, padding, layout, edges = (operation.get_attr(name) for name in names)
    padding, layout = padding.decode(), layout.decode()
    height, width = layout.index("H"), layout.index("W")
    is_over_places = sum(ksize) - ksize[height] - ksize[width] == 2  # and not over examples or channels
    if not is_over_places or padding == "EXPLICIT" or None in (images.shape[height], images.shape[width]):
        return tf.raw_ops.MaxPoolGrad(
            orig_input=images,
            orig_output=operation.outputs[0],
            grad=upstream,
            ksize=ksize,
            strides=strides,
            padding=padding,
            explicit_paddings=edges,
            data_format=layout,
        )
    window, steps = [ksize[height], ksize[width]], [strides[height], strides[width]]
    if layout == "NHWC":
        return differentiate_max_pool(images, upstream, window, steps, padding)
    images, upstream = (tf.transpose(x, (0, 2, 3, 1)) for x in (images, upstream))
    gradient = differentiate_max_pool(images, upstream, window, steps, padding)
    return tf.transpose(gradient, (0, 3, 1, 2))


def differentiate_max_pool(
    images: Any, upstream: Any, window: list[int], strides: list[int], padding: str
) -> Any:
    """The gradient of `tf.nn.max_pool2d(images, window, strides, padding)`, of the shape of `images`.

    Each window gives its gradient to the first of its greatest pixels, as TensorFlow does on a CPU, one place
    of the window after another, in the order in which the windows lie in the image: nothing is added up in an
    order that could vary.

    Args:
        images: (N, H, W, C); H and W are known when the graph is traced.
        upstream: (N, S, T, C), the gradient of what it gave.
        padding: `SAME` or `VALID`.
    """
    sides = [int(side) for side in images.shape[1:3]]
    counts = [int(side) for side in upstream.shape[1:3]]
    # The length that all windows cover together, and the pixels of it in front of the image.
    covers = [(n - 1) * step + size for n, step, size in zip(counts, strides, window, strict=True)]
    fronts = [
        max(0, cover - side) // 2 if padding == "SAME" else 0
        for cover, side in zip(covers, sides, strict=True)
    ]
    ends = [front + side for front, side in zip(fronts, sides, strict=True)]
    edges = [
        (0, 0),
        *((front, max(0, cover - end)) for front, cover, end in zip(fronts, covers, ends, strict=True)),
        (0, 0),
    ]
    padded = tf.pad(images, edges)
    inside = tf.pad(tf.ones((1, *sides, 1), tf.bool), edges)
    places = list(product(*map(range, window)))
    # Kept by number: where XLA computes in float16, it may round the same pixel once and once not, so that no
    # pixel of a window need be equal to the greatest one.
    first = tf.fill(tf.shape(upstream), -1)
    greatest = tf.zeros_like(upstream)
    for number, place in enumerate(places):
        box = _places(place, counts, strides)
        better = inside[box] & ((first < 0) | (padded[box] > greatest))
        first, greatest = tf.where(better, number, first), tf.where(better, padded[box], greatest)
    parts = [
        _spread(tf.where(first == number, upstream, 0), place, strides, padded.shape[1:3])
        for number, place in enumerate(places)
    ]
    # A pixel lies at the last place of the first window that holds it.
    total = sum(reversed(parts))
    return _fit(total, ends)[:, fronts[0] : ends[0], fronts[1] : ends[1]]


def _places(place: tuple[int, ...], counts: list[int], strides: list[int]) -> tuple[slice, ...]:
    """Where the pixels at one place of all windows lie in the image."""
    rows, columns = (
        slice(at, at + (n - 1) * step + 1, step) for at, n, step in zip(place, counts, strides, strict=True)
    )
    return slice(None), rows, columns


def _spread(values: Any, place: tuple[int, ...], strides: list[int], sides: Any) -> Any:
    """The opposite of reading at `_places`: zeros everywhere else, by stacking rather than by a scatter."""
    for axis in (1, 2):
        step = strides[axis - 1]
        stacked = tf.stack([values, *[tf.zeros_like(values)] * (step - 1)], axis=axis + 1)
        shape = [-1, *values.shape[1:]]
        shape[axis] *= step
        values = tf.reshape(stacked, shape)
    values = tf.pad(values, [(0, 0), (place[0], 0), (place[1], 0), (0, 0)])
    return _fit(values, sides)


def _fit(values: Any, sides: Any) -> Any:
    """Cuts rows and columns off at the end, or adds zeros there."""
    values = values[:, : sides[0], : sides[1]]
    lack = [max(0, int(side) - have) for side, have in zip(sides, values.shape[1:3], strict=True)]
    return tf.pad(values, [(0, 0), (0, lack[0]), (0, lack[1]), (0, 0)])
