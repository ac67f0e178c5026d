"""Rules about the optimisation: losses that explode, swing, crawl, or have not yet arrived."""

import math

import numpy as np

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.curves.trends import Trend, read_trend
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.record import Curve
from dlpractice.diagnosis.remedies import lower_rate, raise_rate, train_longer
from dlpractice.diagnosis.rules.rule import Rule, Threshold
from dlpractice.diagnosis.rules.signals import list_update_ratios

SURE = 3.0
"""Standard errors from which a change counts as seen: one in a thousand by chance, where a test is made once.
The lowest place of a curve is picked among many, which makes such chances likelier; three leaves room."""
_SURE = Threshold("standard errors of a change", SURE, "one-sided chance of 0.1 %")

DIVERGED = Threshold("rise of the training loss over an earlier one", 0.5, "chosen: half as much again")
MATTERS = Threshold(
    "that rise, leap or spike, share of what guessing costs, or of the first loss",
    0.05,
    "chosen on the panel, seed 0: below, a loss is as good as zero",
)
STILL = Threshold("range of a loss over all epochs, share of its level", 1e-6, "ten times float32's rounding")
LEAP = Threshold(
    "rise from one epoch to the next, share of the level", 0.3, "chosen on the panel, seed 0 and 1"
)
LEAPS = Threshold("such rises", 3.0, "chosen: one or two are spikes")
HIGHEST_RATE = Threshold(
    "highest usual learning rate", 0.05, "50 times AdamW's default of 1e-3 (Kingma and Ba 2015)"
)
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
UNFINISHED = Threshold(
    "fall of the validation loss in the last fifth, share of its level", 0.05, "chosen: 5 % is worth epochs"
)
BURST = Threshold("training loss over what it ends at, where the accuracy did not rise", 100.0, "chosen")
NO_GAIN = Threshold("rise of the training accuracy since then, at most", 0.05, "chosen")
HOPELESS = Threshold("training loss over what guessing costs", 10.0, "chosen on the panel, seed 0")
OF_FALL = Threshold("that fall, share of the whole fall", 0.05, "chosen: less is the tail of any curve")
_FEWEST_STILL = 3
SPIKE = Threshold("distance of a spike from the trend, in standard deviations", 10.0, "chosen")


def see_explosion(case: Case) -> Sign | None:
    """Losses that are NaN, infinite, or beyond any use."""
    for name in ("loss", "val_loss"):
        curve = case.record.curve(name)
        bad = [] if curve is None else np.flatnonzero(~np.isfinite(curve.array)).tolist()
        if curve is not None and bad:
            text = f"{name} is {curve.values[bad[0]]} at {_time(curve.at[bad[0]])} of {len(curve)}"
            return Sign("error", "high", (text,), lower_rate(case.record.run, HIGHEST_RATE.value))
    curve, guess = case.record.curve("loss"), _guessing_cost(case)
    if curve is None or guess is None or curve.values[-1] < HOPELESS.value * guess:
        return None
    text = f"the training loss is {curve.values[-1]:.3g} at the end; guessing costs {guess:.3g}"
    return Sign("error", "high", (text,), lower_rate(case.record.run, HIGHEST_RATE.value), "loss")


def see_standstill(case: Case) -> Sign | None:
    """Steps that move no weight, or a loss that is the same after every epoch. Validation's, where there is
    one: it is measured without what differs from step to step."""
    ratios = list_update_ratios(case) if case.record.run is not None else []
    if ratios and not any(ratio for ratio, _, _ in ratios):
        epochs = len({epoch for _, _, epoch in ratios})
        text = f"in none of {epochs} epochs a step moved the weights of any layer that is to be trained"
        return Sign("error", "high", (text,))
    name = "val_loss" if case.record.curve("val_loss") is not None else "loss"
    values = case.record.curves[name].array
    if len(values) < _FEWEST_STILL or not np.isfinite(values).all() or values.max() <= 0:
        return None
    if float(np.ptp(values)) > STILL.value * float(values.max()):
        return None
    text = f"{name} is {values[-1]:.6g} after each of {len(values)} epochs, from the first to the last"
    return Sign("error", "high", (text,), (), name)


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
    """How the training loss moves up where it should fall."""
    trend, matters, evidence = case.trends["loss"], _what_matters(case), []
    climb = trend.climb()
    if climb.deviations > SURE and climb.relative > DIVERGED.value and climb.amount > matters:
        evidence.append(
            f"the training loss rose from {climb.before:.3g} at {_time(climb.since)} to {climb.after:.3g} at "
            f"{_time(climb.until)}"
        )
    guess, worst = _guessing_cost(case), int(trend.raw.argmax())
    if guess is not None and trend.raw[worst] > HOPELESS.value * guess:
        evidence.append(
            f"the training loss is {trend.raw[worst]:.3g} at {_time(trend.times[worst])}; guessing costs "
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
                f"to {after[most]:.3g} at {_time(trend.times[most + 1])}"
            )
    return evidence


def _describe_burst(case: Case) -> str | None:
    """A huge loss in somebody else's log that came down to nothing better: what guessing costs there is not
    known, but the accuracy is as it was."""
    trend, accuracy = case.trends["loss"], case.trends.get("accuracy")
    if case.record.run is not None or accuracy is None:
        return None
    worst = int(trend.raw.argmax())
    gain = accuracy.end - accuracy.at(trend.times[worst])
    if trend.raw[worst] < BURST.value * abs(trend.end) or gain > NO_GAIN.value:
        return None
    fall = f"from {trend.raw[worst]:.3g} at {_time(trend.times[worst])} to {trend.end:.3g}"
    return f"the training loss fell {fall}, while the accuracy went nowhere ({accuracy.end:.1%} at the end)"


def see_low_rate(case: Case) -> Sign | None:
    """A training loss that has hardly fallen and falls as steadily at the end as at the start.

    In one-shot runs it is the error: their loss takes similarities for logits, and does not fall far where
    those have bounds.
    """
    trend, crawl, what = _pick_descent(case)
    last = len(trend.smooth) - 1
    whole, late = trend.change(0, last), trend.change(last // 2, last)
    rate = _peak_rate(case)
    low = rate is not None and rate < LOWEST_RATE.value
    falls = whole.deviations < -SURE and late.deviations < -SURE
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
    """What should fall, how far at least, and its name."""
    accuracy = case.record.curve("accuracy")
    if case.record.run is not None and case.run.command == "oneshot" and accuracy is not None:
        error = read_trend(Curve(accuracy.at, tuple(1 - value for value in accuracy.values)))
        if error is not None:
            return error, CRAWL_OF_TASKS, "error on training tasks"
    return case.trends["loss"], CRAWL, "training loss"


def see_unfinished(case: Case) -> Sign | None:
    """A validation loss that still falls at the end."""
    trend = case.trends["val_loss"]
    tail, fall = trend.tail(0.2), trend.start - float(trend.smooth.min())
    if tail.deviations > -SURE or -tail.relative < UNFINISHED.value or -tail.amount < OF_FALL.value * fall:
        return None
    text = (
        f"from {_time(tail.since)} on the validation loss fell by {-tail.relative:.0%}, to {tail.after:.3g}"
    )
    return Sign("info", "medium", (text,), train_longer(case.record.run), "val_loss")


def see_spikes(case: Case) -> Sign | None:
    """Single training losses far above the trend."""
    trend = case.trends["loss"]
    middle = np.median(np.stack([np.roll(trend.raw, 1), trend.raw, np.roll(trend.raw, -1)]), axis=0)
    off = trend.raw - middle
    scale = max(trend.noise, 0.05 * float(np.median(trend.raw)))
    least = max(SPIKE.value * scale, _what_matters(case))
    found = [place for place in range(1, len(off) - 1) if off[place] > least]
    if not found:
        return None
    worst = max(found, key=lambda place: off[place])
    text = f"{len(found)} times, most at {_time(trend.times[worst])}: {trend.raw[worst]:.3g}"
    return Sign("info", "medium", (text,), lower_rate(case.record.run, HIGHEST_RATE.value), "loss")


def _peak_rate(case: Case) -> float | None:
    """The highest learning rate: as logged, since warm-up and the finder have their say, or as configured."""
    curve = case.record.curve("learning_rate")
    return None if curve is None else max((v for v in curve.values if math.isfinite(v)), default=None)


def _is_by_epoch(case: Case) -> bool:
    """Whether the training loss is logged about as often as validation's: that of single batches leaps."""
    train, val = case.record.curve("loss"), case.record.curve("val_loss")
    return train is not None and val is not None and len(train) <= 2 * len(val)


def _what_matters(case: Case) -> float:
    """The smallest change of the training loss that is worth a word, in its unit."""
    return MATTERS.value * (_guessing_cost(case) or case.trends["loss"].start)


def _guessing_cost(case: Case) -> float | None:
    """ln K, in nats; None where the run is none of ours that classifies."""
    if case.record.run is None or case.run.command != "finetune":
        return None
    classes = len(set(case.run.labels("train")))
    return math.log(classes) if classes > 1 else None


def _is_sgd(case: Case) -> bool:
    return case.record.run is not None and case.run.setting("training.optimizer") == "sgd"


def _has_learnt(case: Case) -> bool:
    trend = case.trends["loss"]
    return trend.end < 0.5 * trend.start


def _time(at: float) -> str:
    return f"epoch {at:g}"


EXPLODED = Rule(
    "loss exploded",
    "A loss is NaN, infinite, or many times what guessing costs; the training is lost.",
    ("training loss",),
    (HOPELESS,),
    "a learning rate that is too high, unscaled inputs, a logarithm of zero in a loss, float16 overflow",
    "a lower learning rate",
    see_explosion,
)
STANDSTILL = Rule(
    "nothing is trained",
    "A loss is the same after every epoch, or, where that is recorded, no step moves a weight.",
    ("training loss",),
    (STILL,),
    "a frozen head, an optimiser without the net's variables, dead units, a rate of zero, a rounded log",
    "find out why no weight moves before anything else: what is frozen, and what the optimiser is given",
    see_standstill,
)
HIGH_RATE = Rule(
    "learning rate too high",
    "The training loss rises or swings, or the rate is far above the usual and little is learnt.",
    ("a trend of the training loss",),
    (DIVERGED, MATTERS, HOPELESS, BURST, NO_GAIN, LEAP, LEAPS, HIGHEST_RATE, _SURE),
    "unscaled inputs, batches too small, a few examples with huge losses",
    "a lower learning rate, or a longer warm-up",
    see_high_rate,
)
LOW_RATE = Rule(
    "learning rate too low",
    "The training loss has hardly fallen, and falls as steadily at the end as before.",
    ("a trend of the training loss",),
    (CRAWL, CRAWL_OF_TASKS, STEADY, LOWEST_RATE, _SURE),
    "vanishing gradients, frozen layers, far too few steps",
    "a higher learning rate",
    see_low_rate,
)
UNFINISHED_RUN = Rule(
    "still improving",
    "The validation loss still falls at the end.",
    ("a trend of the validation loss",),
    (UNFINISHED, OF_FALL, _SURE),
    "a schedule that ends too early",
    "more epochs",
    see_unfinished,
)
SPIKES = Rule(
    "spikes",
    "Single training losses stand far above the trend.",
    ("a trend of the training loss",),
    (SPIKE, MATTERS),
    "a batch with bad examples, a learning rate at the edge of what is stable",
    "a somewhat lower learning rate, or a look at the examples of that epoch",
    see_spikes,
)
