"""Cases: a record together with what rules ask of it, which is trends, errors with intervals, a target."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dlpractice.diagnosis.curves.trends import Trend, read_trend
from dlpractice.diagnosis.record import Record, RunFacts
from dlpractice.statistics.clusters import effective_number
from dlpractice.statistics.differences import unpaired_interval
from dlpractice.statistics.quantiles import Z95
from dlpractice.statistics.shares import wilson

Interval = tuple[float, float]

_ERRORS_OF_NUMBERS = {"mae", "mse", "rmse", "mape", "msle", "r2", "absolute", "squared"}
_ROUNDED = 1e-3
_FOLLOWS, _NEXT_TO_NONE, _FALLEN = 0.1, 0.05, {True: 0.9, False: 0.5}


@dataclass(frozen=True)
class Target:
    """The error that could be reached on the data, a share in [0, 1], and the source that says so."""

    error: float
    source: str


TARGETS = {
    "cats-dogs": Target(0.008, "VGG16's last block, measured for configs/finetune/cats-dogs.yaml"),
    "digits": Target(0.009, "VGG16's fourth block, measured for configs/finetune/digits.yaml"),
    "omniglot": Target(0.015, "attentive recurrent comparators: Shyam, Gupta and Dukkipati 2017"),
}
"""The lowest known errors, by the name of the data set in a config."""


@dataclass(frozen=True)
class Errors:
    """The errors on training and validation at one epoch, with their 95 % intervals.

    epoch: the epoch whose weights the run kept; the last one, where that is not known.
    train, val: shares in [0, 1] that are answered wrong; train_interval, val_interval: of each.
    gap_interval: the interval of val - train. counted: True where the intervals come from the numbers of
    examples, False where they come from how the curves scatter. stage: the stage that the epoch is of, where
    that is not the last stage; else "". bound: how many validation images of how many groups there are, in
    words, where some are bound and count as less; else "".
    """

    epoch: float
    train: float
    val: float
    train_interval: Interval
    val_interval: Interval
    gap_interval: Interval
    counted: bool
    stage: str = ""
    bound: str = ""

    @property
    def gap(self) -> float:
        """Validation error minus training error: the variance."""
        return self.val - self.train

    def describe(self) -> str:
        """Both errors and their difference with its interval, in words."""
        low, high = self.gap_interval
        where = "95 % interval" if self.counted else "by the scatter of the curves"
        about = f"; {self.bound}" if self.bound else ""
        kept = f" of the stage {self.stage}, whose weights were kept" if self.stage else ""
        return (
            f"training error {self.train:.1%}, validation error {self.val:.1%} "
            f"at epoch {self.epoch:g}{kept}: {100 * self.gap:+.1f} points "
            f"({where} {100 * low:+.1f} to {100 * high:+.1f}{about})"
        )


@dataclass(frozen=True)
class Case:
    """A record as the rules see it.

    target: None where it is not known what could be reached. told: the number of classes, as the user gives
    it.
    """

    record: Record
    target: Target | None = None
    told: int | None = None

    @property
    def run(self) -> RunFacts:
        """What the run directory holds. Only rules with a need that a run directory meets may ask for it."""
        assert self.record.run is not None
        return self.record.run

    @cached_property
    def trends(self) -> Mapping[str, Trend]:
        """The trends by the names of their curves; curves with too few values have none."""
        found = {name: read_trend(curve) for name, curve in self.record.curves.items()}
        return {name: trend for name, trend in found.items() if trend is not None}

    @property
    def clock(self) -> str:
        """What the times of the curves count, in a word: epoch, step or entry."""
        return self.record.clock

    @cached_property
    def classes(self) -> int | None:
        """How many classes there are, where the run or the user says so; None for one-shot runs."""
        if self.record.run is None:
            recorded = self.record.recorded_start.get("classes")
            return self.told or recorded
        classes = len(set(self.run.labels("train"))) if self.run.command == "finetune" else 0
        return classes if classes > 1 else None

    @property
    def guessing_cost(self) -> float | None:
        """The loss of guessing among K classes, ln K in nats; None where their number is not known."""
        return None if self.classes is None else math.log(self.classes)

    @cached_property
    def is_regression(self) -> bool:
        """Whether the accuracy of somebody else's log does not follow its loss, and numbers are predicted.

        Then it counts predictions that meet a number exactly, and says nothing. A sign of it are columns
        such as `mae`, or next to no accuracy under a loss that fell by half.
        """
        loss, accuracy = self.record.curve("loss"), self.record.curve("accuracy")
        if self.record.run is not None or loss is None or accuracy is None:
            return False
        first, best = accuracy.values[0], float(np.nanmax(accuracy.array))
        follows = best - first > _FOLLOWS * (1 - first)
        left = loss.values[-1] / loss.values[0] if loss.values[0] > 0 else 1.0
        named = bool(_ERRORS_OF_NUMBERS & set(re.split(r"[^a-z0-9]+", " ".join(self.record.unused).lower())))
        return not follows and left < _FALLEN[named] and (named or best < _NEXT_TO_NONE)

    @cached_property
    def trials(self) -> tuple[float, float] | None:
        """How many independent examples are behind training and validation metrics; None if not known.

        Training metrics are measured on at most as many images as validation metrics, and images that are
        bound are taken to be worth as much there as in validation. The tasks of one-shot runs are not
        independent of each other: the interval of the result says for how many they count.
        """
        run = self.record.run
        if run is None or not run.splits:
            return None
        if run.command == "oneshot":
            return _count_tasks(run)
        bound, answers = run.bound("validation"), run.answers("validation")
        if not bound:
            return None
        # A run that goes on has no answers yet: then every group counts as one.
        found = answers.count_trials() if answers.items else effective_number(np.zeros(len(bound)), bound)
        return max(1.0, min(run.count("train"), len(bound)) / len(bound) * found), found

    @cached_property
    def bound(self) -> str:
        """How many validation images of how many groups there are, in words; "" where none are bound."""
        run = self.record.run
        bound = run.bound("validation") if run is not None else []
        groups = len(set(bound))
        return f"{len(bound):,} validation images of {groups:,} groups" if groups < len(bound) else ""

    @cached_property
    def errors(self) -> Errors | None:
        """The errors at the epoch whose weights the run kept, or else at the end of the trends."""
        curves = self.record.curves
        train, val = curves.get("accuracy"), curves.get("val_accuracy")
        if train is None or val is None or not len(train) or not len(val) or self.is_regression:
            return None
        low, high = (self.record.recorded_start.get("targets") or {}).get("sums") or (1.0, 1.0)
        if low < 1 - _ROUNDED or high > 1 + _ROUNDED:
            return None  # of several labels at once, Keras's accuracy compares one
        if self.trials is not None:
            epoch = self._kept_epoch()
            if epoch == 0:
                return self._errors_at_start()
            values = [dict(zip(c.at, c.values, strict=True)).get(epoch, math.nan) for c in (train, val)]
            if all(math.isfinite(value) for value in values):
                return _counted(epoch, 1 - values[0], 1 - values[1], self.trials, self.bound)
        ends = self.trends.get("accuracy"), self.trends.get("val_accuracy")
        return None if ends[0] is None or ends[1] is None else _scattered(ends[0], ends[1])

    def _errors_at_start(self) -> Errors | None:
        """The errors of a run that kept the weights its last stage began with.

        They were measured in the stage before, which made those weights; None where it did not measure them.
        """
        row = self.run.start or {}
        if row.get("accuracy") is None or row.get("val_accuracy") is None or self.trials is None:
            return None
        wrong = 1 - row["accuracy"], 1 - row["val_accuracy"]
        errors = _counted(float(row["epoch"]), *wrong, self.trials, self.bound)
        return replace(errors, stage=str(row["stage"]))

    def _kept_epoch(self) -> float:
        """The epoch of the last stage whose weights the run kept; 0 where it kept those the stage began with.

        A run that goes on would keep its best epoch so far: that of the lowest validation loss, or in
        one-shot runs that of the highest accuracy on validation tasks.
        """
        best = (self.run.summary or {}).get("best_epoch")
        if best is not None:
            return float(best)
        tasks = self.run.command == "oneshot"
        curve = self.record.curve("val_accuracy" if tasks else "val_loss")
        if curve is None:
            return self.record.curves["val_accuracy"].at[-1]
        ranks = [(-value if tasks else value, at) for value, at in zip(curve.values, curve.at, strict=True)]
        if self.run.start is not None:
            ranks.insert(0, (float(self.run.start["val_loss"]), 0.0))
        return min(ranks, key=lambda pair: (math.isnan(pair[0]), pair))[1]


def open_case(record: Record, target_error: float | None = None, classes: int | None = None) -> Case:
    """Makes the case of a record.

    target_error: the error that could be reached, a share in [0, 1]; None takes the lowest one that is known
    for the run's data set, if there is one. classes: how many there are, for a log that does not say so.
    """
    if target_error is not None:
        return Case(record, Target(target_error, "--target-error"), classes)
    source = record.run.setting("data.source") if record.run is not None else None
    return Case(record, TARGETS.get(str(source)), classes)


def _counted(epoch: float, train: float, val: float, trials: tuple[float, float], bound: str) -> Errors:
    n_train, n_val = trials
    return Errors(
        epoch,
        train,
        val,
        wilson(min(max(train, 0.0), 1.0), n_train),
        wilson(min(max(val, 0.0), 1.0), n_val),
        unpaired_interval(val, n_val, train, n_train),
        counted=True,
        bound=bound,
    )


def _scattered(train: Trend, val: Trend) -> Errors:
    """The errors at the end of a log that does not say how many examples there are.

    Their intervals come from how far the accuracies scatter from epoch to epoch.
    """
    # A trend may lie a little above the highest accuracy there is.
    ends = [(max(0.0, 1 - trend.end), Z95 * float(trend.errors[-1])) for trend in (train, val)]
    (a, spread_a), (b, spread_b) = ends
    spread = math.hypot(spread_a, spread_b)
    return Errors(
        float(val.times[-1]),
        a,
        b,
        (a - spread_a, a + spread_a),
        (b - spread_b, b + spread_b),
        (b - a - spread, b - a + spread),
        counted=False,
    )


def _count_tasks(run: RunFacts) -> tuple[int, int] | None:
    measure = ((run.summary or {}).get("results") or {}).get("val_accuracy")
    if not measure:
        return None
    low, high = measure["ci95"]
    share = min(max(measure["value"], 0.01), 0.99)
    effective = round(share * (1 - share) * (2 * Z95 / max(high - low, 1e-3)) ** 2)
    n = max(1, min(int(measure["n"]), effective))
    return n, n
