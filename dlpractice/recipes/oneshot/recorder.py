"""What of a one-shot training is recorded for `dlp diagnose`, where the config asks for diagnostics."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.layers.similarity import Similarity
from dlpractice.recipes.oneshot.setup import OneshotSetup
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.diagnostics.net_layers import Document, describe_values
from dlpractice.training.diagnostics.recording import Probe, Recorder
from dlpractice.training.pairs import EpisodeFeed
from dlpractice.training.steps import Loss


def record_pairs(
    setup: OneshotSetup, feed: EpisodeFeed, loss: Loss, method: str, run: RunDirectory
) -> Recorder:
    """A recorder of a one-shot training on its first batch. There is no first loss to be expected, and no
    lowest one, that all objectives share."""
    batch = [np.asarray(part) for part in next(iter(feed.batches(0)))]
    *sent, _, _, _, _ = batch  # without moves and labels
    images, (views, labels) = feed.pixels.receive(*sent), (np.asarray(part) for part in feed.prepare(*batch))
    encoder, similarity = setup.siamese.encoder, setup.siamese.similarity
    facts = {
        "task": "one-shot",
        "classes": 0,
        "objective": setup.objective_name,
        "images": describe_values(np.asarray(images)),
    }
    probe = Probe(
        batch,
        encoder,
        encoder.inputs,
        views,
        describe_pairs(similarity, labels),
        None,
        facts,
        feed.prepare,
    )
    return Recorder(
        method, probe, loss, setup.placement, setup.precision, run.diagnostics, run.write_diagnostics
    )


def describe_pairs(
    similarity: Similarity, labels: NDArray[np.int32]
) -> Callable[[NDArray[np.float32]], Document]:
    """A function that takes the (B, D) embeddings of a batch and describes the similarities of its pairs.

    Args:
        labels: (B,) the classes of the batch.

    Returns:
        From embeddings to their range, the mean similarity of pairs of the `same` and of `different` classes,
        the standard deviation over all pairs (`spread`), and the largest difference between s(a, b) and
        s(b, a) (`asymmetry`).
    """

    def describe(embeddings: NDArray[np.float32]) -> Document:
        scores = similarity.compare(embeddings, embeddings)
        same, others = labels[:, None] == labels[None], ~np.eye(len(labels), dtype=bool)
        pairs: dict[str, Any] = {
            "same": float(scores[same & others].mean()),
            "different": float(scores[~same].mean()),
            "spread": float(scores[others].std()),
            "asymmetry": float(np.abs(scores - scores.T).max()),
        }
        return describe_values(embeddings) | {"similarity": pairs}

    return describe
