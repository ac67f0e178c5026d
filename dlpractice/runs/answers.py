"""What runs answered to the questions of a split: which were right, and which belong together.

This is the only reader of predictions.csv that says how sure an accuracy or a difference is.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory
from dlpractice.runs.listing import read_config_tree
from dlpractice.statistics.clusters import choose_groups
from dlpractice.statistics.differences import clustered_difference, paired_difference
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.shares import accuracy, clustered_accuracy


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
    what each item belongs to, for intervals; () where all items are taken for independent.
    """

    items: tuple[Item, ...]
    correct: NDArray[np.float64]
    losses: NDArray[np.float64]
    groups: tuple[str, ...] = ()

    def accuracy(self) -> Measure:
        """The mean of `correct`, clustered by `groups` where there are any; an image that is asked about
        repeatedly adds one trial at most.

        Raises:
            ValueError: there are no answers.
        """
        if not self.groups:
            return accuracy(self.correct)
        return clustered_accuracy(self.correct, self.groups, distinct=len({item.path for item in self.items}))

    def difference(self, other: Self) -> Measure:
        """The paired difference in accuracy, these answers less `other`, clustered by `groups` where there
        are any.

        Raises:
            ValueError: there are no answers, or they are to other questions.
        """
        theirs = other.in_order_of(self).correct
        if not self.groups:
            return paired_difference(self.correct, theirs)
        return clustered_difference(self.correct, theirs, self.groups)

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
        groups = tuple(self.groups[number] for number in order) if self.groups else ()
        return replace(
            self, items=other.items, correct=self.correct[order], losses=self.losses[order], groups=groups
        )


def collect_answers(rows: Sequence[Mapping[str, Any]], *, of_tasks: bool) -> Answers:
    """The answers in rows of predictions.csv, in their order.

    Args:
        of_tasks: whether a one-shot run gave them. Its items belong to alphabets, or to classes where there
            is a single alphabet, see `choose_groups`; the images of a classifier are taken for independent.
    """
    turns: Counter[str] = Counter()
    items = []
    for row in rows:
        items.append(Item(row["path"], row["label"], turns[row["path"]]))
        turns[row["path"]] += 1
    labels = [item.label for item in items]
    return Answers(
        tuple(items),
        np.array([row["label"] == row["predicted"] for row in rows], np.float64),
        np.array([math.nan if row["loss"] is None else row["loss"] for row in rows], np.float64),
        choose_groups([label.rpartition("/")[0] for label in labels], labels) if of_tasks else (),
    )


def read_answers(run: RunDirectory, split: str) -> Answers:
    """The answers of a finished run to the questions of `split`, which is validation or test.

    Raises:
        RunError: the run has no predictions, or a file of it cannot be read.
    """
    rows = [row for row in run.predictions() if row["split"] == split]
    return collect_answers(rows, of_tasks=read_config_tree(run).get("command") == "oneshot")


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
