"""The affine model: two drawings are as alike as their strokes are after the best affine warp between them.

Lake et al. (2015) quote 81.8 % on the published runs for an affine model; this one is another. For each pair,
six parameters are fitted by Gauss-Newton steps to the mean squared distance of either drawing's points from
the other's strokes (a symmetric chamfer distance that knows directions, see `strokes`) plus the cost of the
warp. All constants were chosen on 20-way tasks within background alphabets; on other such tasks it gets 87 %.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.storage.row_store import RowView
from dlpractice.evaluation.baselines.strokes import DIRECTIONS, FIELD_STEP, Strokes, direction_codes, trace
from dlpractice.evaluation.oneshot_tasks import Scorer

Floats = NDArray[np.float64]

_STEPS = 8
# Distances are cut off here, in pixels: what has no counterpart must not pull at the rest.
_FARTHEST = 20.0
# Squared pixels that squared radians of rotation and squared log stretch cost, and squared log size.
_SHAPE_COST, _SIZE_COST = 80.0, 20.0
# The same cost as the steps see it, to second order; and Levenberg's damping, of the matrix and the shift.
_STEP_COST = 60.0
_DAMPING = np.diag([60.0] * 4 + [0.1] * 2)
_LARGEST_CHANGE, _LARGEST_SHIFT = 0.2, 6.0
# Warps that shrink or grow areas beyond this are not followed.
_AREAS = (0.15, 6.0)
_QUERIES_AT_ONCE = 20

# What is left of a 2 x 2 matrix, flattened, without its part along the identity.
_WITHOUT_SIZE = np.eye(4) - 0.5 * np.outer(np.eye(2), np.eye(2))


@dataclass(frozen=True)
class _Side:
    """One drawing of each of B pairs: Strokes stacked, and where its field starts among all fields."""

    points: Floats  # (B, P, 2)
    directions: Floats  # (B, P, 2)
    weights: Floats  # (B, P)
    field: NDArray[np.int64]  # (B,)


def make_scorer(pixels: NDArray[np.uint8] | RowView) -> Scorer:
    """Minus the cost of aligning two drawings, in squared pixels; of several shots the nearest counts.

    A drawing without ink is infinitely far from any other.

    Args:
        pixels: (N, H, H, C) uint8, dark ink on light paper; read as they are asked for.
    """

    @lru_cache(maxsize=1024)  # 95 kB each
    def strokes(index: int) -> Strokes:
        return trace(pixels[index])

    def scorer(queries: NDArray[np.int64], supports: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        shown = [strokes(index) for index in supports.ravel().tolist()]
        parts = np.split(queries, range(_QUERIES_AT_ONCE, len(queries), _QUERIES_AT_ONCE))
        costs = [alignment_costs([strokes(index) for index in part.tolist()], shown) for part in parts]
        return np.asarray(-np.concatenate(costs).reshape(-1, *supports.shape).min(axis=2))

    return scorer


def alignment_costs(queries: list[Strokes], supports: list[Strokes]) -> Floats:
    """(Q, S) the cost of the best warp of each query onto each support, in squared pixels."""
    fields = np.stack([drawing.field for drawing in [*queries, *supports]])
    first = np.repeat(np.arange(len(queries)), len(supports))
    second = np.tile(np.arange(len(supports)), len(queries))
    a = _side(queries, first, first)
    b = _side(supports, second, second + len(queries))
    matrix, shift = _by_size_and_place(a, b)
    for _ in range(_STEPS):
        matrix, shift = _step(a, b, fields, matrix, shift)
    costs = _chamfer(a, b, fields, matrix, shift) + _warp_cost(matrix)
    costs[(a.weights.sum(axis=1) == 0) | (b.weights.sum(axis=1) == 0)] = np.inf
    return costs.reshape(len(queries), len(supports))


def _side(drawings: list[Strokes], which: NDArray[np.int64], field: NDArray[np.int64]) -> _Side:
    return _Side(
        np.stack([drawing.points for drawing in drawings])[which],
        np.stack([drawing.directions for drawing in drawings])[which],
        np.stack([drawing.weights for drawing in drawings])[which],
        field,
    )


def _by_size_and_place(a: _Side, b: _Side) -> tuple[Floats, Floats]:
    """The first guess, matrices (B, 2, 2) and shifts (B, 2): equal centres and equal mean extent."""
    centres, extents = [], []
    for side in (a, b):
        centre = (side.points * side.weights[..., None]).sum(axis=1)
        variance = (((side.points - centre[:, None]) ** 2) * side.weights[..., None]).sum(axis=1)
        centres.append(centre)
        # Two pixels more along both axes: a stroke has a width, and a straight one would have no extent.
        extents.append(np.sqrt(((np.sqrt(variance) + 2) ** 2).sum(axis=1)))
    scale = extents[1] / extents[0]
    return scale[:, None, None] * np.eye(2), centres[1] - scale[:, None] * centres[0]


def _step(
    a: _Side, b: _Side, fields: NDArray[np.float32], matrix: Floats, shift: Floats
) -> tuple[Floats, Floats]:
    """One damped Gauss-Newton step for matrix <- (I + E) matrix and shift <- shift + e."""
    inverse = np.linalg.inv(matrix)
    hessian, slope = _shape_equations(matrix)
    # a's points move by E (x - shift) + e; b's, seen in a's frame, by minus the inverse of that.
    to_b = a.points @ matrix.transpose(0, 2, 1)
    distances, rises = _distances(
        fields, b.field, to_b + shift[:, None], a.directions @ matrix.transpose(0, 2, 1)
    )
    _add_equations(hessian, slope, distances, rises, to_b, a.weights)
    from_b = b.points - shift[:, None]
    distances, rises = _distances(
        fields, a.field, from_b @ inverse.transpose(0, 2, 1), b.directions @ inverse.transpose(0, 2, 1)
    )
    _add_equations(hessian, slope, distances, -rises @ inverse, from_b, b.weights)
    change = -np.linalg.solve(hessian + _DAMPING, slope[..., None])[..., 0]
    turned = np.clip(change[:, :4], -_LARGEST_CHANGE, _LARGEST_CHANGE).reshape(-1, 2, 2) @ matrix
    moved = np.clip(change[:, 4:], -_LARGEST_SHIFT, _LARGEST_SHIFT)
    area = np.linalg.det(matrix + turned)
    sane = (area > _AREAS[0]) & (area < _AREAS[1])
    return np.where(sane[:, None, None], matrix + turned, matrix), shift + moved


def _add_equations(
    hessian: Floats, slope: Floats, distances: Floats, rises: Floats, arms: Floats, weights: Floats
) -> None:
    """Adds to the normal equations what points say whose distance changes by rises . (E arm + e)."""
    jacobian = np.concatenate([rises[..., :1] * arms, rises[..., 1:] * arms, rises], axis=2)
    weighted = (jacobian * (weights * (distances < _FARTHEST))[..., None]).transpose(0, 2, 1)
    hessian += weighted @ jacobian
    slope += (weighted @ distances[..., None])[..., 0]


def _shape_equations(matrix: Floats) -> tuple[Floats, Floats]:
    """The normal equations (B, 6, 6), (B, 6) of a quadratic cost of turning and stretching, not of size."""
    hessian, slope = np.zeros((len(matrix), 6, 6)), np.zeros((len(matrix), 6))
    shape = matrix / np.sqrt(np.linalg.det(matrix))[:, None, None]
    excess = (shape - np.eye(2)).reshape(-1, 4) @ _WITHOUT_SIZE
    # Row-major, the change E shape is linear in E with the Kronecker product of I and shape transposed.
    jacobian = _WITHOUT_SIZE @ np.einsum("ik,blj->bijkl", np.eye(2), shape).reshape(-1, 4, 4)
    hessian[:, :4, :4] = _STEP_COST * jacobian.transpose(0, 2, 1) @ jacobian
    slope[:, :4] = _STEP_COST * (jacobian.transpose(0, 2, 1) @ excess[..., None])[..., 0]
    return hessian, slope


def _chamfer(a: _Side, b: _Side, fields: NDArray[np.float32], matrix: Floats, shift: Floats) -> Floats:
    """(B,) the mean squared distance of a's points from b's strokes, plus the reverse."""
    inverse = np.linalg.inv(matrix).transpose(0, 2, 1)
    forward = matrix.transpose(0, 2, 1)
    there, _ = _distances(fields, b.field, a.points @ forward + shift[:, None], a.directions @ forward)
    back, _ = _distances(fields, a.field, (b.points - shift[:, None]) @ inverse, b.directions @ inverse)
    squared = [np.minimum(distances, _FARTHEST) ** 2 for distances in (there, back)]
    return np.asarray((squared[0] * a.weights + squared[1] * b.weights).sum(axis=1))


def _warp_cost(matrix: Floats) -> Floats:
    """(B,) what rotation, stretching along one axis, and change of size cost."""
    size = np.sqrt(np.linalg.det(matrix))
    rotation = np.arctan2(matrix[:, 1, 0] - matrix[:, 0, 1], matrix[:, 0, 0] + matrix[:, 1, 1])
    stretch = np.log(np.linalg.svd(matrix / size[:, None, None], compute_uv=False)[:, 0])
    return np.asarray(_SHAPE_COST * (rotation**2 + stretch**2) + _SIZE_COST * np.log(size) ** 2)


def _distances(
    fields: NDArray[np.float32], which: NDArray[np.int64], points: Floats, directions: Floats
) -> tuple[Floats, Floats]:
    """Distances (B, P) of points (B, P, 2) from the strokes of the fields `which`, (B,), and their gradients.

    Bilinear between the entries of a field; outside of it, the way to its edge is added.
    """
    side = fields.shape[-1]
    place = points / FIELD_STEP
    inside = np.clip(place, 0, side - 1.001)
    corner = inside.astype(np.int64)
    x, y = np.moveaxis(inside - corner, 2, 0)
    codes = direction_codes(directions[..., 0], directions[..., 1])
    start = ((which[:, None] * DIRECTIONS + codes) * side + corner[..., 1]) * side + corner[..., 0]
    flat = fields.ravel()
    upper_left, upper_right, lower_left, lower_right = (flat[start + k] for k in (0, 1, side, side + 1))
    upper = upper_left + (upper_right - upper_left) * x
    lower = lower_left + (lower_right - lower_left) * x
    rise_x = (upper_right - upper_left) * (1 - y) + (lower_right - lower_left) * y
    outside = np.linalg.norm(place - inside, axis=2) * FIELD_STEP
    rises = np.stack([rise_x, lower - upper], axis=2) / FIELD_STEP
    return upper + (lower - upper) * y + outside, rises
