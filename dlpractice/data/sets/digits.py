"""Real handwriting that comes with a dependency: scikit-learn's digits, inked like Omniglot's characters."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.examples import UNKNOWN_DRAWER, Examples
from dlpractice.data.sets.glyphs.pen import PEN_WIDTH, SIDE, draw

# A digit fills its 8 x 8 pixels; at this side it is as high as a usual character of Omniglot.
_DIGIT_SIDE = 64

# The grey levels are looked at on a grid so many times as fine, smoothed by so many of their pixels.
_FINE = 4
_SMOOTHING = 0.35

# What makes a point of the grid the middle of a stroke, in grey levels from 0 (paper) to 1 per pixel.
_MIN_LEVEL = 0.25
_MIN_CURVATURE = 0.15
# On the flanks of a stroke's end the grey level bends as well, but it is steep.
_MAX_SLOPE = 0.35

_BATCH = 64


def read_digit_examples() -> Examples:
    """The 1,797 digits of Alpaydin and Kaynak (1998) as ten classes of one alphabet, "digits".

    The middle lines of a digit's strokes are found, more finely than its pixels, enlarged from 8 x 8 to
    64 x 64 in the middle of the paper, and inked with a pen as wide as Omniglot's. Merely enlarged, the
    strokes would be twice as wide as any that a net has seen.

    Returns:
        Examples with pixels (1797, 105, 105, 1) uint8, soft-edged dark ink on light paper, and the drawers
        unknown.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.concatenate(
        [_ink(digits.images[n : n + _BATCH] / 16) for n in range(0, len(digits.images), _BATCH)]
    )[..., None]
    names = tuple(f"digits/{digit}" for digit in digits.target_names)
    classes = digits.target.astype(np.int64)
    return Examples(
        pixels=pixels,
        alphabets=np.zeros(len(pixels), np.int64),
        classes=classes,
        drawers=np.full(len(pixels), UNKNOWN_DRAWER, np.int64),
        alphabet_names=("digits",),
        class_names=names,
        paths=tuple(f"{names[code]}/{number:04d}" for number, code in enumerate(classes.tolist())),
        sha256=tuple(hashlib.sha256(image.tobytes()).hexdigest() for image in pixels),
    )


def _ink(grey: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(N, SIDE, SIDE) uint8 drawings of (N, 8, 8) digits with grey levels from 0 to 1."""
    numbers, places = find_ridges(grey)
    places = (places - grey.shape[1] / 2) * (_DIGIT_SIDE / grey.shape[1]) + SIDE / 2
    return draw(places, numbers, np.full(len(grey), PEN_WIDTH / 2))


def find_ridges(grey: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Points in the middle of strokes, where the grey level is highest across the stroke.

    After Steger, "An unbiased detector of curvilinear structures" (1998): across a stroke means in the
    direction of the strongest curvature; there a parabola through the grey levels has its top within the
    grid's pixel.

    Args:
        grey: (N, H, W), 0 paper to 1 ink.
    Returns:
        The number of its image for each of P points, rising, and their (P, 2) x and y in pixels of `grey`.
    """
    from scipy.ndimage import gaussian_filter, zoom

    border = 2
    padded = np.pad(grey, ((0, 0), (border, border), (border, border)))
    level = zoom(padded, (1, _FINE, _FINE), order=3, grid_mode=True, mode="grid-constant")
    level = gaussian_filter(level, (0, _SMOOTHING * _FINE, _SMOOTHING * _FINE))
    # Derivatives per pixel of `grey`.
    dy, dx = np.gradient(level, 1 / _FINE, axis=(1, 2))
    dyy, dyx = np.gradient(dy, 1 / _FINE, axis=(1, 2))
    dxx = np.gradient(dx, 1 / _FINE, axis=2)
    curvature = (dxx + dyy) / 2 - np.hypot((dxx - dyy) / 2, dyx)
    angle = np.arctan2(2 * dyx, dxx - dyy) / 2 + np.pi / 2
    across = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    bent = curvature < -_MIN_CURVATURE
    slope = dx * across[..., 0] + dy * across[..., 1]
    shift = across * np.where(bent, -slope / np.where(bent, curvature, 1), np.inf)[..., None]
    # A little more than half a grid pixel, so that rounding tears no hole into a line.
    within = np.abs(shift).max(axis=-1) <= 0.6 / _FINE
    ridge = bent & within & (level > _MIN_LEVEL) & (np.hypot(dx, dy) < _MAX_SLOPE)
    numbers, rows, columns = np.nonzero(ridge)
    centres = (np.stack([columns, rows], axis=1) + 0.5) / _FINE - border
    return numbers, centres + shift[ridge]
