"""`dlp predict`: what a finished run's model says of images."""

from collections.abc import Sequence
from typing import Any

from dlpractice.data.files.unlabelled_images import load_images
from dlpractice.recipes.run.saved_model import load_saved
from dlpractice.runs.directory import RunDirectory

_TOP = 5


def run(run: RunDirectory, paths: Sequence[str]) -> list[dict[str, Any]]:
    """One row per image, files and the images below folders, in order.

    A row has path, predicted, confidence in [0, 1] and `top`, the five likeliest classes; or path and error.
    `note` is there where something about a file is odd.
    Raises ModelError where the run's model cannot be loaded.
    """
    saved = load_saved(run)
    images = load_images(paths, saved.look)
    rows: list[dict[str, Any]] = []
    for image, probabilities in saved.classify(images):
        if probabilities is None:
            rows.append({"path": image.path, "error": image.error})
            continue
        ranked = probabilities.argsort()[::-1][:_TOP]
        top = [{"label": saved.class_names[k], "confidence": float(probabilities[k])} for k in ranked]
        row = {"path": image.path, "predicted": top[0]["label"], "confidence": top[0]["confidence"]}
        rows.append({**row, "top": top, **image.describe_note()})
    return rows
