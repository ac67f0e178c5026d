"""Folds that tear no group apart, and what a linear classifier reads across them."""

import numpy as np
import pytest

from dlpractice.evaluation.probes.linear_probe import (
    FOLDS,
    count_folds,
    divide_folds,
    judge_features,
    pick_sample,
    standardise,
)

LABELS = np.arange(40) % 2
GROUPS = tuple(f"{label}-{number // 4}" for number, label in enumerate(LABELS))  # pairs of bound images


def test_groups_stay_together_and_each_image_is_judged_once() -> None:
    folds = divide_folds(LABELS, GROUPS, FOLDS, 0)
    assert sorted(np.concatenate([judge for _, judge in folds])) == list(range(40))
    for fit, judge in folds:
        assert not {GROUPS[n] for n in fit} & {GROUPS[n] for n in judge}
        assert {*fit, *judge} == set(range(40))
        assert len(np.unique(LABELS[judge])) == 2


def test_folds_are_no_more_than_the_groups_of_a_class() -> None:
    assert count_folds(LABELS, GROUPS) == FOLDS
    assert count_folds(np.array([0, 0, 0, 1, 1, 1]), ("a", "b", "c", "d", "d", "e")) == 2
    assert count_folds(np.array([0, 0, 1, 1]), ("a", "b", "c", "c")) == 1


def test_bound_copies_do_not_help_a_probe() -> None:
    """Noise, each image twice: whoever tears pairs apart finds the copy, and is nearly always right."""
    noise = np.repeat(np.random.default_rng(0).normal(size=(30, 60)), 2, axis=0).astype(np.float32)
    labels = np.repeat(np.arange(30) % 2, 2)
    bound = tuple(str(number // 2) for number in range(60))
    alone = tuple(str(number) for number in range(60))
    honest, torn = (
        judge_features(noise, labels, divide_folds(labels, g, 5, 0)).mean() for g in (bound, alone)
    )
    assert honest < 0.75 < 0.9 < torn


def test_classes_that_lie_apart_are_read() -> None:
    features = (np.random.default_rng(0).normal(size=(40, 6)) + 4 * LABELS[:, None]).astype(np.float32)
    folds = divide_folds(LABELS, GROUPS, 4, 0)
    assert judge_features(features, LABELS, folds).all()
    assert judge_features(features * 1e-4 - 7, LABELS, folds).mean() > 0.9  # scale and shift are taken out


def test_a_fold_that_sees_one_class_answers_that() -> None:
    folds = [(np.array([0, 2]), np.array([1, 3])), (np.array([1, 3]), np.array([0, 2]))]
    assert not judge_features(np.zeros((4, 2), np.float32), np.array([0, 1, 0, 1]), folds).any()


def test_standardised_features_are_of_length_one() -> None:
    features = np.random.default_rng(0).normal(5, [20, 30, 100], (500, 3)).astype(np.float32)
    assert np.square(standardise(features, features)).sum(axis=1).mean() == pytest.approx(1, abs=0.1)


def test_a_sample_has_all_classes() -> None:
    labels = np.array([0] * 500 + [1] * 12 + [2] * 3)
    sample = pick_sample(labels, 60, 0)
    assert np.bincount(labels[sample]).tolist() == [20, 12, 3]
    assert (np.diff(sample) > 0).all()
    assert pick_sample(labels, 9, 0).size == 23  # ten of each class, as far as it has them
