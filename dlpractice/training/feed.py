"""Batches in an order that is a function of (seed, epoch) alone, so that a killed run can be taken up at any
step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.data.augment import Augmentation, Draw, mix_targets
from dlpractice.training.warp import mix_batch, warp_batch


class Rows(Protocol):
    """Anything that gives (n, ...) rows for an (n,) array of indices: an array, or a view of rows on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, indices: NDArray[np.int64]) -> NDArray[Any]: ...


Batch = tuple[Any, Any, Any]
"""Inputs (n, ...), targets (n, K) float32 and example weights (n,) float32."""


class Batches(Protocol):
    """Endless training batches: epoch after epoch, each of `steps` batches."""

    @property
    def steps(self) -> int: ...

    def batches(self, epoch: int, start: int = 0) -> Iterator[Sequence[Any]]:
        """The batches of `epoch` from step `start` on: arrays or tensors of equal length each, inputs
        first."""
        ...


@dataclass(frozen=True)
class Feed:
    """The training split of one stage.

    rows: N x `views` rows, view after view: row v N + i is view v of image i. labels: (N,) int64.
    class_weights: (K,) float32, each example's weight in the loss by its class. label_smoothing: Szegedy et
    al. 2016. augmentation: drawn anew for each batch, for rows that are images of 0..255; None for features.
    """

    rows: Rows
    labels: NDArray[np.int64]
    class_weights: NDArray[np.float32]
    batch_size: int
    seed: int
    views: int = 1
    label_smoothing: float = 0.0
    augmentation: Augmentation | None = None

    @property
    def steps(self) -> int:
        """Batches in an epoch. They are of equal size, give or take one, so that no rest of an epoch weighs
        more than its images should, nor gives batch normalisation three images to judge by."""
        return -(-len(self.labels) // self.batch_size)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of `epoch` from step `start` on."""
        if self.augmentation is None:
            return ((batch, targets, weights) for batch, targets, weights, _ in self._draw(epoch, start))
        return self._augmented(epoch, start)

    def _draw(self, epoch: int, start: int) -> Iterator[tuple[Any, Any, Any, Draw | None]]:
        rng = np.random.default_rng([self.seed, epoch])
        count = len(self.labels)
        order = rng.permutation(count)
        views = rng.integers(self.views, size=count)
        eye = np.eye(len(self.class_weights), dtype=np.float32)
        smooth = eye * (1 - self.label_smoothing) + self.label_smoothing / len(eye)
        for step, picked in enumerate(np.array_split(order, self.steps)):
            if step < start:
                continue
            inputs, targets = self.rows[views[picked] * count + picked], smooth[self.labels[picked]]
            draw = None
            if self.augmentation is not None:
                # From 1: numpy pads short seeds with zeros, and step 0 would repeat the epoch's own numbers.
                step_rng = np.random.default_rng([self.seed, epoch, step + 1])
                draw = self.augmentation.draw(step_rng, len(picked), inputs.shape[1])
                targets = mix_targets(targets, draw)
            yield inputs, targets, self.class_weights[self.labels[picked]], draw

    def _augmented(self, epoch: int, start: int) -> Iterator[Batch]:
        """Augments batches ahead of their use, in parallel and in order."""
        assert self.augmentation is not None
        side, classes = self.rows[np.zeros(1, np.int64)].shape[1:], len(self.class_weights)
        floats, ints = tf.float32, tf.int32
        draw_spec = ((8,), floats), ((3,), floats), ((), ints), ((4,), ints), ((), floats), ((), floats)
        signature = (
            tf.TensorSpec((None, *side), tf.uint8),
            tf.TensorSpec((None, classes), floats),
            tf.TensorSpec((None,), floats),
            tuple(tf.TensorSpec((None, *shape), kind) for shape, kind in draw_spec),
        )
        drawn = tf.data.Dataset.from_generator(
            lambda: ((*batch, tuple(draw)) for *batch, draw in self._draw(epoch, start) if draw is not None),
            output_signature=signature,
        )

        def augment(images: Any, targets: Any, weights: Any, draw: Any) -> Batch:
            transforms, colours, partners, boxes, blend, _ = draw
            images = warp_batch(images, transforms, colours)
            if self.augmentation is not None and self.augmentation.mixes:
                images = mix_batch(images, partners, boxes, blend)
            return images, targets, weights

        return iter(drawn.map(augment, num_parallel_calls=2, deterministic=True).prefetch(2))


def weigh_classes(labels: NDArray[np.int64], class_count: int, *, balanced: bool) -> NDArray[np.float32]:
    """(K,) float32 class weights: all 1, or N / (K n_k) so that every class counts the same in the loss."""
    if not balanced:
        return np.ones(class_count, np.float32)
    counts = np.bincount(labels, minlength=class_count)
    return (len(labels) / (class_count * np.maximum(counts, 1))).astype(np.float32)
