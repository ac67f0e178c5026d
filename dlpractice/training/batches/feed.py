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
from dlpractice.training.batches.warp import mix_batch, warp_batch


class Rows(Protocol):
    """Anything that gives (n, ...) rows for an (n,) array of indices, such as an array or a `RowView`."""

    def __len__(self) -> int: ...

    def __getitem__(self, indices: NDArray[np.int64]) -> NDArray[Any]: ...


Batch = tuple[Any, Any, Any]
"""Inputs (n, ...), targets (n, K) float32 and example weights (n,) float32."""


class Batches(Protocol):
    """Endless training batches: epoch after epoch, each of `steps` batches."""

    @property
    def steps(self) -> int: ...

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
        and by TensorFlow's operations. XLA does not compile it: it has no kernel that warps images.
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
    """

    rows: Rows
    labels: NDArray[np.int64]
    class_weights: NDArray[np.float32]
    batch_size: int
    seed: int
    label_smoothing: float = 0.0
    augmentation: Augmentation | None = None
    share: Share = take_all

    @property
    def steps(self) -> int:
        """The number of batches in an epoch.

        The sizes of the batches differ by one at most. A small batch at the end would give its images too
        much weight, and batch normalisation too few to measure statistics on.
        """
        return -(-len(self.labels) // self.batch_size)

    def prepare(self, *batch: Any) -> tuple[Any, ...]:
        """The batch itself: it is what the loss takes."""
        return batch

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of `epoch` from step `start` on."""
        if self.augmentation is None:
            return ((batch, targets, weights) for batch, targets, weights, _ in self._draw(epoch, start))
        return self._augmented(epoch, start)

    def _draw(self, epoch: int, start: int) -> Iterator[tuple[Any, Any, Any, Draw | None]]:
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
            own, draw = np.arange(len(picked))[self.share(len(picked))], None
            read = own
            if self.augmentation is not None:
                # From 1: numpy pads short seeds with zeros, and step 0 would repeat the epoch's own numbers.
                step_rng = np.random.default_rng([self.seed, epoch, step + 1])
                draw = self.augmentation.draw(step_rng, len(picked), self._side)
                targets, weights = mix_targets(targets, weights, draw)
                if len(own) < len(picked):
                    read, draw = _pick_draw(draw, own, self.augmentation)
            part = picked[read]
            yield self.rows[views[part] * count + part], targets[own], weights[own], draw

    @property
    def _side(self) -> int:
        return int(self.rows[np.zeros(1, np.int64)].shape[1])

    def _augmented(self, epoch: int, start: int) -> Iterator[Batch]:
        """Augments batches before they are asked for, two at a time, and gives them in order."""
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
            return images[: tf.shape(weights)[0]], targets, weights

        return iter(drawn.map(augment, num_parallel_calls=2, deterministic=True).prefetch(2))


def _pick_draw(
    draw: Draw, own: NDArray[np.int64], augmentation: Augmentation
) -> tuple[NDArray[np.int64], Draw]:
    """What has to be read to augment only some images of a batch.

    Args:
        draw: the draws of the whole batch.
        own: (n,) the places in it of the images to augment.

    Returns the places of the images to read, and the draws of those images. With mixing, 2n images are read:
    those at `own`, then the partner of each.
    """
    count = len(own)
    read = np.concatenate([own, draw.partners[own]]) if augmentation.mixes else own
    picked = Draw(*(values[read] for values in draw))
    places = np.arange(len(read), dtype=np.int32)
    if augmentation.mixes:
        places[:count] += count
    return read, picked._replace(partners=places)


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
