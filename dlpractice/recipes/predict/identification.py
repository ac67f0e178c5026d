"""`dlp predict` with a one-shot run: which of a few shown classes is this, and are these two the same?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.errors import DataError
from dlpractice.recipes.inference.enrolment import UNKNOWN, enrol
from dlpractice.recipes.inference.enrolment_index import Enrolment, read_index, refuse_foreign, write_index
from dlpractice.recipes.oneshot.comparer import Comparer

_TOP = 5

Floats = NDArray[np.float32]


def identify(
    saved: Comparer,
    paths: Sequence[str],
    support: Path | None = None,
    index: Path | None = None,
    save_index: Path | None = None,
) -> list[dict[str, Any]]:
    """One row per image, files and the images below folders, in order: which of the enrolled classes it is.

    A row has path, predicted, confidence in [0, 1], known, `top`, the five likeliest classes, and
    `threshold`, the confidence below which an image is unknown; or path and error. Confidence is the
    probability that image and class are the same, where both answers were equally likely beforehand: those
    of several classes do not add up to 1. An image that is less similar to all classes than the threshold
    which the run chose on validation pairs is predicted to be `unknown`, with the confidence of the likeliest
    class. The threshold is that for a pair of single images: the mean of several examples is nearer to most
    images of its class, so that fewer of these are unknown.

    Args:
        support: a folder whose classes are enrolled, see `enrol`. index: what `save_index` has kept before;
            one of the two.
        save_index: a file that keeps what `support` gives.

    Raises:
        DataError: classes cannot be enrolled, or an index cannot be read or written.
        ModelError: the net is not the one that made `index`.
    """
    if save_index is not None:
        refuse_foreign(save_index)
    if support is not None and index is None:
        enrolment = enrol(saved, support)
    elif index is not None and support is None:
        enrolment = read_index(index, saved.digest)
    else:
        raise ValueError("expected either a support folder or an index")
    if save_index is not None:
        write_index(save_index, enrolment, saved.digest, saved.comparison)
    threshold = float(saved.judge(np.array([saved.threshold], np.float32))[0])
    rows: list[dict[str, Any]] = []
    for image, embedding in saved.embed(saved.load(paths)):
        if embedding is None:
            rows.append({"path": image.path, "error": image.error})
        else:
            found = name_query(saved, embedding, enrolment)
            rows.append({"path": image.path, **found, "threshold": threshold, **image.describe_note()})
    return rows


def name_query(saved: Comparer, embedding: Floats, enrolment: Enrolment, top: int = _TOP) -> dict[str, Any]:
    """Which of the enrolled classes a (D,) embedding is of, and the `top` likeliest ones, see `identify`."""
    similarities = saved.compare(embedding[np.newaxis], enrolment.embeddings)[0]
    confidences = saved.judge(similarities)
    ranked = (-similarities).argsort(kind="stable")[:top]
    best = [{"label": enrolment.class_names[k], "confidence": float(confidences[k])} for k in ranked]
    known = bool(similarities[ranked[0]] >= saved.threshold)
    return {
        "predicted": best[0]["label"] if known else UNKNOWN,
        "confidence": best[0]["confidence"],
        "known": known,
        "top": best,
    }


def compare(saved: Comparer, first: str, second: str) -> dict[str, Any]:
    """Whether two images are of the same class; the answer does not depend on their order.

    `score` and `threshold` are probabilities of "same", where both answers were equally likely beforehand;
    `same` says whether the score reaches the threshold, which the run chose on validation pairs. `similarity`
    is in the net's own unit.

    Raises DataError where an image cannot be read.
    """
    # One by one: rounding may depend on the place in a batch, and the answer would on the order.
    loaded = [pair for path in (first, second) for pair in saved.embed(saved.load([path]))]
    if bad := [f"  {image.path}: {image.error}" for image, embedding in loaded if embedding is None]:
        raise DataError("an image cannot be compared:\n" + "\n".join(bad), "give two images")
    embeddings = [embedding[np.newaxis] for _, embedding in loaded if embedding is not None]
    similarity = np.asarray(saved.similarity(embeddings))
    score, threshold = saved.judge(np.append(similarity, np.float32(saved.threshold)))
    return {
        "paths": [first, second],
        "same": bool(similarity[0] >= saved.threshold),
        "score": float(score),
        "similarity": float(similarity[0]),
        "threshold": float(threshold),
    }
