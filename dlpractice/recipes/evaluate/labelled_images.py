"""`dlp evaluate`: a trained classifier on labelled images."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from dlpractice.data.dataset import Split, load_labelled
from dlpractice.data.files.unlabelled_images import LoadedImage
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.inference.abstention import Abstention
from dlpractice.recipes.inference.image_copies import copy_image, require_folder
from dlpractice.recipes.inference.trained_classifier import TrainedClassifier
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.calibration import bin_answers, calibration_error
from dlpractice.statistics.class_scores import Scores, score_classes
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.shares import accuracy, per_class_accuracy

MOST_SHOWN = 24


@dataclass(frozen=True)
class Evaluation:
    """What was found, and the pictures of the surest mistakes.

    document: what `dlp evaluate --json` prints. pictures: (n, S, S, 3) uint8, as the net sees them, of the
    first `mistakes` of the document, `MOST_SHOWN` at most.
    """

    document: dict[str, Any]
    pictures: NDArray[np.uint8]


@dataclass(frozen=True)
class _Answers:
    """predicted: (N,) classes. confidence: (N,) the probability of each. correct: (N,)."""

    predicted: NDArray[np.int64]
    confidence: NDArray[np.float64]
    correct: NDArray[np.bool_]


def run(
    classifier: TrainedClassifier,
    source: str,
    progress: Progress | None = None,
    *,
    made_by: RunDirectory | None = None,
    abstention: Abstention | None = None,
    save_wrong: Path | None = None,
) -> Evaluation:
    """How right the classifier is on all images of `source`, class by class, and what could not be read.

    Intervals count copies, near-duplicates and images of a group, where `source` names groups, as training
    does: as less than so many independent images. Warns of images that the model was trained on.

    Args:
        source: a folder, CSV or zip, or the name of a known data set. Its classes are found by their names,
            in any order; some of the model's may be missing.
        made_by: the run that the classifier is of; None for a file, of whose training nothing is known.
        abstention: images below its threshold get no answer, which is no mistake; what is found of the others
            is in `selection`. All else is of the likeliest class of each image.
        save_wrong: a folder into which images with a wrong answer are copied, below their class and their
            answer.

    Raises:
        DataError: `source` holds no labelled images, or a class that the model does not know.
        WriteError: a copy cannot be written.
    """
    progress = progress or Silent()
    if save_wrong is not None:
        require_folder(save_wrong)
    bind: Any = made_by.config_tree()["data"].get("near_duplicates", "group") if made_by else "group"
    names = classifier.class_names
    root, images, unreadable = load_labelled(source, names, classifier.look, progress, bind)
    trained_on = _count_trained_on(made_by, images, progress) if made_by else None
    answers = _answer(classifier, images, progress)
    wrong = np.flatnonzero(~answers.correct)
    wrong = wrong[np.argsort(-answers.confidence[wrong], kind="stable")]
    mistakes = [
        {
            "path": images.paths[place],
            "label": names[images.labels[place]],
            "predicted": names[answers.predicted[place]],
            "confidence": float(answers.confidence[place]),
        }
        for place in wrong.tolist()
    ]
    if save_wrong is not None:
        for mistake in mistakes:
            if abstention is None or mistake["confidence"] >= abstention.threshold:
                path = mistake["path"]
                copy_image(root / path, path, save_wrong, mistake["label"], mistake["predicted"])
    document = {
        **_describe_classes(images, answers, names),
        "class_names": list(names),
        "confusion": confusion_matrix(images.labels, answers.predicted, labels=range(len(names))).tolist(),
        "calibration": _describe_confidence(classifier, images, answers),
        "selection": _describe_selection(abstention, images, answers) if abstention else None,
        "trained_on": trained_on,
        "mistakes": mistakes,
        "unreadable": [{"path": error.path, "error": error.reason} for error in unreadable],
    }
    return Evaluation(document, images.pixels[wrong[:MOST_SHOWN]])


def _count_trained_on(run: RunDirectory, images: Split, progress: Progress) -> int:
    """How many of the images the run was trained on, by their bytes; the user is warned of them."""
    known = {row["sha256"] for row in run.splits() if row["split"] == "train"}
    seen = sum(digest in known for digest in images.sha256)
    if seen:
        progress.warn(f"{seen} of {len(images)} images are ones that the model was trained on")
    return seen


def _answer(classifier: TrainedClassifier, images: Split, progress: Progress) -> _Answers:
    progress.stage("scoring", len(images), "images")
    predicted, confidence = np.empty(len(images), np.int64), np.empty(len(images))
    for place, (_, row) in enumerate(classifier.answer(_load(classifier, images))):
        assert row is not None  # it could be read
        predicted[place], confidence[place] = row.argmax(), row.max()
        progress.advance()
    return _Answers(predicted, confidence, predicted == images.labels)


def _load(classifier: TrainedClassifier, images: Split) -> Iterator[LoadedImage]:
    """The images with their features, where these are known, or else with their pixels."""
    for place, (path, digest) in enumerate(zip(images.paths, images.sha256, strict=True)):
        known = classifier.recall(digest)
        yield LoadedImage(path, images.pixels[place] if known is None else None, features=known)


def _describe_classes(images: Split, answers: _Answers, names: Sequence[str]) -> dict[str, Any]:
    """What is found class by class, and of all; `missing` names the classes without an image."""
    recalls = per_class_accuracy(images.labels, answers.predicted, names, images.bound)
    scores = score_classes(images.labels, answers.predicted, len(names), images.bound)
    per_class = {
        name: recalls[name].to_json() | {"precision": _to_json(one.precision), "f1": _to_json(one.f1)}
        for name, one in zip(names, scores.classes, strict=True)
        if name in recalls
    }
    return {
        "accuracy": accuracy(answers.correct, images.bound).to_json(),
        "per_class": per_class,
        "macro": _describe_scores(scores.macro),
        "weighted": _describe_scores(scores.weighted),
        "missing": [name for name in names if name not in per_class],
    }


def _describe_scores(scores: Scores) -> dict[str, Any]:
    return {
        "precision": _to_json(scores.precision),
        "recall": _to_json(scores.recall),
        "f1": _to_json(scores.f1),
    }


def _describe_confidence(classifier: TrainedClassifier, images: Split, answers: _Answers) -> dict[str, Any]:
    """How far confidence is from the share of right answers here; temperature: None of a plain softmax."""
    return {
        "temperature": classifier.calibration.temperature if classifier.calibration else None,
        "n": len(images),
        "error": calibration_error(answers.confidence, answers.correct, images.bound).to_json(),
        "bins": [asdict(one) for one in bin_answers(answers.confidence, answers.correct)],
    }


def _describe_selection(abstention: Abstention, images: Split, answers: _Answers) -> dict[str, Any]:
    """How many images get an answer, and how right these are; None where none gets one."""
    sure = answers.confidence >= abstention.threshold
    bound = [name for name, is_sure in zip(images.bound, sure, strict=True) if is_sure]
    return {
        "threshold": abstention.threshold,
        "coverage": accuracy(sure, images.bound).to_json(),
        "accuracy": accuracy(answers.correct[sure], bound).to_json() if bound else None,
        "validation": abstention.selection.model_dump() if abstention.selection else None,
    }


def _to_json(measure: Measure | None) -> dict[str, Any] | None:
    return measure.to_json() if measure else None
