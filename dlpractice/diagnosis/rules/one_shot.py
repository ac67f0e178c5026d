"""Rules for one-shot runs."""

import math

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.remedies import lower_rate, name_remedy, regularise
from dlpractice.diagnosis.rule import RECORDED, Rule, Threshold
from dlpractice.runs.listing import headline

HARDER = Threshold("lower end of validation minus evaluation", 0.05, "chosen: five points")
PAIRS_AT_CHANCE = Threshold(
    "one-shot: area under the curve of pairs",
    0.55,
    "0.5 is guessing; chosen on the panel, seeds 0 and 1: half of the characters shuffled leave 0.60",
)
COLLAPSED = Threshold(
    "spread of the pairs' similarities in the end, share of that before training",
    0.05,
    "chosen on the panel, seeds 0 and 1: 0.007 where nothing is pushed apart, healthy runs have 3.4",
)
FEW_CLASSES = Threshold("classes that are trained on", 100.0, "chosen")
SPECIAL = Threshold("points by which training tasks are answered better", 0.1, "chosen")
ASYMMETRY = Threshold(
    "difference of s(a, b) and s(b, a), share of the spread", 1e-3, "rounding is below 1e-4"
)


def see_easier_validation(case: Case) -> Sign | None:
    """Validation tasks that are answered far better than evaluation tasks."""
    results = (case.run.summary or {}).get("results") or {}
    name = headline(results)
    validation, evaluation = results.get("val_accuracy"), results.get(name)
    if not validation or not evaluation:
        return None
    spread = math.hypot(
        validation["value"] - validation["ci95"][0], evaluation["ci95"][1] - evaluation["value"]
    )
    ahead = validation["value"] - evaluation["value"]
    if ahead - spread < HARDER.value:
        return None
    text = (
        f"{validation['value']:.1%} on validation tasks, {evaluation['value']:.1%} on {name}: "
        f"{100 * ahead:.1f} points, at least {100 * (ahead - spread):.1f}"
    )
    change = regularise(case.run)
    return Sign("warning", "medium", (text,), change, "val_accuracy", remedy=name_remedy(case.run, change))


def see_pairs_at_chance(case: Case) -> Sign | None:
    """Pairs of the same and of different classes that are not told apart."""
    pairs = ((case.run.summary or {}).get("results") or {}).get("verification")
    if not pairs or pairs.get("auc") is None or pairs["auc"] > PAIRS_AT_CHANCE.value:
        return None
    evidence = [
        f"pairs of the same and of different classes are told apart with an area of {pairs['auc']:.2f}; "
        "guessing has 0.5"
    ]
    if case.errors is not None:
        evidence.append(f"training tasks are answered with an accuracy of {1 - case.errors.train:.1%}")
    return Sign("error", "high", tuple(evidence), (), "val_accuracy")


def see_collapse(case: Case) -> Sign | None:
    """Similarities that all became the same."""
    looks = [case.record.recorded_start, *case.record.recorded_epochs]
    spreads = [((look.get("output") or {}).get("similarity") or {}).get("spread") for look in looks]
    start, end = spreads[0], spreads[-1]
    if not start or end is None or end > COLLAPSED.value * start:
        return None
    text = (
        f"the similarities of a batch's pairs differ by {end:.2g} in the end (standard deviation), by "
        f"{start:.2g} before training"
    )
    return Sign("error", "high", (text,), lower_rate(case.run, 0.05), "loss")


def see_few_classes(case: Case) -> Sign | None:
    """Few classes to train on, and tasks of their alphabets that are answered far better than others."""
    classes, errors = len(set(case.run.labels("train"))), case.errors
    assert errors is not None
    if classes >= FEW_CLASSES.value or errors.gap < SPECIAL.value:
        return None
    text = (
        f"{classes} classes to train on; training tasks are answered with an accuracy of "
        f"{1 - errors.train:.1%}, validation tasks with {1 - errors.val:.1%}"
    )
    change = regularise(case.run)
    return Sign("warning", "medium", (text,), change, "val_accuracy", remedy=name_remedy(case.run, change))


def see_asymmetry(case: Case) -> Sign | None:
    """A similarity that depends on which of two images comes first."""
    output = case.record.recorded_start.get("output") or {}
    similarity = output.get("similarity")
    if not similarity or similarity["asymmetry"] <= ASYMMETRY.value * similarity["spread"]:
        return None
    text = f"s(a, b) and s(b, a) differ by up to {similarity['asymmetry']:.2g}"
    return Sign("error", "high", (text,))


RULES = (
    Rule(
        name="embedding collapsed",
        finds="All images are given about the same place.",
        needs=("a one-shot run", RECORDED),
        thresholds=(COLLAPSED,),
        causes=(
            "a loss that pushes nothing apart, a margin that is never met, a learning rate that is too high, "
            "labels that are mixed up"
        ),
        remedy="a lower learning rate, or another objective",
        look=see_collapse,
        importance=190,
        explained_by=(
            "loss exploded",
            "dead ReLUs",
            "learning rate too high",
        ),
    ),
    Rule(
        name="similarity not symmetric",
        finds="The score of two images depends on their order.",
        needs=("a one-shot run", RECORDED),
        thresholds=(ASYMMETRY,),
        causes="two encoders that do not share their weights, dropout while scoring",
        remedy="share the weights; score without dropout",
        look=see_asymmetry,
        importance=180,
    ),
    Rule(
        name="too few classes",
        finds="What tells the classes of training apart does not tell others.",
        needs=("a one-shot run", "splits.csv", "training and validation accuracy"),
        thresholds=(FEW_CLASSES, SPECIAL),
        causes="validation alphabets whose characters are more alike",
        remedy="more classes to train on, generated ones too, rather than more images of each",
        look=see_few_classes,
        importance=170,
    ),
    Rule(
        name="validation easier than evaluation",
        finds="Validation tasks promise more than unseen alphabets keep.",
        needs=("a one-shot run", "summary.json"),
        thresholds=(HARDER,),
        causes="validation alphabets like those of training, too few of them",
        remedy="more training alphabets, generated ones too; other validation alphabets",
        look=see_easier_validation,
        importance=160,
    ),
)
