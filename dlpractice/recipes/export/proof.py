"""An exported file beside the net that it was made from, on the run's own validation images."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.files.unlabelled_images import load_images
from dlpractice.errors import DataError
from dlpractice.recipes.run.saved_model import SavedModel
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.differences import paired_difference
from dlpractice.statistics.shares import accuracy

Infer = Callable[[NDArray[np.generic]], NDArray[np.float32]]

MOST_IMAGES = 500
LARGEST_DIFFERENCE = 1e-3
"""Of a probability, where nothing is quantised."""
FEWEST_EQUAL = 0.99
"""The share of answers that have to be the same, where nothing is quantised."""
_BATCH, _CALLS = 16, 11


@dataclass(frozen=True)
class Questions:
    """Images of a run: pixels (n, S, S, 3) uint8, labels (n,), and what each is bound to."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    bound: list[str]


def read_images(run: RunDirectory, saved: SavedModel, split: str, most: int) -> Questions:
    """At most `most` of the run's images of `split`, spread evenly, from their files.

    Raises:
        DataError: one of them is gone or cannot be read.
    """
    rows = [row for row in run.splits() if row["split"] == split]
    rows = rows[:: -(-len(rows) // most) or 1]
    root = Path(run.environment()["data"]["root"])
    images = list(load_images([str(root / row["path"]) for row in rows], saved.look))
    if bad := [image for image in images if image.pixels is None]:
        raise DataError(
            f"{len(bad)} of {len(rows)} {split} images cannot be read: {bad[0].path}: {bad[0].error}",
            "an export is proven on the images that the run was made with: put them back",
        )
    places = {name: place for place, name in enumerate(saved.class_names)}
    return Questions(
        np.stack([image.pixels for image in images if image.pixels is not None]),
        np.array([places[row["label"]] for row in rows]),
        [row["bound"] for row in rows],
    )


def compare(before: Infer, after: Infer, asked: Questions) -> dict[str, Any]:
    """How the answers of two nets differ: shares in [0, 1] with intervals, and milliseconds of one image."""
    ours, theirs = (answer_in_batches(infer, asked.pixels) for infer in (before, after))
    same = ours.argmax(axis=1) == theirs.argmax(axis=1)
    right = [answers.argmax(axis=1) == asked.labels for answers in (ours, theirs)]
    return {
        "images": len(asked.labels),
        "largest_difference": float(np.abs(ours - theirs).max()),
        "equal_answers": accuracy(same, asked.bound).to_json(),
        "accuracy_before": accuracy(right[0], asked.bound).to_json(),
        "accuracy_after": accuracy(right[1], asked.bound).to_json(),
        "accuracy_difference": paired_difference(
            right[1].astype(float), right[0].astype(float), asked.bound
        ).to_json(),
        "milliseconds_before": measure_milliseconds(before, asked.pixels[:1]),
        "milliseconds_after": measure_milliseconds(after, asked.pixels[:1]),
    }


def find_failing(found: dict[str, Any], quantized: bool, most_lost: float) -> str:
    """Why an export is not good enough; "" where it is.

    most_lost: of the accuracy of a quantised net, in [0, 1].
    """
    if quantized:
        lost = -found["accuracy_difference"]["value"]
        return f"it loses {100 * lost:.1f} points of accuracy" if lost > most_lost + 1e-9 else ""
    if not found["largest_difference"] <= LARGEST_DIFFERENCE:
        return f"a probability differs by {found['largest_difference']:.2g}"
    equal = found["equal_answers"]["value"]
    return f"only {100 * equal:.1f} % of the answers are the same" if equal < FEWEST_EQUAL else ""


def answer_in_batches(infer: Infer, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What `infer` gives for all of `pixels`."""
    parts = [pixels[start : start + _BATCH] for start in range(0, len(pixels), _BATCH)]
    return np.concatenate([infer(part) for part in parts])


def measure_milliseconds(infer: Infer, pixels: NDArray[np.uint8]) -> float:
    """The median of some calls, in milliseconds, after one that does not count."""
    infer(pixels)
    seconds = []
    for _ in range(_CALLS):
        started = time.perf_counter()
        infer(pixels)
        seconds.append(time.perf_counter() - started)
    return 1000 * median(seconds)
