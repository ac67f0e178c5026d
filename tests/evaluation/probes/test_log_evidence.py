"""LogME against the evidence as the density of a Gaussian, maximised by a general optimiser."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from dlpractice.evaluation.probes.log_evidence import log_evidence


def naive_evidence(features: np.ndarray, labels: np.ndarray) -> float:
    """A target is Gaussian with the covariance F F' / alpha + I / beta: its weights and noise are."""
    found = []
    for label in np.unique(labels):
        target = (labels == label).astype(float)

        def lack(logs: np.ndarray, target: np.ndarray = target) -> float:
            alpha, beta = np.exp(logs)
            covariance = features @ features.T / alpha + np.eye(len(target)) / beta
            return -float(multivariate_normal.logpdf(target, None, covariance))

        found.append(-minimize(lack, [0.0, 0.0], method="Nelder-Mead").fun / len(target))
    return float(np.mean(found))


@pytest.mark.parametrize(("count", "width"), [(24, 5), (12, 20)])
def test_it_is_the_largest_density_of_the_targets(count: int, width: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    features = rng.normal(size=(count, width)) + 0.7 * labels[:, None]
    assert log_evidence(features, labels) == pytest.approx(naive_evidence(features, labels), abs=2e-3)


def test_features_that_tell_more_have_more_of_it() -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 2
    noise = rng.normal(size=(60, 8))
    told = [log_evidence(noise + strength * labels[:, None], labels) for strength in (0.0, 1.0, 3.0)]
    assert told == sorted(told)
