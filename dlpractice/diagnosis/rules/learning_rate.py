"""Rules about the learning rate: too high, or too low."""

import math

import numpy as np

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.curves.chance import chance_of_sharing
from dlpractice.diagnosis.curves.trends import Change, Trend, read_trend
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.guessing import FLAT, find_guessing_cost, starts_at_guessing
from dlpractice.diagnosis.record import Curve, Floats
from dlpractice.diagnosis.remedies import lower_rate, raise_rate
from dlpractice.diagnosis.rule import SURE, Rule, Threshold
from dlpractice.diagnosis.rules.bias_and_variance import LITTLE_LEFT, rising_loss
from dlpractice.diagnosis.rules.loss_curves import (
    HIGHEST_RATE,
    HOPELESS,
    LEAPT_OFF,
    MATTERS,
    describe_first_leap,
    smallest_change,
)
from dlpractice.diagnosis.rules.validation import see_chance

DIVERGED = Threshold("rise of the training loss over an earlier one", 0.5, "chosen: half as much again")
UNDONE = Threshold(
    "that rise in a log, whose losses need not end at 0, share of the fall before it",
    0.25,
    "chosen: a quarter of what was gained",
)
LEAP = Threshold(
    "rise from one epoch to the next, share of the level, or of what it lies above its lowest",
    0.3,
    "chosen on the panel, seed 0 and 1",
)
LEAPS = Threshold("such rises", 3.0, "chosen: one or two are spikes")
SHARED = Threshold("chance that so many leaps of two losses coincide", 1e-3, "noise of batches is their own")
RESTART = Threshold("learning rate after a restart over that before", 2.0, "chosen: warm restarts tenfold it")
LOWEST_RATE = Threshold("lowest usual learning rate", 1e-5, "a hundredth of AdamW's default")
CRAWL = Threshold("fall of the training loss, share of its start", 0.25, "chosen: learnt tasks fall further")
CRAWL_OF_TASKS = Threshold(
    "one-shot: fall of the training tasks' error, share of its start",
    0.1,
    "chosen on the panel, seeds 0 and 1: 0.02 at a thousandth of the rate, 0.23 or more in other runs",
)
STEADY = Threshold(
    "share of the fall that is in the second half", 0.25, "a cosine schedule spends 18 % of its rate there"
)
STRAIGHT = Threshold(
    "that share in a log of losses, whose lowest possible value is not known",
    0.4,
    "an exponential fall has it where 45 % of the way are still to go",
)


def see_high_rate(case: Case) -> Sign | None:
    """A training loss that rises, swings or leaps, or a rate far above what is usual and no progress."""
    evidence, rate = _describe_unrest(case), _peak_rate(case)
    high = rate is not None and rate > HIGHEST_RATE.value and not _is_sgd(case)
    if not evidence and not (high and _has_not_learnt(case)):
        return None
    if high:
        evidence.append(f"the learning rate is {rate:.3g}, above the usual {HIGHEST_RATE.value:.3g}")
    climb = find_climb(case)
    sure = len(evidence) > 1 or (climb is not None and _is_plain(case, climb))
    remedy = lower_rate(case.record.run, HIGHEST_RATE.value)
    return Sign("warning", "high" if sure else "medium", tuple(evidence), remedy, "loss")


def _describe_unrest(case: Case) -> list[str]:
    """The ways in which the training loss goes up where it should fall, a sentence each."""
    trend, leap = case.trends["loss"], describe_first_leap(case)
    evidence = [leap] if leap else []
    if (climb := find_climb(case)) is not None:
        evidence.append(
            f"the training loss rose from {climb.before:.3g} at {case.clock} {climb.since:g} "
            f"to {climb.after:.3g} at {case.clock} {climb.until:g}"
        )
    guess, worst = case.guessing_cost or find_guessing_cost(case), int(trend.raw.argmax())
    if guess is not None and trend.raw[worst] > HOPELESS.value * guess:
        evidence.append(
            f"the training loss is {trend.raw[worst]:.3g} at {case.clock} {trend.times[worst]:g}; "
            f"guessing costs {guess:.3g}"
        )
    leaps = _find_leaps(case)
    if len(leaps) >= LEAPS.value:
        most = leaps[np.diff(trend.raw)[leaps].argmax()]
        evidence.append(
            f"{len(leaps)} times it leapt from one {case.clock} to the next, most from "
            f"{trend.raw[most]:.3g} to {trend.raw[most + 1]:.3g} at {case.clock} {trend.times[most + 1]:g}"
            + ("" if case.record.measures_alike else ", and the validation loss with it")
        )
    return evidence


def find_climb(case: Case) -> Change | None:
    """The climb of the training loss, where it is no noise and undoes much; None where there is none.

    A log's loss is that of batches: where it has a validation loss, that must have risen, too. Where batches
    are too noisy to show a climb, that of validation counts, if the training loss rises along.
    """
    trend, val = case.trends["loss"], case.trends.get("val_loss")
    climbs = trend.climbs()
    if case.record.measures_alike:
        climb = next(climbs)
        seen = climb.deviations > SURE.value and climb.amount > smallest_change(case)
        return climb if seen and climb.relative > DIVERGED.value else None
    for climb in climbs:
        if _undoes_much(case, trend, climb) and (val is None or val.at(climb.until) > val.at(climb.since)):
            return climb
    if val is None:
        return None
    for climb in val.climbs():
        if _undoes_much(case, val, climb) and trend.rises(climb.since, climb.until):
            return trend.between(climb.since, climb.until)
    return None


def _undoes_much(case: Case, trend: Trend, climb: Change) -> bool:
    """Whether a climb in somebody else's log undoes much of what was gained before it, and no restart of the
    learning rate explains it."""
    if climb.deviations <= SURE.value or climb.amount <= SURE.value * trend.noise:
        return False
    return climb.amount > UNDONE.value * _gain_before(trend, climb) and not _list_restarts(
        case, climb.since, climb.until
    )


def _gain_before(trend: Trend, climb: Change) -> float:
    return max(trend.start, float(trend.smooth[trend.times <= climb.since].max())) - climb.before


def _is_plain(case: Case, climb: Change) -> bool:
    """Whether the loss doubled, or in a log stands above all that was before it."""
    if case.record.measures_alike:
        return climb.relative > 2 * DIVERGED.value
    return climb.amount > _gain_before(case.trends["loss"], climb)


def _find_leaps(case: Case) -> list[int]:
    """The places from which on the training loss leaps to the next one.

    Where a loss is logged more often than the validation loss it is that of single batches, which leaps in
    healthy runs too. Where it is measured otherwise, it must leap with the validation loss more often than by
    chance: then it is the net that changes.
    """
    train, val = case.record.curve("loss"), case.record.curve("val_loss")
    if train is None or val is None or len(train) > 2 * len(val):
        return []
    trend, seen = case.trends["loss"], smallest_change(case)
    leaps = _leaps_of(trend.raw, seen, case.record.measures_alike) - set(
        _list_restarts(case, float(trend.times[0]), float(trend.times[-1]))
    )
    if not case.record.measures_alike:
        other = case.trends.get("val_loss")
        if other is None or len(other.raw) != len(trend.raw):
            return []
        others = _leaps_of(other.raw, MATTERS.value * other.fall, False)
        if chance_of_sharing(leaps, others, len(trend.raw) - 1) > SHARED.value:
            return []
        leaps &= others
    return sorted(leaps)


def _leaps_of(values: Floats, least: float, ends_at_zero: bool) -> set[int]:
    above = values[:-1] - (0.0 if ends_at_zero else values.min())
    steps = np.diff(values)
    return set(np.flatnonzero((steps > least) & (steps > LEAP.value * above)).tolist())


def _list_restarts(case: Case, since: float, until: float) -> list[int]:
    """The places of the training loss after which the logged learning rate was raised again after it had
    fallen, between two times."""
    rates, trend = case.record.curve("learning_rate"), case.trends["loss"]
    if rates is None or len(rates) < 2:
        return []
    values = np.interp(trend.times, rates.times, rates.array)
    highest = np.maximum.accumulate(values)[:-1]
    restarts = (values[1:] > RESTART.value * values[:-1]) & (values[:-1] * RESTART.value < highest)
    return [
        int(place)
        for place in np.flatnonzero(restarts)
        if since <= trend.times[place + 1] and trend.times[place] <= until
    ]


def see_low_rate(case: Case) -> Sign | None:
    """A training loss that has hardly fallen and falls as steadily at the end as at the start.

    In one-shot runs the error on training tasks takes its place: their loss takes similarities for logits,
    and cannot fall far where similarities have bounds. A validation loss that rises, or few errors left, say
    that the steps were large enough.
    """
    if rising_loss(case) is not None or _is_learnt(case):
        return None
    trend, crawl, what = _pick_descent(case)
    last = len(trend.smooth) - 1
    whole, late = trend.change(0, last), trend.change(last // 2, last)
    rate = _peak_rate(case)
    low = rate is not None and rate < LOWEST_RATE.value
    falls = whole.deviations < -SURE.value and late.deviations < -SURE.value
    least = STEADY if case.record.measures_alike else STRAIGHT
    steady = falls and late.amount / whole.amount > least.value
    if whole.before <= 0 or -whole.relative > crawl.value or not _is_scale_known(case):
        return None
    if not (steady or (low and case.record.run is not None)):
        return None
    until = f"up to {case.clock} {whole.until:g}"
    evidence = [f"{until} the {what} went from {whole.before:.3g} to {whole.after:.3g}"]
    if steady:
        evidence.append(f"{late.amount / whole.amount:.0%} of that in the second half: it is on its way")
    if low:
        evidence.append(f"the learning rate is {rate:.3g}, below the usual {LOWEST_RATE.value:.3g}")
    remedy = raise_rate(case.record.run, LOWEST_RATE.value)
    return Sign("warning", "high" if low else "medium", tuple(evidence), remedy, "loss")


def _is_scale_known(case: Case) -> bool:
    """Whether it is known that the loss could fall to about 0, as those of runs of `dlp` can and those of
    classifiers, which start where guessing is. Those of language models and many others cannot."""
    return case.errors is not None or starts_at_guessing(case, FLAT.value)


def _is_learnt(case: Case) -> bool:
    """Whether few training answers of somebody else's log are wrong. A run of `dlp` is judged by its loss."""
    return case.record.run is None and case.errors is not None and case.errors.train < LITTLE_LEFT.value


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


def _is_sgd(case: Case) -> bool:
    return case.record.run is not None and case.run.setting("training.optimizer") == "sgd"


def _has_not_learnt(case: Case) -> bool:
    """Whether little was learnt. In logs of others, of any loss and of SGD, whose rates are higher, it takes
    answers like those of guessing."""
    if case.record.run is None:
        return see_chance(case) is not None
    trend = case.trends["loss"]
    return trend.end >= 0.5 * trend.start


RULES = (
    Rule(
        name="learning rate too high",
        finds="The training loss rises or swings, or the rate is far above the usual and little is learnt.",
        needs=("a trend of the training loss",),
        thresholds=(
            DIVERGED,
            UNDONE,
            MATTERS,
            HOPELESS,
            LEAP,
            LEAPS,
            SHARED,
            RESTART,
            LEAPT_OFF,
            HIGHEST_RATE,
            SURE,
        ),
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
        thresholds=(CRAWL, CRAWL_OF_TASKS, STEADY, STRAIGHT, FLAT, LITTLE_LEFT, LOWEST_RATE, SURE),
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
