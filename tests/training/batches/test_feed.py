"""Batches: their order, their sizes, their views, and that they go on where they were left."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.data.augmentation import Augmentation, mix_targets
from dlpractice.training.batches.feed import Feed, weigh_classes
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.batches.warp import mix_batch, warp_batch

EVERYTHING = Augmentation("both", 30, 0.3, 0.2, 0.1, 0.2, 0.3, mixup=0.4, cutmix=1.0)
COUNT = 23
LABELS = np.arange(COUNT) % 3


def make_feed(views: int = 2, **options: Any) -> Feed:
    """Rows that hold their own number, views of 23 images."""
    rows = np.arange(views * COUNT, dtype=np.float32)[:, None]
    settings = {"batch_size": 5, "seed": 1, **options}
    return Feed(Streamed(rows), LABELS, np.array([1, 2, 3], np.float32), **settings)


def make_image_feed(augmentation: Augmentation | None = EVERYTHING, **options: Any) -> Feed:
    pixels = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 3), dtype=np.uint8)
    settings = {"batch_size": 5, "seed": 1, "label_smoothing": 0.1, **options}
    return Feed(Streamed(pixels), LABELS, np.ones(3, np.float32), augmentation=augmentation, **settings)


def read(feed: Feed, epoch: int, start: int = 0) -> list[list[NDArray[Any]]]:
    """What the loss takes of each batch of an epoch."""
    return [[np.asarray(part) for part in feed.prepare(*batch)] for batch in feed.batches(epoch, start)]


def numbers(feed: Feed, epoch: int) -> list[int]:
    return [int(row) for inputs, _, _ in read(feed, epoch) for row in inputs[:, 0]]


def assert_same(first: list[list[NDArray[Any]]], second: list[list[NDArray[Any]]]) -> None:
    assert len(first) == len(second)
    for ours, theirs in zip(first, second, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)


def test_every_image_comes_once_an_epoch() -> None:
    for epoch in range(3):
        assert sorted(number % COUNT for number in numbers(make_feed(), epoch)) == list(range(COUNT))


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    assert numbers(make_feed(), 4) == numbers(make_feed(), 4)
    assert numbers(make_feed(), 4) != numbers(make_feed(), 5)
    assert numbers(make_feed(), 4) != numbers(make_feed(seed=2), 4)


@pytest.mark.parametrize("batch_size", [1, 4, 5, 22, 23, 24, 1000])
def test_batches_differ_by_one_at_most(batch_size: int) -> None:
    feed = make_feed(batch_size=batch_size)
    sizes = [len(inputs) for inputs, _, _ in read(feed, 0)]
    assert len(sizes) == feed.steps == -(-COUNT // batch_size)
    assert sum(sizes) == COUNT and max(sizes) - min(sizes) <= 1 and max(sizes) <= batch_size


def test_targets_and_weights_are_those_of_the_image() -> None:
    for inputs, targets, weights in read(make_feed(label_smoothing=0.3), 0):
        labels = LABELS[inputs[:, 0].astype(int) % COUNT]
        np.testing.assert_allclose(
            targets, np.full((len(labels), 3), 0.1) + 0.7 * np.eye(3)[labels], rtol=1e-6
        )
        np.testing.assert_array_equal(weights, np.array([1, 2, 3])[labels])
        assert targets.dtype == weights.dtype == np.float32


def test_each_view_is_seen_as_often_as_the_others() -> None:
    views = Counter(number // COUNT for epoch in range(40) for number in numbers(make_feed(), epoch))
    assert set(views) == {0, 1}
    assert abs(views[0] - views[1]) < 4 * np.sqrt(40 * COUNT)
    one = Counter(number for epoch in range(40) for number in numbers(make_feed(views=1), epoch))
    assert set(one.values()) == {40} and len(one) == COUNT


@pytest.mark.parametrize("start", range(6))
def test_an_epoch_taken_up_again_gives_the_remaining_batches(start: int) -> None:
    assert_same(read(make_feed(), 3, start), read(make_feed(), 3)[start:])


@pytest.mark.parametrize("start", [0, 1, 3, 5])
def test_so_does_an_augmented_one_bit_for_bit(start: int) -> None:
    assert_same(read(make_image_feed(), 3, start), read(make_image_feed(), 3)[start:])


@pytest.mark.parametrize("divided", [False, True])
def test_augmented_batches_are_what_was_drawn_for_them(divided: bool) -> None:
    feed = make_image_feed(divided=divided)
    plain = read(make_image_feed(None), 2)
    for step, (batch, (pixels, targets, weights)) in enumerate(zip(read(feed, 2), plain, strict=True)):
        drawn = EVERYTHING.draw(np.random.default_rng([1, 2, step + 1]), len(pixels), 8)
        warped = warp_batch(pixels, drawn.transforms, drawn.colours)
        np.testing.assert_allclose(
            batch[0], mix_batch(warped, warped.numpy()[drawn.partners], drawn.boxes, drawn.blend), atol=1e-3
        )
        np.testing.assert_allclose(batch[1], mix_targets(targets, weights, drawn)[0], rtol=1e-6)
        np.testing.assert_array_equal(batch[2], weights)
        np.testing.assert_allclose(batch[1].sum(1), 1, atol=1e-6)


def test_every_epoch_draws_anew() -> None:
    still = replace(EVERYTHING, mixup=0.0, cutmix=0.0)
    first, second = (
        np.concatenate([batch[0] for batch in read(make_image_feed(still), epoch)]) for epoch in (0, 1)
    )
    assert not {image.tobytes() for image in first} & {image.tobytes() for image in second}


def test_without_mixing_targets_stay() -> None:
    still = replace(EVERYTHING, mixup=0.0, cutmix=0.0)
    for ours, plain in zip(read(make_image_feed(still), 0), read(make_image_feed(None), 0), strict=True):
        np.testing.assert_array_equal(ours[1], plain[1])
        assert ours[0].dtype == np.float32 and ours[0].min() >= 0 and ours[0].max() <= 255


def test_balanced_weights_make_every_class_count_the_same() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2])
    weights = weigh_classes(labels, 3, balanced=True)
    np.testing.assert_allclose(weights, [10 / 18, 10 / 9, 10 / 3], rtol=1e-6)
    np.testing.assert_allclose(np.bincount(labels) * weights, 10 / 3, rtol=1e-6)
    np.testing.assert_array_equal(weigh_classes(labels, 3, balanced=False), [1, 1, 1])
    # A class without training images takes nothing from the mean, which is 1.
    assert weigh_classes(labels, 4, balanced=True)[labels].mean() == pytest.approx(1)


@pytest.mark.parametrize("augmentation", [Augmentation(shift=0.1, mixup=0.2), Augmentation(cutmix=1.0), None])
def test_shares_of_a_batch_make_up_the_batch(augmentation: Augmentation | None) -> None:
    # With partners that another process's share holds.
    rows = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3)).astype(np.uint8)

    def batches(share: Callable[[int], slice]) -> list[Any]:
        ones = np.ones(2, np.float32)
        labels = np.arange(20) % 2
        feed = Feed(Streamed(rows), labels, ones, 7, 3, augmentation=augmentation, share=share, divided=True)
        return read(feed, 1)

    whole = batches(lambda count: slice(0, count))
    first, rest = batches(lambda count: slice(0, count // 3)), batches(lambda count: slice(count // 3, count))
    assert len(whole) == 3
    for wanted, *parts in zip(whole, first, rest, strict=True):
        for number, array in enumerate(wanted):
            joined = np.concatenate([part[number] for part in parts])
            np.testing.assert_array_equal(joined, np.asarray(array))
