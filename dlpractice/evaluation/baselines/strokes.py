"""A drawing as points on its strokes, each with a direction, and as a map of how far the nearest stroke is.

The map counts a turn of the stroke as a distance, as in directional chamfer matching: Liu et al., "Fast
directional chamfer matching", CVPR (2010). A point beside a stroke that crosses its own is not near it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from dlpractice.evaluation.baselines.hausdorff import ink

SIDE = 105
"""Drawings are brought to this side, in pixels: that of the published ones, for which all lengths are set."""
DIRECTIONS = 8
"""A stroke has one of this many directions, which divide half a turn."""
POINTS = 130

FIELD_STEP = 2
"""Pixels between two entries of a field."""
_BLOCK = 3
_BLUR = 2.0
# Pixels that 22.5 degrees count for, and the distance to strokes of a direction that a drawing does not have.
_PIXELS_PER_DIRECTION = 3.0
_NO_STROKE = 60.0


@dataclass(frozen=True)
class Strokes:
    """One drawing. Lengths in pixels of a square of SIDE; points and directions as (x, y).

    `points` (POINTS, 2) float64; `directions` (POINTS, 2) unit vectors along the stroke, up to their sign;
    `weights` (POINTS,) that sum to 1, with 0 for entries that stand for nothing, or to 0 without ink; `field`
    (DIRECTIONS, 53, 53) float32: for each direction and every second pixel, the distance to the nearest ink,
    where a turn by one direction counts for 3 pixels.
    """

    points: NDArray[np.float64]
    directions: NDArray[np.float64]
    weights: NDArray[np.float64]
    field: NDArray[np.float32]


def trace(image: NDArray[np.uint8]) -> Strokes:
    """The strokes of a drawing, (H, H, C) uint8, dark ink on light paper."""
    dark = ink(_resized(image)[:, :, np.newaxis])
    angles = _stroke_angles(dark)
    share = dark.reshape(SIDE // _BLOCK, _BLOCK, SIDE // _BLOCK, _BLOCK).mean(axis=(1, 3))
    rows, columns = np.nonzero(share > 1 / _BLOCK) if (share > 1 / _BLOCK).any() else np.nonzero(share)
    if len(rows) > POINTS:
        kept = np.linspace(0, len(rows) - 1, POINTS).round().astype(np.int64)
        rows, columns = rows[kept], columns[kept]
    y, x = rows * _BLOCK + _BLOCK // 2, columns * _BLOCK + _BLOCK // 2
    points, directions = np.full((POINTS, 2), SIDE / 2), np.tile([1.0, 0.0], (POINTS, 1))
    points[: len(x)] = np.stack([x, y], axis=1)
    directions[: len(x)] = np.stack([np.cos(angles[y, x]), np.sin(angles[y, x])], axis=1)
    weights = np.where(np.arange(POINTS) < len(x), 1 / max(1, len(x)), 0.0)
    return Strokes(points, directions, weights, _field(dark, angles))


def direction_codes(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """The nearest of the DIRECTIONS to each vector (x, y); opposite vectors have the same."""
    return np.rint(np.arctan2(y, x) / np.pi * DIRECTIONS).astype(np.int64) % DIRECTIONS


def _resized(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = image.mean(axis=2).round().astype(np.uint8)
    if grey.shape == (SIDE, SIDE):
        return grey
    return np.asarray(Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def _stroke_angles(dark: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The angle of the stroke at each pixel, in radians: across the mean direction of the brightness's rise.

    Bigün and Granlund, "Optimal orientation detection of linear symmetry", ICCV (1987).
    """
    soft = ndimage.gaussian_filter(dark.astype(np.float64), _BLUR)
    down, right = np.gradient(soft)
    xx, yy, xy = (ndimage.gaussian_filter(p, _BLUR) for p in (right * right, down * down, right * down))
    return np.asarray(0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2)


def _field(dark: NDArray[np.bool_], angles: NDArray[np.float64]) -> NDArray[np.float32]:
    codes = direction_codes(np.cos(angles), np.sin(angles))
    apart = np.full((DIRECTIONS, *dark.shape), _NO_STROKE)
    for code in range(DIRECTIONS):
        of_code = dark & (codes == code)
        if of_code.any():
            apart[code] = ndimage.distance_transform_edt(~of_code)
    steps = np.arange(DIRECTIONS)
    turns = np.minimum(steps, DIRECTIONS - steps) * _PIXELS_PER_DIRECTION
    nearest = [
        (np.roll(apart, -code, axis=0) + turns[:, np.newaxis, np.newaxis]).min(axis=0)
        for code in range(DIRECTIONS)
    ]
    return np.stack(nearest)[:, ::FIELD_STEP, ::FIELD_STEP].astype(np.float32)
