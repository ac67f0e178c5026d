"""Training on pairs of drawings. Each drawing of a batch is embedded once, and every pair of them is used."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from dlpractice.data.oneshot.distortion import Distortion
from dlpractice.data.oneshot.episodes import EpisodeSampler
from dlpractice.training.batches.feed import Share, take_all
from dlpractice.training.batches.supply import Supply, read_ahead
from dlpractice.training.batches.views import Seen
from dlpractice.training.devices.compilation import Compiler, leave_as_it_is
from dlpractice.training.steps import Loss


@dataclass(frozen=True)
class EpisodeFeed:
    """The batches of one-shot training: what the supply of B drawings sends, the fields of `Moves`, and (B,)
    labels from 1.

    A batch is a function of (seed, epoch, step) alone.

    Args:
        pixels: all background drawings, N rows of (H, H, C) uint8.
        sampler: draws the classes and drawings of a batch.
        image_size: pixels on a side, as the net sees a drawing.
        steps: the batches in an epoch.
        share: the part of each batch that this process reads and gives.
    """

    pixels: Supply
    sampler: EpisodeSampler
    distortion: Distortion
    image_size: int
    steps: int
    seed: int
    share: Share = take_all

    rows_to_fill: ClassVar[int] = 0  # all batches have one size

    def prepare(self, *batch: Any) -> tuple[Any, ...]:
        """The drawings as the net sees them, (n, S, S, C) float32, and their (n,) labels."""
        *sent, labels = batch
        return Seen(self.pixels.receive, self.image_size)(*sent), labels

    def batches(self, epoch: int, start: int = 0) -> Iterator[Sequence[Any]]:
        """The batches of `epoch` from step `start` on, drawn and read while the step computes."""
        return read_ahead(self._draw(epoch, step) for step in range(start, self.steps))

    def _draw(self, epoch: int, step: int) -> Sequence[Any]:
        # From 1: numpy pads short seeds with zeros, and step 0 would repeat another epoch's numbers.
        rng = np.random.default_rng([self.seed, epoch + 1, step + 1])
        episode = self.sampler.draw(rng)
        part = self.share(len(episode.indices))
        moves = self.distortion.draw(rng, episode.turns, self.pixels.row_shape[0], self.image_size)
        # From 1, because 0 marks the rows with which `Placement.deal` fills up a small batch.
        labels = episode.labels[part].astype(np.int32) + 1
        return *self.pixels.send(episode.indices[part]), *(values[part] for values in moves), labels


def pairs_loss(encoder: keras.Model, objective: Callable[[Any, Any], Any]) -> Loss:
    """A loss over all pairs of the whole batch, also of drawings that lie on different replicas.

    It takes views and labels, as `EpisodeFeed.prepare` gives them. Each replica embeds its part, gets the
    embeddings of the others, and computes the loss of all of them. These losses are equal, and their mean is
    the loss; its gradient flows back to each replica's own embeddings. Rows with the label 0 only fill up a
    small batch, and are left out.

    Args:
        objective: from (B, D) embeddings and (B,) labels to their loss, a number.
    """

    def embed(views: Any) -> Any:
        return encoder(views, training=True)

    def loss(views: Any, labels: Any, compiler: Compiler = leave_as_it_is) -> Any:
        embeddings = compiler(embed)(views)
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        if replicas > 1:
            # Only a value that lies on a device can be gathered. An argument lies on none, but its copy does.
            gathered = (tf.identity(part) for part in (embeddings, labels))
            embeddings, labels = (context.all_gather(part, axis=0) for part in gathered)
            embeddings, labels = (tf.boolean_mask(part, labels > 0) for part in (embeddings, labels))
        return compiler(objective)(embeddings, labels) / replicas

    return loss
