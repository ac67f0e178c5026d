"""Rules about the curves of the losses: they explode, stand still, spike, or still fall at the end."""

import numpy as np

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.curves.chance import largest_by_chance
from dlpractice.diagnosis.curves.trends import Trend
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.record import CURVES, Floats
from dlpractice.diagnosis.remedies import lower_rate, train_longer
from dlpractice.diagnosis.rule import SURE, Rule, Threshold
from dlpractice.diagnosis.rules.layer_signals import list_update_ratios

HOPELESS = Threshold("training loss over what guessing costs", 10.0, "chosen on the panel, seed 0")
MATTERS = Threshold(
    "that rise, leap or spike, share of what guessing costs, or of the first loss, or in a log of the "
    "whole fall",
    0.05,
    "chosen on the panel, seed 0: below, a loss is as good as zero",
)
STILL = Threshold("range of a loss over all epochs, share of its size", 1e-6, "ten times float32's rounding")
NOTHING_LOST = Threshold(
    "highest loss", 1.3e-7, "Keras keeps probabilities 1e-7 from 0 and 1: such a loss is 0"
)
LEAPT_OFF = Threshold(
    "loss over the first epoch, over that before the first step", 3.0, "chosen: the loss should have fallen"
)
UNFINISHED = Threshold(
    "fall of the validation loss in the last fifth, share of the whole fall",
    0.05,
    "chosen: less is a curve's tail",
)
SPIKE = Threshold("distance of a spike from the trend, in standard deviations", 10.0, "chosen")
BY_CHANCE = Threshold(
    "chance that the largest value stands so far off", 0.01, "of the largest of many, with a log-normal tail"
)
HIGHEST_RATE = Threshold(
    "highest usual learning rate", 0.05, "50 times AdamW's default of 1e-3 (Kingma and Ba 2015)"
)
_FEWEST_STILL = 3


def see_explosion(case: Case) -> Sign | None:
    """Losses that are NaN, infinite, or beyond any use."""
    for name in ("loss", "val_loss"):
        curve = case.record.curve(name)
        bad = [] if curve is None else np.flatnonzero(~np.isfinite(curve.array)).tolist()
        if curve is not None and bad:
            text = (
                f"{name} is {curve.values[bad[0]]} at {case.clock} {curve.at[bad[0]]:g} of {curve.at[-1]:g}"
            )
            return Sign("error", "high", (text,), lower_rate(case.record.run, HIGHEST_RATE.value))
    curve, guess = case.record.curve("loss"), case.guessing_cost
    if curve is None or guess is None or curve.values[-1] < HOPELESS.value * guess:
        return None
    text = f"the training loss is {curve.values[-1]:.3g} at the end; guessing costs {guess:.3g}"
    return Sign("error", "high", (text,), lower_rate(case.record.run, HIGHEST_RATE.value), "loss")


def see_standstill(case: Case) -> Sign | None:
    """Steps that move no weight, or a loss that is the same after every epoch.

    The validation loss is taken where there is one: dropout and augmentation make a training loss move even
    where no weight does. A training loss that falls is learnt.
    """
    ratios = list_update_ratios(case) if case.record.run is not None else []
    if ratios and not any(ratio for ratio, _, _ in ratios):
        epochs = len({epoch for _, _, epoch in ratios})
        text = f"in none of {epochs} epochs a step moved the weights of any layer that is to be trained"
        return Sign("error", "high", (text,))
    name = "val_loss" if case.record.curve("val_loss") is not None else "loss"
    values = case.record.curves[name].array
    if len(values) < _FEWEST_STILL or not np.isfinite(values).all() or _is_nothing(values):
        return None
    train = case.trends.get("loss")
    learns = train is not None and train.change(0, len(train.raw) - 1).deviations < -SURE.value
    if float(np.ptp(values)) > STILL.value * float(np.abs(values).max()) or (learns and name != "loss"):
        return None
    text = f"{name} is {values[-1]:.6g} after each of {len(values)} {case.clock}s, from the first to the last"
    return Sign("error", "high", (text,), (), name)


def see_empty_loss(case: Case) -> Sign | None:
    """A loss that is 0 from the first epoch on, or one below 0 that stands still beside an accuracy."""
    values, accuracy = case.record.curves["loss"].array, case.record.curve("accuracy")
    wrong = (
        "" if accuracy is None else f", while {1 - accuracy.values[-1]:.1%} of the training answers are wrong"
    )
    if len(values) >= _FEWEST_STILL and np.isfinite(values).all() and _is_nothing(values):
        text = (
            f"the training loss is {values.max():.3g} at most from the first {case.clock} on: nothing is lost"
        )
        learnt = accuracy is not None and accuracy.values[-1] == 1
        return Sign("warning" if learnt else "error", "high", (text + ("" if learnt else wrong),), (), "loss")
    trend = case.trends.get("loss")
    if accuracy is None or trend is None or case.is_regression or values.max() >= 0:
        return None
    if trend.change(0, len(trend.raw) - 1).amount < -MATTERS.value * abs(trend.end):
        return None
    text = (
        f"the training loss is below 0 from the start ({values[0]:.4g}) and stays there "
        f"({values[-1]:.4g}){wrong}"
    )
    return Sign("error", "medium", (f"{text}; no cross-entropy of labels in [0, 1] is below 0",), (), "loss")


def _is_nothing(values: Floats) -> bool:
    return float(np.abs(values).max()) <= NOTHING_LOST.value


def see_unfinished(case: Case) -> Sign | None:
    """A validation loss that still falls at the end."""
    trend = case.trends["val_loss"]
    tail = trend.tail(0.2)
    if tail.deviations > -SURE.value or -tail.amount < UNFINISHED.value * trend.fall:
        return None
    text = (
        f"from {case.clock} {tail.since:g} on the validation loss fell from {tail.before:.3g} to "
        f"{tail.after:.3g}, "
        f"{-tail.amount / trend.fall:.0%} of its whole fall"
    )
    return Sign("info", "medium", (text,), train_longer(case.record.run), "val_loss")


def see_spikes(case: Case) -> Sign | None:
    """Single losses far above the trend, farther than the largest of so many with such tails."""
    evidence, curve = [], "loss"
    for name, least in (("loss", smallest_change(case)), ("val_loss", 0.0)):
        trend = case.trends.get(name)
        found = [] if trend is None else _find_spikes(trend, least or MATTERS.value * trend.fall)
        if trend is not None and found:
            worst = max(found, key=lambda place: trend.raw[place])
            times = "once" if len(found) == 1 else f"{len(found)} times, most"
            evidence.append(
                f"the {CURVES[name]} stands far above its neighbours {times} at {case.clock} "
                f"{trend.times[worst]:g}: {trend.raw[worst]:.3g}"
            )
            curve = name
    if not evidence:
        return None
    lower = lower_rate(case.record.run, HIGHEST_RATE.value)
    return Sign("info", "medium", tuple(evidence), lower, curve)


def _find_spikes(trend: Trend, least: float) -> list[int]:
    """The places (1 to n - 2) that stand above both neighbours by more than chance and than `least`."""
    raw = trend.raw
    off = np.abs((raw[:-2] + raw[2:]) / 2 - raw[1:-1])
    least = max(SPIKE.value * trend.noise, largest_by_chance(off, BY_CHANCE.value), least)
    above = raw[1:-1] - np.maximum(raw[:-2], raw[2:])
    return [int(place) + 1 for place in np.flatnonzero(above > least)]


def describe_first_leap(case: Case) -> str:
    """Says that the loss rose with the first steps, where it was recorded before them; else ""."""
    before, first = case.record.recorded_start.get("loss"), case.record.curves["loss"].values[0]
    if case.record.run is not None or before is None or not 0 < LEAPT_OFF.value * before < first:
        return ""
    return (
        f"the loss of the first batch was {before:.3g} before the first step, and that of the first "
        f"{case.clock} is {first:.3g}"
    )


def smallest_change(case: Case) -> float:
    """The smallest change of the training loss that a finding is made of, in the unit of that loss.

    Runs of `dlp` have losses that end at 0. Where others have their zero is not known: there the curve's own
    fall is the measure.
    """
    trend = case.trends["loss"]
    if case.record.run is None:
        return MATTERS.value * trend.fall
    return MATTERS.value * (case.guessing_cost or trend.start)


RULES = (
    Rule(
        name="loss exploded",
        finds="A loss is NaN, infinite, or many times what guessing costs; the training is lost.",
        needs=("training loss",),
        thresholds=(HOPELESS,),
        causes=(
            "a learning rate that is too high, unscaled inputs, a logarithm of zero in a loss, "
            "float16 overflow"
        ),
        remedy="a lower learning rate",
        look=see_explosion,
        importance=340,
        explained_by=("last layer and loss do not match", "targets out of reach"),
        stops_training=True,
    ),
    Rule(
        name="nothing is trained",
        finds="A loss is the same after every epoch, or, where that is recorded, no step moves a weight.",
        needs=("training loss",),
        thresholds=(STILL,),
        causes=(
            "a frozen head, an optimiser without the net's variables, dead units, a rate of zero, a "
            "rounded log"
        ),
        remedy=(
            "find out why no weight moves before anything else: what is frozen, and what the "
            "optimiser is given"
        ),
        look=see_standstill,
        importance=330,
        stops_training=True,
    ),
    Rule(
        name="loss cannot be right",
        finds="A loss is 0 from the start, or below 0 where no cross-entropy is: it does not fit the labels.",
        needs=("training loss",),
        thresholds=(NOTHING_LOST, MATTERS),
        causes="labels that the inputs give away, a loss of the user's own",
        remedy=(
            "look at the last layer, the loss and the labels together: a softmax over one output is "
            "always 1, "
            "labels 0, 1, 2 ... are no probabilities, and one-hot labels are no numbers"
        ),
        look=see_empty_loss,
        importance=335,
        stops_training=True,
    ),
    Rule(
        name="still improving",
        finds="The validation loss still falls at the end.",
        needs=("a trend of the validation loss",),
        thresholds=(UNFINISHED, SURE),
        causes="a schedule that ends too early",
        remedy="more epochs",
        look=see_unfinished,
        importance=40,
    ),
    Rule(
        name="spikes",
        finds="Single losses stand far above their neighbours.",
        needs=("a trend of the training loss",),
        thresholds=(SPIKE, BY_CHANCE, MATTERS),
        causes="a batch with bad examples, a learning rate at the edge of what is stable",
        remedy="a somewhat lower learning rate, or a look at the examples of that epoch",
        look=see_spikes,
        importance=30,
    ),
)
