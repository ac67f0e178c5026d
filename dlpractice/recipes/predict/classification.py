"""`dlp predict`: what a trained classifier says of images."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dlpractice.recipes.inference.abstention import UNSURE, Abstention
from dlpractice.recipes.inference.image_copies import copy_image, require_folder
from dlpractice.recipes.inference.trained_classifier import TrainedClassifier


def run(
    classifier: TrainedClassifier,
    paths: Iterable[str],
    top: int = 5,
    abstention: Abstention | None = None,
    sort_into: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """One row per image, files and the images below folders and in zips, in order, as soon as it is known.

    A row has path, predicted, confidence in [0, 1] and `top`, the likeliest classes; or path and error.
    `note` is there where something about a file is odd.

    Args:
        top: how many classes a row has at most.
        abstention: below its threshold `predicted` is `unsure`; `top` is as it is.
        sort_into: a folder into which each image is copied, below the name of what it was predicted to be.

    Raises:
        DataError: a folder or a zip cannot be read.
        WriteError: a copy cannot be written.
    """
    if sort_into is not None:
        require_folder(sort_into)
    for image, probabilities in classifier.classify(paths):
        if probabilities is None:
            yield {"path": image.path, "error": image.error}
            continue
        ranked = probabilities.argsort()[::-1][:top]
        best = [{"label": classifier.class_names[k], "confidence": float(probabilities[k])} for k in ranked]
        sure = abstention is None or best[0]["confidence"] >= abstention.threshold
        predicted = best[0]["label"] if sure else UNSURE
        if sort_into is not None:
            copy_image(image.file, image.path, sort_into, predicted)
        row = {"path": image.path, "predicted": predicted, "confidence": best[0]["confidence"]}
        yield {**row, "top": best, **image.describe_note()}
