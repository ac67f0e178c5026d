"""Labels that a trained model's answers speak against, by confident learning.

Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70 (2021):
an example labelled i is suspected to be a j where the model is at least as sure of j as it usually is of
examples that are labelled j. The paper reads both from the model's probabilities for every class.
predictions.csv holds two of them: that of the label, as the loss, which is its negative logarithm, and that
of the predicted class, as the confidence. They are of validation and test images, which the model has not
been trained on.

One-shot runs have no probabilities, but ask about each drawing many times. There a label is suspected to be
wrong where a drawing is taken for one other character as often as drawings of that character are taken for
it. A net that is merely bad takes a drawing for one character in one task and for another in the next.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from dlpractice.diagnosis.record import Answer


def class_thresholds(rows: Sequence[Answer]) -> dict[str, float]:
    """How sure the model usually is of each class.

    By class, this is the mean probability that it gives to the class, over the examples that are labelled so.
    """
    sure: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        sure[row["label"]].append(math.exp(-row["loss"]))
    return {name: sum(values) / len(values) for name, values in sure.items()}


def find_suspects(rows: Sequence[Answer]) -> list[Answer]:
    """Finds the rows whose label is doubted; those of whose other class the model is surest come first.

    A label is doubted where the model predicts another class, and is as sure of that as it usually is of
    examples of that class.

    rows: predictions with path, label, predicted, confidence in [0, 1] and loss in nats.
    """
    usual = class_thresholds(rows)
    doubted = [
        row
        for row in rows
        if row["predicted"] != row["label"] and row["confidence"] >= usual.get(row["predicted"], 2.0)
    ]
    return sorted(doubted, key=lambda row: (-row["confidence"], row["path"]))


@dataclass(frozen=True)
class Drawing:
    """What one-shot tasks answered about one drawing.

    other: the class, apart from its label, that it is taken for most often; "" where there is none.
    own, taken: the shares of the answers that are its label, and that are `other`. answers: their number.
    """

    path: str
    label: str
    other: str
    own: float
    taken: float
    answers: int


def gather_drawings(rows: Sequence[Answer]) -> list[Drawing]:
    """Counts the answers in `rows` by drawing and label. Undecided answers count for no class."""
    labels = {row["label"] for row in rows}
    answers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        answers[row["path"], row["label"]].append(row["predicted"])
    drawings = []
    for (path, label), predicted in answers.items():
        others = Counter(name for name in predicted if name in labels and name != label)
        other, count = others.most_common(1)[0] if others else ("", 0)
        own, total = predicted.count(label), len(predicted)
        drawings.append(Drawing(path, label, other, own / total, count / total, total))
    return drawings


def find_mixed_up(drawings: Sequence[Drawing]) -> list[Drawing]:
    """Finds the drawings whose label is doubted, the surest first.

    They are taken for one other class more often than for their own, and at least as often as the drawings of
    that class are on average.
    """
    shares: dict[str, list[float]] = defaultdict(list)
    for drawing in drawings:
        shares[drawing.label].append(drawing.own)
    usual = {label: fmean(own) for label, own in shares.items()}
    doubted = [one for one in drawings if one.taken > one.own and one.taken >= usual[one.other]]
    return sorted(doubted, key=lambda one: (one.own - one.taken, one.path))
