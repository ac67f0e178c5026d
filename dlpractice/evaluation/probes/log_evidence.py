"""LogME: how probable the classes are, given features and a linear model with Gaussian weights and noise,
without a fold or a fit of weights (You et al. 2021, "LogME: Practical assessment of pre-trained models for
transfer learning", arXiv:2102.11005)."""

import numpy as np
from numpy.typing import NDArray

_MOST_ROUNDS = 100
_CLOSE = 1e-3


def log_evidence(features: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The logarithm of the largest evidence of one-against-all targets, per image, averaged over the classes.

    It rises with how much the features tell of the classes, and compares features of one data set alone.

    features: (N, D). labels: (N,) int64.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    values = features.astype(np.float64)
    with threadpool_limits(1):  # threads that wait for each other take several times the time of one
        left, singular, _ = np.linalg.svd(values, full_matrices=False)
    spectrum = singular**2
    targets = (labels[:, None] == np.unique(labels)[None]).astype(np.float64)
    evidence = [_largest_evidence(left.T @ target, target, spectrum, values.shape) for target in targets.T]
    return float(np.mean(evidence) / len(values))


def _largest_evidence(
    projected: NDArray[np.float64],
    target: NDArray[np.float64],
    spectrum: NDArray[np.float64],
    shape: tuple[int, ...],
) -> float:
    """The log evidence at the precisions of weights (alpha) and noise (beta) that maximise it, by MacKay's
    fixed point.

    Args:
        projected: (R,) the target along the left singular vectors of the features.
        spectrum: (R,) the squared singular values.
        shape: N and D of the features.
    """
    count, width = shape
    beyond = float(target @ target - projected @ projected)  # of the target, what no weights reach
    squares = projected**2
    alpha = beta = 1.0
    for _ in range(_MOST_ROUNDS):
        before = alpha / beta
        curvature = alpha + beta * spectrum
        free = float((beta * spectrum / curvature).sum())
        weights = float((beta**2 * spectrum * squares / curvature**2).sum())
        errors = float((squares * (alpha / curvature) ** 2).sum()) + max(beyond, 0.0)
        alpha = free / max(weights, 1e-12)
        beta = max(count - free, 1e-12) / max(errors, 1e-12)
        if abs(alpha / beta - before) <= _CLOSE * before:
            break
    curvature = alpha + beta * spectrum
    weights = float((beta**2 * spectrum * squares / curvature**2).sum())
    errors = float((squares * (alpha / curvature) ** 2).sum()) + max(beyond, 0.0)
    determinant = float(np.log(curvature).sum()) + (width - len(spectrum)) * np.log(alpha)
    return float(
        width / 2 * np.log(alpha)
        + count / 2 * np.log(beta)
        - count / 2 * np.log(2 * np.pi)
        - beta / 2 * errors
        - alpha / 2 * weights
        - determinant / 2
    )
