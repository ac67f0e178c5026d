"""What of a run is recorded for `dlp diagnose`, where the config asks for diagnostics."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.layers.preprocessing import Preprocess
from dlpractice.layers.similarity import Similarity
from dlpractice.models.classifier import Classifier
from dlpractice.recipes.finetune.setup import Setup
from dlpractice.recipes.oneshot.setup import OneshotSetup
from dlpractice.registry.strategies import Stage
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.diagnostics.activations import Document, describe_values
from dlpractice.training.diagnostics.recording import Probe, Recorder
from dlpractice.training.feed import Feed
from dlpractice.training.images.views import view_batch
from dlpractice.training.pairs import EpisodeFeed
from dlpractice.training.steps import Loss


def record_stage(
    setup: Setup, stage: Stage, net: keras.Model, feed: Feed, loss: Loss, run: RunDirectory
) -> Recorder:
    """A recorder of a stage of fine-tuning, whose trained part is `net`, on its first batch."""
    classifier = setup.classifier
    inputs, targets, weights = (np.asarray(part) for part in next(iter(feed.batches(0))))
    pixels = setup.dataset.train.pixels[np.arange(min(len(inputs), len(setup.dataset.train)))]
    facts = {
        "task": "classification",
        "classes": len(setup.dataset.class_names),
        "loss_takes": "logits",
        "images": describe_values(pixels),
        "preprocessed": describe_preprocessed(classifier, pixels),
    }
    probe = Probe(
        (inputs, targets, weights),
        net,
        classifier.cuts[stage.cut],
        inputs,
        describe_logits,
        _lowest_loss(targets, weights),
        facts,
    )
    return Recorder(
        stage.name, probe, loss, setup.placement, setup.precision, run.diagnostics, run.write_diagnostics
    )


def record_pairs(
    setup: OneshotSetup, feed: EpisodeFeed, image_size: int, loss: Loss, method: str, run: RunDirectory
) -> Recorder:
    """A recorder of a one-shot training on its first batch. There is no first loss to be expected, and no
    lowest one, that all objectives share."""
    batch = [np.asarray(part) for part in next(iter(feed.batches(0)))]
    images, transforms, pens, fields, labels = batch
    encoder, similarity = setup.siamese.encoder, setup.siamese.similarity
    facts = {
        "task": "one-shot",
        "classes": 0,
        "objective": setup.objective.name,
        "images": describe_values(images),
    }
    probe = Probe(
        batch,
        encoder,
        encoder.inputs,
        np.asarray(view_batch(images, transforms, pens, fields, image_size)),
        describe_pairs(similarity, labels),
        None,
        facts,
    )
    return Recorder(
        method, probe, loss, setup.placement, setup.precision, run.diagnostics, run.write_diagnostics
    )


def describe_preprocessed(classifier: Classifier, pixels: NDArray[np.uint8]) -> Document:
    """The range of what the net's first layer with weights, frozen or not, sees of (n, S, S, 3) images, and
    the name of the scaling in front of it."""
    layers = classifier.model.layers
    first = next(layer for layer in layers if layer.weights)
    scaling = next((layer.scaling for layer in layers if isinstance(layer, Preprocess)), None)
    seen = keras.Model(classifier.model.input, first.input)(pixels.astype(np.float32), training=False)
    return {"layer": first.name, "scaling": scaling} | describe_values(keras.ops.convert_to_numpy(seen))


def describe_logits(logits: NDArray[np.float32]) -> Document:
    """The range of (n, K) logits, and the share of the n examples that each class is predicted for."""
    counts = np.bincount(logits.argmax(axis=1), minlength=logits.shape[1])
    return describe_values(logits) | {"predicted": (counts / len(logits)).tolist()}


def describe_pairs(
    similarity: Similarity, labels: NDArray[np.int32]
) -> Callable[[NDArray[np.float32]], Document]:
    """From the (B, D) embeddings of examples of `labels` to their range, the mean similarity of pairs `same`
    and `different`, the standard deviation of all pairs' (`spread`), and by how much s(a, b) and s(b, a)
    differ at most (`asymmetry`)."""

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


def _lowest_loss(targets: NDArray[np.float32], weights: NDArray[np.float32]) -> float:
    """The cross-entropy of the targets with themselves: no answer costs less."""
    logs = np.log(np.where(targets > 0, targets, 1))
    return float(-(weights * (targets * logs).sum(axis=1)).sum() / weights.sum())
