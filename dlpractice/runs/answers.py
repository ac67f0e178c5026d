"""What runs answered to the questions of a split: which were right, and which belong together.

This is the only reader of predictions.csv that says how sure an accuracy or a difference is.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.clusters import choose_crossed, choose_groups
from dlpractice.statistics.differences import paired_difference, paired_interval
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.quantiles import Z95
from dlpractice.statistics.shares import accuracy, clustered_accuracy, count_trials


class Item(NamedTuple):
    """One question: which class is the image at `path` of? `label` is the right answer.

    One-shot tasks ask about the same image again and again; `turn` counts the times before, from 0, in the
    order of the file. Tasks and their order are the same for all runs on the same data.
    """

    path: str
    label: str
    turn: int


@dataclass(frozen=True)
class Answers:
    """The answers of one run, or the mean answers of several runs, to N questions.

    items: the questions, each once, in the order of the file. correct: (N,) float64 in [0, 1], the share of
    runs that are right. losses: (N,) float64, the mean loss in nats; NaN where a run has none. groups: (N,)
    what each item belongs to, for intervals; () where all items are taken for independent. crossed: (N,) who
    made it, where that runs across the groups, see `choose_crossed`. distinct: how many different images
    one-shot tasks asked about; None for the images of a classifier, each asked about once.
    """

    items: tuple[Item, ...]
    correct: NDArray[np.float64]
    losses: NDArray[np.float64]
    groups: tuple[str, ...] = ()
    crossed: tuple[str, ...] = ()
    distinct: int | None = None

    def accuracy(self) -> Measure:
        """The mean of `correct`, clustered by `groups` where there are any; an image that is asked about
        repeatedly adds one trial at most.

        Raises:
            ValueError: there are no answers.
        """
        if self.distinct is None:
            return accuracy(self.correct, self.groups)
        return clustered_accuracy(self.correct, self.groups, self.distinct, self.crossed)

    def count_trials(self) -> float:
        """How many independent images the interval of `accuracy` is for; of a classifier's answers.

        Raises:
            ValueError: there are no answers.
        """
        return count_trials(self.correct, self.groups)

    def difference(self, other: Self) -> Measure:
        """The paired difference in accuracy, these answers less `other`, clustered by `groups` where there
        are any.

        Raises:
            ValueError: there are no answers, or they are to other questions.
        """
        theirs = other.in_order_of(self).correct
        return paired_difference(self.correct, theirs, self.groups, self.crossed)

    def difference_interval(self, other: Self, z: float = Z95) -> tuple[float, float]:
        """The interval of `difference` that reaches `z` standard errors.

        Raises:
            ValueError: as `difference`.
        """
        theirs = other.in_order_of(self).correct
        return paired_interval(self.correct, theirs, z, self.groups, self.crossed)

    def has_questions_of(self, other: Self) -> bool:
        """Whether both answer the same questions, in any order."""
        return set(self.items) == set(other.items)

    def in_order_of(self, other: Self) -> Self:
        """These answers in the order of the questions of `other`.

        Raises:
            ValueError: the questions are not the same.
        """
        if self.items == other.items:
            return self
        if not self.has_questions_of(other):
            raise ValueError("answers to other questions cannot be paired")
        place = {item: number for number, item in enumerate(self.items)}
        order = [place[item] for item in other.items]
        return replace(
            self,
            items=other.items,
            correct=self.correct[order],
            losses=self.losses[order],
            groups=tuple(self.groups[number] for number in order) if self.groups else (),
            crossed=tuple(self.crossed[number] for number in order) if self.crossed else (),
        )


def collect_answers(
    rows: Sequence[Mapping[str, Any]], splits: Sequence[Mapping[str, str]], *, of_tasks: bool
) -> Answers:
    """The answers in rows of predictions.csv, in their order.

    Args:
        splits: the rows of splits.csv, which say what is bound to what; an image that they lack is on its
            own.
        of_tasks: whether a one-shot run gave them. Its items belong to alphabets, or to classes where there
            is a single alphabet, see `choose_groups`, and what they are bound to is who drew them; those of a
            classifier belong to what they are bound to.
    """
    rows, splits = compose_names(rows), compose_names(splits)
    turns: Counter[str] = Counter()
    items = []
    for row in rows:
        items.append(Item(row["path"], row["label"], turns[row["path"]]))
        turns[row["path"]] += 1
    labels = [item.label for item in items]
    known = {row["path"]: row for row in splits}
    bound = [known[item.path]["bound"] if item.path in known else "" for item in items]
    answers = Answers(
        tuple(items),
        np.array([row["label"] == row["predicted"] for row in rows], np.float64),
        np.array([math.nan if row["loss"] is None else row["loss"] for row in rows], np.float64),
    )
    if not of_tasks:
        return replace(
            answers, groups=tuple(name or item.path for name, item in zip(bound, items, strict=True))
        )
    alphabets = [label.rpartition("/")[0] for label in labels]
    return replace(
        answers,
        groups=choose_groups(alphabets, labels),
        crossed=choose_crossed(alphabets, bound),
        distinct=len({known[item.path]["sha256"] if item.path in known else item.path for item in items}),
    )


def compose_names(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with all text in Unicode's NFC, so that runs on one data set ask the same on any system."""
    return [
        {
            key: unicodedata.normalize("NFC", value) if isinstance(value, str) else value
            for key, value in row.items()
        }
        for row in rows
    ]


def read_answers(run: RunDirectory, split: str) -> Answers:
    """The answers of a finished run to the questions of `split`, which is validation or test.

    Raises:
        RunError: the run has no predictions, or a file of it cannot be read.
    """
    rows = [row for row in run.predictions() if row["split"] == split]
    of_tasks = run.config_tree().get("command") == "oneshot"
    return collect_answers(rows, run.splits(), of_tasks=of_tasks)


def read_mean_answers(runs: Sequence[RunDirectory], split: str) -> Answers:
    """The mean answers of one or more finished runs to the questions of `split`.

    Raises:
        RunError: as `read_answers`, or the runs were not asked the same.
    """
    every = [read_answers(run, split) for run in runs]
    for run, answers in zip(runs, every, strict=True):
        if not answers.has_questions_of(every[0]):
            raise RunError(
                f"{run.path} scored other {split} images than {runs[0].path}",
                "the data changed between the runs: start the comparison again in another --run-dir",
            )
    return average_answers(every)


def average_answers(every: Sequence[Answers]) -> Answers:
    """The mean of one or more answers to the same questions, item by item, in the order of the first.

    Raises:
        ValueError: the questions are not the same.
    """
    first = every[0]
    aligned = [answers.in_order_of(first) for answers in every]
    return replace(
        first,
        correct=np.mean([answers.correct for answers in aligned], axis=0),
        losses=np.mean([answers.losses for answers in aligned], axis=0),
    )
