"""Training on same/different pairs: batches of drawings, each embedded once, and every pair of them used."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlpractice.data.oneshot.distortion import Distortion
from dlpractice.data.oneshot.episodes import EpisodeSampler
from dlpractice.training.batches.feed import Rows, Share, take_all
from dlpractice.training.batches.views import view_batch
from dlpractice.training.steps import Loss


@dataclass(frozen=True)
class EpisodeFeed:
    """Batches of uint8 images (B, H, H, C), what `Moves` holds, and labels (B,) from 1; `steps` of them make
    an epoch. Batch `step` of `epoch` is a function of (seed, epoch, step) alone; `share` says what of it is
    read and given."""

    pixels: Rows
    sampler: EpisodeSampler
    distortion: Distortion
    image_size: int
    steps: int
    seed: int
    share: Share = take_all

    def batches(self, epoch: int, start: int = 0) -> Iterator[Sequence[Any]]:
        """The batches of `epoch` from step `start` on."""
        for step in range(start, self.steps):
            # From 1: numpy pads short seeds with zeros, and step 0 would repeat another epoch's numbers.
            rng = np.random.default_rng([self.seed, epoch + 1, step + 1])
            episode = self.sampler.draw(rng)
            part = self.share(len(episode.indices))
            images = self.pixels[episode.indices[part]]
            moves = self.distortion.draw(rng, episode.turns, images.shape[1], self.image_size)
            # From 1: with 0, `Placement.deal` fills up a batch that is smaller than the replicas.
            yield images, *(values[part] for values in moves), episode.labels[part].astype(np.int32) + 1


def pairs_loss(encoder: keras.Model, objective: Callable[[Any, Any], Any], image_size: int) -> Loss:
    """A loss over all pairs of the whole batch, whatever replicas its halves lie on.

    objective: (B, D) embeddings and (B,) labels -> their loss, a number. Each replica embeds its part, gets
    the embeddings of the others, and computes the loss of all of them; the mean of these equal losses is the
    loss, and its gradient flows back to every replica's own embeddings. A row with the label 0 only fills up
    and is no example.
    """

    def loss(images: Any, transforms: Any, pens: Any, fields: Any, labels: Any) -> Any:
        embeddings = encoder(view_batch(images, transforms, pens, fields, image_size), training=True)
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        if replicas > 1:
            # A gathered value must lie on a device, and what a function is called with lies on none.
            gathered = (tf.identity(part) for part in (embeddings, labels))
            embeddings, labels = (context.all_gather(part, axis=0) for part in gathered)
            embeddings, labels = (tf.boolean_mask(part, labels > 0) for part in (embeddings, labels))
        return objective(embeddings, labels) / replicas

    return loss
