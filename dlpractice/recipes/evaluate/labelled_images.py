"""`dlp evaluate`: a finished run's model on a labelled folder."""

from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

from dlpractice.data.dataset import load_labelled
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.run.saved_model import load_saved
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.shares import accuracy, per_class_accuracy
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.forward import forward_all


def run(run: RunDirectory, source: str, progress: Progress | None = None) -> dict[str, Any]:
    """Accuracy, accuracy per class and confusion matrix on all images of `source`, and what could not be
    read.

    Intervals count copies, near-duplicates and images of a group, where `source` names groups, as training
    does: as less than so many independent images.

    Warns of images that the model was trained on. Raises DataError where `source` holds no labelled images
    or a class that the model does not know, and ModelError where the run's model cannot be loaded.
    """
    progress = progress or Silent()
    saved = load_saved(run)
    asked = run.config_tree()["data"].get("near_duplicates", "group")
    images, unreadable = load_labelled(source, saved.class_names, saved.look, progress, asked)
    trained_on = {row["sha256"] for row in run.splits() if row["split"] == "train"}
    if seen := sum(digest in trained_on for digest in images.sha256):
        progress.warn(f"{seen} of {len(images)} images are ones that the model was trained on")
    progress.stage("scoring", len(images), "images")
    predicted = forward_all(saved.forward(), Streamed(images.pixels)).argmax(axis=1)
    progress.advance(len(images))
    counts = confusion_matrix(images.labels, predicted, labels=range(len(saved.class_names)))
    by_class = per_class_accuracy(images.labels, predicted, saved.class_names, images.bound)
    return {
        "accuracy": accuracy(np.equal(predicted, images.labels), images.bound).to_json(),
        "per_class": {name: measure.to_json() for name, measure in by_class.items()},
        "class_names": list(saved.class_names),
        "confusion": counts.tolist(),
        "unreadable": [{"path": error.path, "error": error.reason} for error in unreadable],
    }
