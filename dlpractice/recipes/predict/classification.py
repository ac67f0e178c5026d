"""`dlp predict`: what a trained classifier says of images."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dlpractice.recipes.inference.abstention import Abstention, describe_answer
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
        threshold = None if abstention is None else abstention.threshold
        answer = describe_answer(classifier.class_names, probabilities, top, threshold)
        if sort_into is not None:
            copy_image(image.file, image.path, sort_into, answer["predicted"])
        yield {"path": image.path, **answer, **image.describe_note()}
