"""Rules about the learning rate: too high, or too low."""

import math

import numpy as np

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.curves.trends import Trend, read_trend
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.record import Curve
from dlpractice.diagnosis.remedies import lower_rate, raise_rate
from dlpractice.diagnosis.rule import SURE, Rule, Threshold
from dlpractice.diagnosis.rules.loss_curves import (
    HIGHEST_RATE,
    HOPELESS,
    MATTERS,
    smallest_change,
)

DIVERGED = Threshold("rise of the training loss over an earlier one", 0.5, "chosen: half as much again")
LEAP = Threshold(
    "rise from one epoch to the next, share of the level", 0.3, "chosen on the panel, seed 0 and 1"
)
LEAPS = Threshold("such rises", 3.0, "chosen: one or two are spikes")
LOWEST_RATE = Threshold("lowest usual learning rate", 1e-5, "a hundredth of AdamW's default")
CRAWL = Threshold(
    "fall of the training loss, share of its start", 0.25, "chosen: a learnt task falls further"
)
CRAWL_OF_TASKS = Threshold(
    "one-shot: fall of the training tasks' error, share of its start",
    0.1,
    "chosen on the panel, seeds 0 and 1: 0.02 at a thousandth of the rate, 0.23 or more in other runs",
)
STEADY = Threshold(
    "share of the fall that is in the second half", 0.25, "a cosine schedule spends 18 % of its rate there"
)
BURST = Threshold("training loss over what it ends at, where the accuracy did not rise", 100.0, "chosen")
NO_GAIN = Threshold("rise of the training accuracy since then, at most", 0.05, "chosen")


def see_high_rate(case: Case) -> Sign | None:
    """A training loss that rises, swings or leaps, or a rate far above what is usual and no progress."""
    evidence, rate = _describe_unrest(case), _peak_rate(case)
    high = rate is not None and rate > HIGHEST_RATE.value and not _is_sgd(case)
    if not evidence and not (high and not _has_learnt(case)):
        return None
    if high:
        evidence.append(f"the learning rate is {rate:.3g}, above the usual {HIGHEST_RATE.value:.3g}")
    sure = len(evidence) > 1 or case.trends["loss"].climb().relative > 2 * DIVERGED.value
    remedy = lower_rate(case.record.run, HIGHEST_RATE.value)
    return Sign("warning", "high" if sure else "medium", tuple(evidence), remedy, "loss")


def _describe_unrest(case: Case) -> list[str]:
    """The ways in which the training loss goes up where it should fall, a sentence each."""
    trend, matters, evidence = case.trends["loss"], smallest_change(case), []
    climb = trend.climb()
    if climb.deviations > SURE.value and climb.relative > DIVERGED.value and climb.amount > matters:
        evidence.append(
            f"the training loss rose from {climb.before:.3g} at epoch {climb.since:g} "
            f"to {climb.after:.3g} at epoch {climb.until:g}"
        )
    guess, worst = case.guessing_cost, int(trend.raw.argmax())
    if guess is not None and trend.raw[worst] > HOPELESS.value * guess:
        evidence.append(
            f"the training loss is {trend.raw[worst]:.3g} at epoch {trend.times[worst]:g}; guessing costs "
            f"{guess:.3g}"
        )
    if burst := _describe_burst(case):
        evidence.append(burst)
    if _is_by_epoch(case):
        before, after = trend.raw[:-1], trend.raw[1:]
        leaps = np.flatnonzero((after - before > matters) & (after > (1 + LEAP.value) * before))
        if len(leaps) >= LEAPS.value:
            most = leaps[(after - before)[leaps].argmax()]
            evidence.append(
                f"{len(leaps)} times it rose by more than {LEAP.value:.0%} from one epoch to the next, most "
                f"to {after[most]:.3g} at epoch {trend.times[most + 1]:g}"
            )
    return evidence


def _describe_burst(case: Case) -> str | None:
    """Describes a huge loss, in another library's log, that fell again while the accuracy did not rise.

    What guessing costs is not known there, so that a huge loss alone says nothing. None where there is none.
    """
    trend, accuracy = case.trends["loss"], case.trends.get("accuracy")
    if case.record.run is not None or accuracy is None:
        return None
    worst = int(trend.raw.argmax())
    gain = accuracy.end - accuracy.at(trend.times[worst])
    if trend.raw[worst] < BURST.value * abs(trend.end) or gain > NO_GAIN.value:
        return None
    fall = f"from {trend.raw[worst]:.3g} at epoch {trend.times[worst]:g} to {trend.end:.3g}"
    return f"the training loss fell {fall}, while the accuracy went nowhere ({accuracy.end:.1%} at the end)"


def see_low_rate(case: Case) -> Sign | None:
    """A training loss that has hardly fallen and falls as steadily at the end as at the start.

    In one-shot runs the error on training tasks takes its place: their loss takes similarities for logits,
    and cannot fall far where similarities have bounds.
    """
    trend, crawl, what = _pick_descent(case)
    last = len(trend.smooth) - 1
    whole, late = trend.change(0, last), trend.change(last // 2, last)
    rate = _peak_rate(case)
    low = rate is not None and rate < LOWEST_RATE.value
    falls = whole.deviations < -SURE.value and late.deviations < -SURE.value
    steady = falls and late.amount / whole.amount > STEADY.value
    if -whole.relative > crawl.value or not (steady or low):
        return None
    evidence = [f"in {last + 1} epochs the {what} went from {whole.before:.3g} to {whole.after:.3g}"]
    if steady:
        evidence.append(f"{late.amount / whole.amount:.0%} of that in the second half: it is on its way")
    if low:
        evidence.append(f"the learning rate is {rate:.3g}, below the usual {LOWEST_RATE.value:.3g}")
    sure = low and -whole.relative < crawl.value
    remedy = raise_rate(case.record.run, LOWEST_RATE.value)
    return Sign("warning", "high" if sure else "medium", tuple(evidence), remedy, "loss")


def _pick_descent(case: Case) -> tuple[Trend, Threshold, str]:
    """The trend that should fall, the share of its start by which it should at least, and its name."""
    accuracy = case.record.curve("accuracy")
    if case.record.run is not None and case.run.command == "oneshot" and accuracy is not None:
        error = read_trend(Curve(accuracy.at, tuple(1 - value for value in accuracy.values)))
        if error is not None:
            return error, CRAWL_OF_TASKS, "error on training tasks"
    return case.trends["loss"], CRAWL, "training loss"


def _peak_rate(case: Case) -> float | None:
    """The highest learning rate that was logged; None where none was."""
    curve = case.record.curve("learning_rate")
    return None if curve is None else max((v for v in curve.values if math.isfinite(v)), default=None)


def _is_by_epoch(case: Case) -> bool:
    """Whether the training loss is logged about as often as the validation loss.

    Where it is logged more often it is that of single batches, which leaps in healthy runs too.
    """
    train, val = case.record.curve("loss"), case.record.curve("val_loss")
    return train is not None and val is not None and len(train) <= 2 * len(val)


def _is_sgd(case: Case) -> bool:
    return case.record.run is not None and case.run.setting("training.optimizer") == "sgd"


def _has_learnt(case: Case) -> bool:
    trend = case.trends["loss"]
    return trend.end < 0.5 * trend.start


RULES = (
    Rule(
        name="learning rate too high",
        finds="The training loss rises or swings, or the rate is far above the usual and little is learnt.",
        needs=("a trend of the training loss",),
        thresholds=(DIVERGED, MATTERS, HOPELESS, BURST, NO_GAIN, LEAP, LEAPS, HIGHEST_RATE, SURE),
        causes="unscaled inputs, batches too small, a few examples with huge losses",
        remedy="a lower learning rate, or a longer warm-up",
        look=see_high_rate,
        importance=220,
        explained_by=("dropout too high",),
        stops_training=True,
    ),
    Rule(
        name="learning rate too low",
        finds="The training loss has hardly fallen, and falls as steadily at the end as before.",
        needs=("a trend of the training loss",),
        thresholds=(CRAWL, CRAWL_OF_TASKS, STEADY, LOWEST_RATE, SURE),
        causes="vanishing gradients, frozen layers, far too few steps",
        remedy="a higher learning rate",
        look=see_low_rate,
        importance=210,
        explained_by=(
            "nothing is trained",
            "dead ReLUs",
            "probabilities taken for logits",
        ),
        stops_training=True,
    ),
)
