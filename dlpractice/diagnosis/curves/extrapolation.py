"""How the error would fall with more data, as a range over several families of curves.

Mahmood et al., "How much more data do I need? Estimating requirements for downstream tasks", CVPR 2022
(arXiv:2207.01725): every single family errs, most of them by promising too much, so that the range over
several is what can be said. Their four families are taken, for errors instead of scores: power law,
logarithm, arctangent, and algebraic root (with exponent 1, as subsets are few).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dlpractice.diagnosis.record import Floats

FEWEST_SIZES = 4
"""Sizes that are needed: each family has three parameters."""
_BAD_FIT = 3.0

Family = Callable[[Floats, Floats], Floats]

# x: sizes as shares of the largest one. p: parameters. Each falls from its value for little data.
FAMILIES: dict[str, tuple[Family, tuple[float, float, float], tuple[float, float, float]]] = {
    "power law": (lambda x, p: p[0] + p[1] * x ** -p[2], (0.0, 0.0, 0.01), (1.0, 2.0, 2.0)),
    "logarithm": (lambda x, p: p[0] - p[1] * np.log(x + p[2]), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "arctangent": (lambda x, p: p[0] - p[1] * np.arctan(p[2] * x), (0.0, 0.0, 0.01), (1.0, 1.0, 100.0)),
    "algebraic root": (lambda x, p: p[0] - p[1] * x / (1 + p[2] * x), (0.0, 0.0, 0.01), (1.0, 50.0, 100.0)),
}


@dataclass(frozen=True)
class Fit:
    """A family of curves, fitted to errors.

    parameters: of the family, for sizes as shares of `largest`, the largest size that it was fitted to.
    misfit: the root mean square of the residuals, in standard errors; about 1 where the family describes the
    errors.
    """

    family: str
    parameters: tuple[float, ...]
    largest: float
    misfit: float

    def predict(self, size: float) -> float:
        """The error, a share in [0, 1], with `size` training examples."""
        function = FAMILIES[self.family][0]
        value = function(np.array([size / self.largest]), np.array(self.parameters))
        return float(np.clip(value[0], 0.0, 1.0))


def fit_families(sizes: Sequence[float], errors: Sequence[float], n: float) -> list[Fit]:
    """Fits the families to the errors of nets that were trained on so many examples.

    sizes: numbers of training examples. errors: shares in [0, 1], one for each size. n: the number of
    independent validation examples behind each error.

    Returns the fits without those that misfit three times as badly as the best; none where there are fewer
    than FEWEST_SIZES different sizes.
    """
    from scipy.optimize import least_squares

    if len(set(sizes)) < FEWEST_SIZES:
        return []
    x, y = np.array(sizes, np.float64) / max(sizes), np.array(errors, np.float64)
    # A binomial standard error, kept off zero as in Agresti and Coull's interval.
    near = (y * n + 2) / (n + 4)
    spread = np.sqrt(near * (1 - near) / (n + 4))
    fits = []
    for name, (function, low, high) in FAMILIES.items():
        start = np.clip([float(y.min()), float(np.ptp(y)) + 1e-3, 0.5], low, high)

        def residuals(p: Floats, function: Family = function) -> Floats:
            return (function(x, p) - y) / spread

        found = least_squares(residuals, start, bounds=(low, high))
        misfit = float(np.sqrt(np.mean(found.fun**2)))
        fits.append(Fit(name, tuple(found.x.tolist()), float(max(sizes)), misfit))
    best = min(fit.misfit for fit in fits)
    return [fit for fit in fits if fit.misfit <= _BAD_FIT * max(best, 1.0)]


def predict_range(fits: Sequence[Fit], size: float) -> tuple[float, float]:
    """The lowest and the highest error that the fits predict for `size` training examples."""
    predicted = [fit.predict(size) for fit in fits]
    return min(predicted), max(predicted)


def find_sizes(fits: Sequence[Fit], error: float, most: float = 1000.0) -> tuple[float | None, float | None]:
    """The smallest and the largest number of training examples at which the fits reach `error`.

    The largest is None where some fit does not reach it with `most` times the data, and both where none does.
    """
    reached = [_reach(fit, error, most) for fit in fits]
    known = [size for size in reached if size is not None]
    return min(known, default=None), None if len(known) < len(reached) else max(known)


def _reach(fit: Fit, error: float, most: float) -> float | None:
    low, high = fit.largest, fit.largest * most
    if fit.predict(high) > error:
        return None
    for _ in range(60):  # all families fall with the size
        middle = (low * high) ** 0.5
        low, high = (low, middle) if fit.predict(middle) <= error else (middle, high)
    return high
