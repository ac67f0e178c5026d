"""Rules about the split: copies across it, classes that differ, a test scored twice, too few images."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Severity, Sign
from dlpractice.diagnosis.remedies import balance, name_remedy, regularise
from dlpractice.diagnosis.rule import UNTRAINED, Rule, Threshold

SHIFT = Threshold("chance of the classes' counts, were the splits alike", 1e-3, "one in a thousand")
MOVED = Threshold("share of images that would have to change class", 0.1, "chosen")
IMBALANCE = Threshold("commonest class over rarest", 10.0, "as in the audit of the data")
ABSENT = Threshold("chance that a first batch lacks so many classes", 1e-3, "one in a thousand")
FEWEST_OF_CLASS = Threshold("validation images of a class that is never predicted", 5.0, "chosen")
FEW = Threshold("training images of a class, median", 20.0, "chosen")
WIDE = Threshold("half of the validation accuracy's interval", 0.05, "five points: what rules call a gap")
_NAMED = 3


def see_copies(case: Case) -> Sign | None:
    """Files that lie in two splits with the same bytes, and look-alikes that lie in two splits."""
    splits: dict[str, dict[str, str]] = defaultdict(dict)
    for row in case.run.splits:
        if row["sha256"]:
            splits[row["sha256"]][row["split"]] = row["path"]
    copies = [list(paths.values()) for paths in splits.values() if len(paths) > 1]
    split_of = {row["path"]: row["split"] for row in case.run.splits}
    crossing = [
        cluster
        for cluster in _near_duplicates(case)
        if len({split_of[path] for path in cluster["paths"] if path in split_of}) > 1
    ]
    alike = [cluster["paths"] for cluster in crossing if not cluster["fixed_scene"]]
    scenes = [cluster["paths"] for cluster in crossing if cluster["fixed_scene"]]
    if not copies and not crossing:
        return None
    evidence = [
        f"{len(found)} {what} in two splits: {', '.join(map(_show, found[:_NAMED]))}"
        for found, what in ((copies, "equal files"), (alike, "look-alikes"), (scenes, "fixed scenes"))
        if found
    ]
    paths = tuple(path for inside in (*copies, *alike, *scenes) for path in inside)
    severity: Severity = "error" if copies else "warning" if alike else "info"
    return Sign(severity, "high" if copies or alike else "low", tuple(evidence), (), "", paths)


def _near_duplicates(case: Case) -> list[dict[str, Any]]:
    """The clusters of images that look the same; runs of earlier versions have them in pairs."""
    clusters = (case.run.audit or {}).get("near_duplicates") or []
    return [
        cluster if isinstance(cluster, dict) else {"paths": list(cluster), "fixed_scene": False}
        for cluster in clusters
    ]


def _show(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return " = ".join(paths[:_NAMED]) + more


def see_class_shift(case: Case) -> Sign | None:
    """Class shares of validation or test that differ from training's by more than chance."""
    from scipy.stats import chi2_contingency

    train = Counter(case.run.labels("train"))
    evidence = []
    for split in ("validation", "test"):
        other = Counter(case.run.labels(split))
        names = sorted({*train, *other})
        counts = np.array([[counter[name] for name in names] for counter in (train, other)])
        if not counts.sum(axis=1).all() or len(names) < 2:
            continue
        chance = float(chi2_contingency(counts).pvalue)
        shares = counts / counts.sum(axis=1, keepdims=True)
        moved = float(np.abs(shares[0] - shares[1]).sum() / 2)
        if chance < SHIFT.value and moved > MOVED.value:
            worst = names[int(np.abs(shares[0] - shares[1]).argmax())]
            first, second = shares[:, names.index(worst)]
            evidence.append(
                f"{moved:.0%} of the {split} images would have to change class: {worst} has {first:.0%} in "
                f"training, {second:.0%} in {split}"
            )
    return Sign("warning", "high", tuple(evidence)) if evidence else None


def see_repeated_test(case: Case) -> Sign | None:
    """A test split that was scored more than once."""
    times = (case.run.summary or {}).get("test_scored", 1)
    if times <= 1:
        return None
    text = f"the test split was scored {times} times; a choice between the scores makes the best one flatter"
    return Sign("warning", "high", (text,))


def see_imbalance(case: Case) -> Sign | None:
    """Training classes of very different sizes, where the loss does not weigh classes alike."""
    if case.record.run is None:
        return _see_absence(case.record.recorded_start)
    counts = Counter(case.run.labels("train"))
    if len(counts) < 2 or case.run.setting("training.class_weights") == "balanced":
        return None
    (most, n_most), (least, n_least) = counts.most_common()[0], counts.most_common()[-1]
    if n_most < IMBALANCE.value * n_least:
        return None
    text = f"{n_most} training images of {most}, {n_least} of {least}"
    return Sign("warning", "high", (text,), balance(case.run))


def _see_absence(start: Mapping[str, Any]) -> Sign | None:
    """Classes that a first batch lacks though chance would have brought them, were all as frequent."""
    targets = start.get("targets") or {}
    counts = (targets.get("counts") or []) if targets.get("whole") else []
    there, classes, drawn = sum(count > 0 for count in counts), len(counts), sum(counts)
    # The expected number of sets of so many classes that hold the whole batch bounds the chance of any.
    if not 0 < there < classes or math.comb(classes, there) * (there / classes) ** drawn > ABSENT.value:
        return None
    text = f"the first batch, {drawn} examples, has {there} of {classes} classes"
    return Sign("warning", "medium", (text,))


def see_unpredicted(case: Case) -> Sign | None:
    """Classes that validation has and the model never answers."""
    scored = case.run.scored("validation")
    counts, answered = Counter(row["label"] for row in scored), {row["predicted"] for row in scored}
    never = [name for name, n in counts.items() if n >= FEWEST_OF_CLASS.value and name not in answered]
    if not never:
        return None
    text = f"{len(never)} of {len(counts)} classes are never predicted: {', '.join(never[:_NAMED])}"
    return Sign("warning", "high", (text,), balance(case.run))


def see_few_images(case: Case) -> Sign | None:
    """So few training images of a class that each single one changes what is learnt."""
    counts = Counter(case.run.labels("train"))
    if not counts:
        return None
    middle = float(np.median(list(counts.values())))
    if middle >= FEW.value:
        return None
    text = f"{counts.total()} training images, {middle:g} of a class (median)"
    change = regularise(case.run)
    words = name_remedy(case.run, change)
    return Sign(
        "warning", "high", (text,), change, remedy=f"{words} first, then more images" if words else ""
    )


def see_small_validation(case: Case) -> Sign | None:
    """A validation split so small that choices between runs are made within its noise."""
    n = case.run.count("validation")
    errors = case.errors
    if not n or errors is None or not errors.counted:
        return None
    low, high = errors.val_interval
    if high - low < 2 * WIDE.value:
        return None
    images = case.bound or f"{n} validation images"
    text = (
        f"{images}: accuracy {1 - errors.val:.1%} could be {1 - high:.1%} to {1 - low:.1%}; "
        "smaller differences cannot be seen"
    )
    return Sign("info", "high", (text,))


RULES = (
    Rule(
        name="copies across splits",
        finds="Images of one split, or look-alikes, are in another: its score is flattered.",
        needs=("splits.csv",),
        thresholds=(),
        causes="frames of one film, images saved twice",
        remedy="give both to one split: a `group` column in the data's CSV does it",
        look=see_copies,
        importance=320,
    ),
    Rule(
        name="class shift",
        finds="Validation or test has other shares of the classes than training.",
        needs=("splits.csv", "a classification run"),
        thresholds=(SHIFT, MOVED),
        causes="splits by time or by source",
        remedy="divide anew, by class; or weigh the classes as they are in use",
        look=see_class_shift,
        importance=70,
        explained_by=("class imbalance",),
    ),
    Rule(
        name="test scored more than once",
        finds="The test is not unseen any more.",
        needs=("summary.json",),
        thresholds=(),
        causes="a run that was finished twice",
        remedy="report the first score, or take new images for the test",
        look=see_repeated_test,
        importance=60,
    ),
    Rule(
        name="class imbalance",
        finds="Some classes have many times the training images of others.",
        needs=("a classification",),
        thresholds=(IMBALANCE, ABSENT),
        causes=(
            "classes that are as rare in use: then accuracy is the wrong measure, not the split; batches "
            "that are not shuffled"
        ),
        remedy="weigh the classes alike, or collect more of the rare ones",
        look=see_imbalance,
        importance=150,
    ),
    Rule(
        name="class never predicted",
        finds="The model never answers with some class that validation has.",
        needs=("predictions.csv", "a classification run"),
        thresholds=(FEWEST_OF_CLASS,),
        causes="imbalance, labels that do not belong to their images, a net that has not learnt yet",
        remedy="weigh the classes alike, or collect more of that class",
        look=see_unpredicted,
        importance=140,
        explained_by=(
            UNTRAINED,
            "class imbalance",
            "accuracy at chance",
            "dropout too high",
            "underfitting",
        ),
    ),
    Rule(
        name="too few images",
        finds="Training has fewer images of a class than show what is typical of it.",
        needs=("splits.csv", "a classification run"),
        thresholds=(FEW,),
        causes="a share for training that is too small",
        remedy="more images",
        look=see_few_images,
        importance=130,
    ),
    Rule(
        name="validation too small",
        finds="Choices between runs are made within the noise.",
        needs=("splits.csv", "training and validation accuracy", "a classification run"),
        thresholds=(WIDE,),
        causes="few images in all",
        remedy="a larger share for validation, or several seeds",
        look=see_small_validation,
        importance=20,
    ),
)
