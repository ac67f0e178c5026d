"""A round pen: smooth curves through control points, and the ink that they leave on paper."""

import numpy as np
from numpy.typing import NDArray

SIDE = 105
PAPER = 255

# In pixels, as in every drawing of Omniglot.
PEN_WIDTH = 5.0

# A path is computed at least every so many pixels, and the pen put down about every so many: the edge of
# its line is then wavy by about 0.1 pixels.
STEP = 0.75
SPACING = 1.25

_SPLINE = np.array([[1, -3, 3, -1], [4, 0, -6, 3], [1, 3, 3, -3], [0, 0, 0, 1]]) / 6


def trace(
    control: NDArray[np.float64], corners: NDArray[np.bool_], roundness: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where the pen goes: a uniform cubic B-spline that starts and ends at its outer control points.

    A corner is passed exactly and with a sharp turn at roundness 0; a hasty hand cuts it.

    Args:
        control: (D, M, 2) x and y of M >= 2 control points in D drawings of one stroke, in pixels.
        corners: (M,) which of them are corners; the two ends always are.
        roundness: (D,) in 0..0.5, the part of the way to its neighbours at which a corner is cut.
    Returns:
        (D, S, 2), at most STEP pixels apart; S is that of the longest drawing.
    """
    knots = _with_corners(control, corners, roundness)
    sides = np.diff(knots, axis=1)
    # Along a span the velocity is a quadratic Bezier curve of these three, and nowhere above the largest.
    velocities = np.stack([sides[:, :-2] + sides[:, 1:-1], 2 * sides[:, 1:-1], sides[:, 1:-1] + sides[:, 2:]])
    fastest = np.linalg.norm(velocities / 2, axis=3).max(axis=(0, 1))
    counts = np.maximum(np.ceil(fastest / STEP).astype(np.int64), 1)
    spans = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    position = (np.arange(len(spans)) - first[spans]) / counts[spans]
    weights = _SPLINE @ position ** np.arange(4)[:, None]
    points = sum(weights[k, :, None] * knots[:, spans + k] for k in range(4))
    return np.concatenate([points, control[:, -1:]], axis=1)


def _with_corners(
    control: NDArray[np.float64], corners: NDArray[np.bool_], roundness: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Repeats corners and ends: three equal control points in a row pin a cubic B-spline to them."""
    inner = np.flatnonzero(corners[1:-1]) + 1
    pull = roundness[:, None, None]
    before = control[:, inner] + pull * (control[:, inner - 1] - control[:, inner])
    after = control[:, inner] + pull * (control[:, inner + 1] - control[:, inner])
    ends = [0, 0, control.shape[1] - 1, control.shape[1] - 1]
    places = np.concatenate([np.arange(control.shape[1]), inner - 0.5, inner + 0.5, ends])
    values = np.concatenate([control, before, after, control[:, ends]], axis=1)
    knots: NDArray[np.float64] = values[:, np.argsort(places, kind="stable")]
    return knots


def touches(paths: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(D, S) which points of (D, S, 2) paths to ink: the first, and one after each SPACING pixels of way."""
    way = np.linalg.norm(np.diff(paths, axis=1), axis=2).cumsum(axis=1)
    passed = np.diff(np.floor(way / SPACING), axis=1, prepend=0) > 0
    return np.concatenate([np.ones((len(paths), 1), bool), passed], axis=1)


def draw(
    points: NDArray[np.float64], drawings: NDArray[np.int64], radius: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Inks the places where the pen has been; what lies outside the paper is lost.

    Args:
        points: (P, 2) x and y where the pen touches the paper, in pixels from 0 to SIDE.
        drawings: (P,) in which of D drawings.
        radius: (D,) of the pen in each drawing, in pixels.
    Returns:
        (D, SIDE, SIDE) uint8: ink 0 on paper 255, with a soft edge one pixel wide.
    """
    margin = int(np.ceil(radius.max()))
    padded = SIDE + 2 * margin
    # Pixel centres lie at halves; far points are moved to where the pen just does not reach the paper.
    places = np.clip(points - 0.5, -margin - 1, SIDE + margin).astype(np.float32)
    nearest = np.clip(np.rint(places), 0, SIDE - 1)
    offsets = np.arange(-margin, margin + 1, dtype=np.float32)
    across = (offsets - (places[..., :1] - nearest[..., :1])) ** 2
    down = (offsets - (places[..., 1:] - nearest[..., 1:])) ** 2
    distance = np.sqrt(down[..., :, None] + across[..., None, :])
    depth = (radius.astype(np.float32) + 0.5)[drawings, None, None] - distance
    ink = np.rint(np.clip(depth, 0, 1) * PAPER).astype(np.uint8)
    corner = (nearest @ np.array([1, padded], np.float32)).astype(np.int64)
    window = np.arange(2 * margin + 1) + np.arange(2 * margin + 1)[:, None] * padded
    start = corner + drawings * padded**2
    paper = np.zeros(len(radius) * padded**2, np.uint8)
    np.maximum.at(paper, (start[:, None, None] + window).ravel(), ink.ravel())
    inked = paper.reshape(-1, padded, padded)[:, margin : margin + SIDE, margin : margin + SIDE]
    return PAPER - inked
