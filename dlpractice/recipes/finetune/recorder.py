"""What of a stage of fine-tuning is recorded for `dlp diagnose`, where the config asks for diagnostics."""

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.models.classifier import Classifier
from dlpractice.recipes.finetune.setup import Setup
from dlpractice.registry.strategies import Stage
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.batches.feed import Feed
from dlpractice.training.diagnostics.net_layers import Document, describe_values
from dlpractice.training.diagnostics.recording import Probe, Recorder
from dlpractice.training.steps import Loss


def record_stage(
    setup: Setup, stage: Stage, net: keras.Model, feed: Feed, loss: Loss, run: RunDirectory
) -> Recorder:
    """A recorder of a stage of fine-tuning, whose trained part is `net`, on its first batch."""
    classifier = setup.classifier
    batch = [np.asarray(part) for part in next(iter(feed.batches(0)))]
    inputs, targets, weights = (np.asarray(part) for part in feed.prepare(*batch))
    pixels = setup.dataset.train.pixels[np.arange(min(len(inputs), len(setup.dataset.train)))]
    facts = {
        "task": "classification",
        "classes": len(setup.dataset.class_names),
        "loss_takes": "logits",
        "images": describe_values(pixels),
        "preprocessed": describe_preprocessed(classifier, pixels),
    }
    probe = Probe(
        batch,
        net,
        classifier.cuts[stage.cut],
        inputs,
        describe_logits,
        _lowest_loss(targets, weights),
        facts,
        feed.prepare,
    )
    return Recorder(
        stage.name, probe, loss, setup.placement, setup.precision, run.diagnostics, run.write_diagnostics
    )


def describe_preprocessed(classifier: Classifier, pixels: NDArray[np.uint8]) -> Document:
    """The range of what the net's first layer with weights, frozen or not, sees of (n, S, S, 3) images, and
    the name of the scaling in front of it."""
    layers = classifier.model.layers
    first = next(layer for layer in layers if layer.weights)
    seen = keras.Model(classifier.model.input, first.input)(pixels.astype(np.float32), training=False)
    return {"layer": first.name, "scaling": classifier.scaling} | describe_values(
        keras.ops.convert_to_numpy(seen)
    )


def describe_logits(logits: NDArray[np.float32]) -> Document:
    """The range of (n, K) logits, and the share of the n examples that each class is predicted for."""
    counts = np.bincount(logits.argmax(axis=1), minlength=logits.shape[1])
    return describe_values(logits) | {"predicted": (counts / len(logits)).tolist()}


def _lowest_loss(targets: NDArray[np.float32], weights: NDArray[np.float32]) -> float:
    """The lowest cross-entropy that any answer can have: that of the targets with themselves."""
    logs = np.log(np.where(targets > 0, targets, 1))
    return float(-(weights * (targets * logs).sum(axis=1)).sum() / weights.sum())
