"""What runs answered to the questions of a split: which were right, and which belong together.

This is the only reader of predictions.csv that says how sure an accuracy or a difference is.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

    items: the questions, sorted. correct: (N,) float64 in [0, 1], the share of runs that are right. losses:
    (N,) float64, the mean loss in nats; NaN where a run has none. groups: (N,) what each item belongs to, for
    intervals; () where all items are taken for independent.
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
        if self.items != other.items:
            raise ValueError("a paired difference needs answers to the same questions")
        if not self.groups:
            return paired_difference(self.correct, other.correct)
        return clustered_difference(self.correct, other.correct, self.groups)


def collect_answers(rows: Sequence[Mapping[str, Any]], *, of_tasks: bool) -> Answers:
    """The answers in rows of predictions.csv, in any order.

    Args:
        of_tasks: whether a one-shot run gave them. Its items belong to alphabets, or to classes where there
            is a single alphabet, see `choose_groups`; the images of a classifier are taken for independent.
    """
    turns: Counter[str] = Counter()
    found: dict[Item, tuple[bool, float]] = {}
    for row in rows:
        item = Item(row["path"], row["label"], turns[row["path"]])
        turns[item.path] += 1
        found[item] = row["label"] == row["predicted"], math.nan if row["loss"] is None else row["loss"]
    items = tuple(sorted(found))
    labels = [item.label for item in items]
    return Answers(
        items,
        np.array([found[item][0] for item in items], np.float64),
        np.array([found[item][1] for item in items], np.float64),
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
        if answers.items != every[0].items:
            raise RunError(
                f"{run.path} scored other {split} images than {runs[0].path}",
                "the data changed between the runs: start the comparison again in another --run-dir",
            )
    return average_answers(every)


def average_answers(every: Sequence[Answers]) -> Answers:
    """The mean of one or more answers to the same questions, item by item."""
    return Answers(
        every[0].items,
        np.mean([answers.correct for answers in every], axis=0),
        np.mean([answers.losses for answers in every], axis=0),
        every[0].groups,
    )
