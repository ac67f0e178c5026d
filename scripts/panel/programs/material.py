"""The data of the programs: made here or part of scikit-learn, so that nothing is downloaded."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

Floats = NDArray[np.float32]


def digits() -> tuple[Floats, NDArray[np.int64]]:
    """1,797 images (n, 8, 8, 1) from 0 to 1, in a random order, and their digits (n)."""
    found: Any = datasets.load_digits()
    order = np.random.default_rng(0).permutation(len(found.target))
    return _floats(found.images[order, :, :, None] / 16), found.target[order]


def iris() -> tuple[Floats, NDArray[np.int64]]:
    """150 flowers (n, 4) in cm, in a random order, and their species (n), 0 to 2."""
    found: Any = datasets.load_iris()
    order = np.random.default_rng(0).permutation(len(found.target))
    return _floats(found.data[order]), found.target[order]


def tumours() -> tuple[Floats, NDArray[np.int64]]:
    """569 tumours (n, 30), some features in thousands, and whether they are benign (n)."""
    found: Any = datasets.load_breast_cancer()
    order = np.random.default_rng(0).permutation(len(found.target))
    return _floats(found.data[order]), found.target[order]


def many_labels() -> tuple[Floats, Floats]:
    """2,000 examples (n, 20) of small counts, and which of three labels they have (n, 3), any number."""
    x, y = datasets.make_multilabel_classification(2000, n_features=20, n_classes=3, random_state=0)
    return _floats(x / 5), _floats(y)


def two_classes() -> tuple[Floats, NDArray[np.int64]]:
    """1,000 examples (n, 14) of unit spread, and their class (n)."""
    x, y = datasets.make_classification(1000, 14, n_informative=8, class_sep=2.0, flip_y=0.0, random_state=0)
    return scale(x), y


def circles() -> tuple[Floats, NDArray[np.int64]]:
    """1,000 points (n, 2) of two rings, and which one (n)."""
    x, y = datasets.make_circles(1000, noise=0.05, factor=0.5, random_state=0)
    return scale(x), y


def blobs() -> tuple[Floats, NDArray[np.int64]]:
    """1,000 points (n, 2) of three heaps, and which one (n)."""
    x, y = datasets.make_blobs(1000, centers=3, cluster_std=1.0, random_state=0)
    return scale(x), y


def numbers() -> tuple[Floats, Floats]:
    """1,000 examples (n, 10) of unit spread, and a number for each (n, 1), 14 +- 5 (Friedman 1991)."""
    x, y = datasets.make_friedman1(1000, noise=0.3, random_state=0)
    return scale(x), _floats(y[:, None])


def xor() -> tuple[Floats, Floats]:
    """The four pairs of bits, 40 times each, (160, 2), and whether they differ, (160, 1)."""
    pairs = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (40, 1))
    return _floats(pairs), _floats(pairs[:, :1] != pairs[:, 1:])


def uniform(count: int, *highest: float) -> Floats:
    """(count, k) numbers from 0 to `highest`, one column for each."""
    return _floats(np.random.default_rng(0).uniform(0, highest, (count, len(highest))))


def scale(values: Any) -> Floats:
    """The columns with mean 0 and standard deviation 1."""
    array = np.asarray(values, np.float64)
    return _floats((array - array.mean(0)) / array.std(0))


def _floats(values: Any) -> Floats:
    return np.asarray(values, np.float32)
