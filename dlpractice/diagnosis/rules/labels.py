"""Suspected label errors, by confident learning.

Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70 (2021):
an example labelled i is suspected to be a j where the model is at least as sure of j as it usually is of
what is labelled j. Those counts over pairs of classes are the confident joint. Here the classes' thresholds
come from the loss, which is -log of the label's probability, and candidates from the predicted class, whose
probability is the confidence: predictions.csv holds these two. The model has not been trained on validation
and test.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.rules.generalisation import see_chance
from dlpractice.diagnosis.rules.mixed_up_drawings import ASKED, CONSISTENT, FEWEST, LEAST, see_mixed_up
from dlpractice.diagnosis.rules.rule import Rule, Threshold
from dlpractice.diagnosis.rules.splits import see_unpredicted
from dlpractice.statistics.intervals import wilson

CONFIDENT = Threshold(
    "suspects among the mistakes",
    0.4,
    "chosen: a mistake is as sure as a right answer where the label is wrong",
)
AT_CAP = Threshold(
    "predictions whose confidence is at the highest that a softmax of probabilities can give",
    0.5,
    "chosen: half; nets are hardly ever that alike in what they are sure of",
)
_NEAR_CAP = 0.97
_NAMED = 5

Row = Mapping[str, Any]


def class_thresholds(rows: Sequence[Row]) -> dict[str, float]:
    """The mean probability of a class over the examples that are labelled with it, by class."""
    sure: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        sure[row["label"]].append(math.exp(-row["loss"]))
    return {name: sum(values) / len(values) for name, values in sure.items()}


def find_suspects(rows: Sequence[Row]) -> list[Row]:
    """The rows whose label is doubted, those first of whose other class the model is surest.

    rows: predictions with path, label, predicted, confidence in [0, 1] and loss in nats.
    """
    usual = class_thresholds(rows)
    doubted = [
        row
        for row in rows
        if row["predicted"] != row["label"] and row["confidence"] >= usual.get(row["predicted"], 2.0)
    ]
    return sorted(doubted, key=lambda row: (-row["confidence"], row["path"]))


def see_label_errors(case: Case) -> Sign | None:
    """Many mistakes of which the model is as sure as of its right answers."""
    if see_chance(case) is not None:
        return None  # who has learnt nothing cannot contradict
    if case.run.command == "oneshot":
        return see_mixed_up(case)
    if see_unpredicted(case) is not None:
        return None  # nor can who has not learnt all classes
    rows = [row for row in case.run.predictions if row["loss"] is not None and row["confidence"] is not None]
    mistakes = sum(row["predicted"] != row["label"] for row in rows)
    suspects = find_suspects(rows)
    if not suspects or len(rows) < FEWEST.value:
        return None
    share = len(suspects) / len(rows)
    if wilson(share, len(rows))[0] < LEAST.value or len(suspects) < CONFIDENT.value * mistakes:
        return None
    evidence = (
        f"{len(suspects)} of {len(rows)} labels in validation and test are doubted ({share:.1%}), "
        f"{len(suspects)} of {mistakes} mistakes",
        "the surest: " + ", ".join(_describe(row) for row in suspects[:_NAMED]),
    )
    paths = tuple(str(row["path"]) for row in suspects)
    remedy = ("training.label_smoothing=0.1",) if not case.run.setting("training.label_smoothing") else ()
    # A net that knows its training labels by heart is sure of everything, its mistakes included.
    by_heart = case.errors is None or case.errors.train < share / 2
    if by_heart:
        return Sign("info", "low", evidence, remedy, "", paths)
    return Sign("warning", "medium", evidence, remedy, "", paths)


def see_capped_confidence(case: Case) -> Sign | None:
    """Confidences that pile up at e / (e + K - 1): the softmax of one probability of 1 and K - 1 of 0."""
    classes = len(set(case.run.labels("train")))
    sure = np.array([row["confidence"] for row in case.run.predictions if row["confidence"] is not None])
    if len(sure) < FEWEST.value or classes < 2:
        return None
    cap = math.e / (math.e + classes - 1)
    share = float((sure > _NEAR_CAP * cap).mean())
    if sure.max() > 1.001 * cap or share < AT_CAP.value:
        return None
    text = (
        f"no answer is surer than {sure.max():.1%}, and {share:.0%} are within {1 - _NEAR_CAP:.0%} of it: "
        f"the softmax of probabilities of {classes} classes ends at {cap:.1%}"
    )
    return Sign("error", "high", (text,))


def see_worst_mistakes(case: Case) -> Sign | None:
    """The mistakes with the highest losses, by name."""
    mistakes = [row for row in case.run.predictions if row["predicted"] != row["label"]]
    if not mistakes:
        return None
    worst = sorted(mistakes, key=lambda row: (-(row["loss"] or 0.0), row["path"]))[:_NAMED]
    text = f"{len(mistakes)} mistakes in all; the worst: " + ", ".join(_describe(row) for row in worst)
    return Sign("info", "high", (text,), (), "", tuple(str(row["path"]) for row in worst))


def _describe(row: Row) -> str:
    return f"{row['path']} ({row['label']}, taken for {row['predicted']})"


LABEL_ERRORS = Rule(
    "label errors",
    "Many labels contradict the model where it is as sure as it is of its right answers.",
    ("predictions.csv",),
    (LEAST, CONFIDENT, FEWEST, CONSISTENT, ASKED),
    "classes that overlap, a model that is too sure of itself",
    "look at the images that are named, and correct their labels; until then smooth the labels",
    see_label_errors,
)
CAPPED_CONFIDENCE = Rule(
    "probabilities taken for logits",
    "The loss applies a softmax to what has been through one already: it cannot fall to zero.",
    ("predictions.csv", "splits.csv", "a classification run"),
    (AT_CAP, FEWEST),
    "a model from elsewhere that ends in a softmax",
    "a linear last layer, or a loss that takes probabilities",
    see_capped_confidence,
)
WORST_MISTAKES = Rule(
    "worst mistakes",
    "Validation and test images with the highest losses, worth a look.",
    ("predictions.csv", "a classification run"),
    (),
    "label errors, images that show several things",
    "look at them",
    see_worst_mistakes,
)
