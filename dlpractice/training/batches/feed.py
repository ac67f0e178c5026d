"""Batches for classification.

Their order is a function of (seed, epoch) alone, so that a killed run can go on from any step.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.data.augmentation import Augmentation, Draw, mix_targets
from dlpractice.training.batches.supply import Supply, read_ahead
from dlpractice.training.batches.warp import mix_batch, warp_batch


class Batches(Protocol):
    """Endless training batches: epoch after epoch, each of `steps` batches."""

    @property
    def steps(self) -> int: ...

    @property
    def rows_to_fill(self) -> int:
        """The rows of this process's share of the largest batch, to which smaller ones may be filled up; 0 if
        all have one size.

        Where it is not 0, `prepare` gives the example weights last: rows of zeros have none.
        """
        ...

    def batches(self, epoch: int, start: int = 0) -> Iterator[Sequence[Any]]:
        """The batches of `epoch` from step `start` on.

        A batch is a sequence of arrays or tensors of equal length, a row for each example: small ones, such
        as uint8 pixels, draws, or indices into what lies on the device for the whole run. They are dealt out
        to the replicas by their rows, and sent to the devices as they are.
        """
        ...

    def prepare(self, *batch: Any) -> tuple[Any, ...]:
        """What the loss takes, from a replica's part of a batch: a row for each of its rows, in their order.

        It is traced into the step of training, so it computes on the device, from the rows of the part alone
        and by TensorFlow's operations. It stays outside of what XLA compiles, see `compile_train_step`.
        Rows of zeros may lie at the end, see `Placement.deal`; they stay rows without weight.
        """
        ...


def take_as_they_are(*batch: Any) -> tuple[Any, ...]:
    """A `prepare` for batches that are what the loss takes."""
    return batch


Share = Callable[[int], slice]
"""From the number of examples in a batch to the slice of them that this process reads; see
`Placement.share`."""


def take_all(count: int) -> slice:
    """The `Share` of a process that trains alone."""
    return slice(0, count)


@dataclass(frozen=True)
class Feed:
    """The batches of one stage, made of its training split of N images.

    Args:
        rows: V views of each image, one view of all images after another: row v N + i is view v of image i.
            In each epoch one of the V is drawn for each image.
        labels: (N,) int64.
        class_weights: (K,) float32, the weight in the loss of an example of each class; the mean over all
            examples is 1.
        batch_size: the most examples that a batch may have.
        label_smoothing: the share of each target that is spread evenly over all classes (Szegedy et al.
            2016).
        augmentation: is drawn anew for each batch. It needs rows that are images of 0..255; None for
            features.
        share: the part of each batch that this process reads and gives. All draws are made for the whole
            batch, so they are the same in all processes.
        divided: whether a batch is computed in parts, on several devices or one after another. An image and
            the one it is mixed with may then be in different parts, so both are sent, and both warped.
    """

    rows: Supply
    labels: NDArray[np.int64]
    class_weights: NDArray[np.float32]
    batch_size: int
    seed: int
    label_smoothing: float = 0.0
    augmentation: Augmentation | None = None
    share: Share = take_all
    divided: bool = False

    @property
    def steps(self) -> int:
        """The number of batches in an epoch.

        The sizes of the batches differ by one at most. A small batch at the end would give its images too
        much weight, and batch normalisation too few to measure statistics on.
        """
        return -(-len(self.labels) // self.batch_size)

    @property
    def rows_to_fill(self) -> int:
        """The rows of this process's share of the largest batch."""
        share = self.share(-(-len(self.labels) // self.steps))
        return int(share.stop - share.start)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Sequence[Any]]:
        """The batches of `epoch` from step `start` on, drawn and read while the step computes.

        A batch is what the rows' supply sends; transforms and colours, with augmentation; what mixing needs,
        with mixing (`_describe_mixing`); (n, K) float32 targets and (n,) float32 example weights.
        """
        return read_ahead(self._draw(epoch, start))

    def prepare(self, *batch: Any) -> tuple[Any, Any, Any]:
        """Inputs (n, ...), targets (n, K) and example weights (n,), all of them floats."""
        *parts, targets, weights = batch
        if self.augmentation is None:
            return self.rows.receive(*parts), targets, weights
        if not self.augmentation.mixes:
            return self._warp(parts), targets, weights
        if self.divided:
            *parts, boxes, blend = parts
            half = len(parts) // 2
            images, partners = self._warp(parts[:half]), self._warp(parts[half:])
        else:
            *parts, places, boxes, blend = parts
            images = self._warp(parts)
            partners = tf.gather(images, places)
        return mix_batch(images, partners, boxes, blend), targets, weights

    def _warp(self, parts: Sequence[Any]) -> Any:
        *sent, transforms, colours = parts
        return warp_batch(self.rows.receive(*sent), transforms, colours)

    def _draw(self, epoch: int, start: int) -> Iterator[Sequence[Any]]:
        rng = np.random.default_rng([self.seed, epoch])
        count = len(self.labels)
        order = rng.permutation(count)
        views = rng.integers(len(self.rows) // count, size=count)
        eye = np.eye(len(self.class_weights), dtype=np.float32)
        smooth = eye * (1 - self.label_smoothing) + self.label_smoothing / len(eye)
        for step, picked in enumerate(np.array_split(order, self.steps)):
            if step < start:
                continue
            targets, weights = smooth[self.labels[picked]], self.class_weights[self.labels[picked]]
            own, numbers = np.arange(len(picked))[self.share(len(picked))], views[picked] * count + picked
            if self.augmentation is None:
                yield *self.rows.send(numbers[own]), targets[own], weights[own]
                continue
            # From 1: numpy pads short seeds with zeros, and step 0 would repeat the epoch's own numbers.
            step_rng = np.random.default_rng([self.seed, epoch, step + 1])
            draw = self.augmentation.draw(step_rng, len(picked), self.rows.row_shape[0])
            targets, weights = mix_targets(targets, weights, draw)
            yield (
                *self._describe(numbers, draw, own),
                *self._describe_mixing(numbers, draw, own),
                targets[own],
                weights[own],
            )

    def _describe(
        self, numbers: NDArray[np.int64], draw: Draw, which: NDArray[np.integer[Any]]
    ) -> Sequence[Any]:
        """What is sent for the images at places `which` of a batch, and how they are moved and coloured."""
        return *self.rows.send(numbers[which]), draw.transforms[which], draw.colours[which]

    def _describe_mixing(
        self, numbers: NDArray[np.int64], draw: Draw, own: NDArray[np.int64]
    ) -> Sequence[Any]:
        """The partners of the images at the places `own` of a batch, boxes and blends.

        Partners are places in the batch where it is computed as a whole; otherwise they are described as the
        images themselves are.
        """
        if self.augmentation is None or not self.augmentation.mixes:
            return ()
        partners = draw.partners[own]
        described = self._describe(numbers, draw, partners) if self.divided else (partners,)
        return *described, draw.boxes[own], draw.blend[own]


def weigh_classes(labels: NDArray[np.int64], class_count: int, *, balanced: bool) -> NDArray[np.float32]:
    """The weights in the loss of the K classes, (K,) float32.

    Args:
        labels: (N,).
        balanced: whether class k, with n_k examples, has the weight N / (K n_k), so that all K classes that
            have examples count the same in the loss. Otherwise all weights are 1. The mean over the examples
            is 1 either way.
    """
    if not balanced:
        return np.ones(class_count, np.float32)
    counts = np.bincount(labels, minlength=class_count)
    return (len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))).astype(np.float32)
