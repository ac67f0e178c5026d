"""Rules about single answers: labels that they contradict, confidences with a cap, the worst mistakes."""

import math

import numpy as np

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.doubted_labels import find_mixed_up, find_suspects, gather_drawings
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.record import Answer
from dlpractice.diagnosis.rule import UNTRAINED, Rule, Threshold
from dlpractice.diagnosis.rules.splits import see_unpredicted
from dlpractice.diagnosis.rules.validation import see_chance
from dlpractice.runs.answers import collect_answers
from dlpractice.statistics.shares import accuracy, wilson

LEAST = Threshold("lower end of the suspects' share, 95 % interval", 0.015, "chosen")
CONFIDENT = Threshold(
    "suspects among the mistakes",
    0.4,
    "chosen: a mistake is as sure as a right answer where the label is wrong",
)
FEWEST = Threshold("predictions, or drawings", 100.0, "chosen: below, a few mistakes make a share")
CONSISTENT = Threshold(
    "one-shot: suspects among the drawings that are mostly taken for something else",
    0.6,
    "chosen on the panel, seeds 0 and 1: 0.77 where half of the characters are shuffled, else up to 0.44",
)
ASKED = Threshold("one-shot: answers about a drawing, median", 5.0, "chosen: fewer make no share")
AT_CAP = Threshold(
    "predictions whose confidence is at the highest that a softmax of probabilities can give",
    0.5,
    "chosen: half; nets are hardly ever that alike in what they are sure of",
)
_NEAR_CAP = 0.97
_NAMED = 5


def see_label_errors(case: Case) -> Sign | None:
    """Sees that the model contradicts many labels, and is as sure of its mistakes as of its right answers."""
    if see_chance(case) is not None:
        return None  # a model that has learnt nothing contradicts no label
    if case.run.command == "oneshot":
        return see_mixed_up(case)
    if see_unpredicted(case) is not None:
        return None  # nor does one that has not learnt all classes
    rows = [row for row in case.run.predictions if row["loss"] is not None and row["confidence"] is not None]
    mistakes = sum(row["predicted"] != row["label"] for row in rows)
    suspects = find_suspects(rows)
    if not suspects or len(rows) < FEWEST.value:
        return None
    share = len(suspects) / len(rows)
    groups = collect_answers(rows, case.run.splits, of_tasks=False).groups
    doubted = {row["path"] for row in suspects}
    least = accuracy([row["path"] in doubted for row in rows], groups).ci95[0]
    if least < LEAST.value or len(suspects) < CONFIDENT.value * mistakes:
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


def see_mixed_up(case: Case) -> Sign | None:
    """Many drawings that tasks agree to be of another character."""
    drawings = gather_drawings(case.run.predictions)
    asked = sorted(drawing.answers for drawing in drawings)
    if len(drawings) < FEWEST.value or asked[len(asked) // 2] < ASKED.value:
        return None
    suspects, wrong = find_mixed_up(drawings), sum(one.taken > one.own for one in drawings)
    share = len(suspects) / len(drawings)
    if wilson(share, len(drawings))[0] < LEAST.value or len(suspects) < CONSISTENT.value * wrong:
        return None
    evidence = (
        f"the labels of {len(suspects)} of {len(drawings)} drawings are doubted ({share:.1%}): of {wrong} "
        "that are mostly taken for something else, those are so as often as what belongs there",
        "the surest: "
        + ", ".join(f"{one.path} ({one.label}, taken for {one.other})" for one in suspects[:_NAMED]),
    )
    return Sign("warning", "medium", evidence, (), "", tuple(one.path for one in suspects))


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


def _describe(row: Answer) -> str:
    return f"{row['path']} ({row['label']}, taken for {row['predicted']})"


RULES = (
    Rule(
        name="label errors",
        finds="Many labels contradict the model where it is as sure as it is of its right answers.",
        needs=("predictions.csv",),
        thresholds=(LEAST, CONFIDENT, FEWEST, CONSISTENT, ASKED),
        causes="classes that overlap, a model that is too sure of itself",
        remedy="look at the images that are named, and correct their labels; until then smooth the labels",
        look=see_label_errors,
        importance=110,
        explained_by=(
            UNTRAINED,
            "one batch is not learnt",
        ),
    ),
    Rule(
        name="probabilities taken for logits",
        finds="The loss applies a softmax to what has been through one already: it cannot fall to zero.",
        needs=("predictions.csv", "splits.csv", "a classification run"),
        thresholds=(AT_CAP, FEWEST),
        causes="a model from elsewhere that ends in a softmax",
        remedy="a linear last layer, or a loss that takes probabilities",
        look=see_capped_confidence,
        importance=230,
    ),
    Rule(
        name="worst mistakes",
        finds="Validation and test images with the highest losses, worth a look.",
        needs=("predictions.csv", "a classification run"),
        thresholds=(),
        causes="label errors, images that show several things",
        remedy="look at them",
        look=see_worst_mistakes,
        importance=10,
    ),
)
