"""Rules about the curves of the losses: they explode, stand still, spike, or still fall at the end."""

import numpy as np

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.remedies import lower_rate, train_longer
from dlpractice.diagnosis.rule import SURE, Rule, Threshold
from dlpractice.diagnosis.rules.layer_signals import list_update_ratios

HOPELESS = Threshold("training loss over what guessing costs", 10.0, "chosen on the panel, seed 0")
MATTERS = Threshold(
    "that rise, leap or spike, share of what guessing costs, or of the first loss",
    0.05,
    "chosen on the panel, seed 0: below, a loss is as good as zero",
)
STILL = Threshold("range of a loss over all epochs, share of its level", 1e-6, "ten times float32's rounding")
UNFINISHED = Threshold(
    "fall of the validation loss in the last fifth, share of its level", 0.05, "chosen: 5 % is worth epochs"
)
OF_FALL = Threshold("that fall, share of the whole fall", 0.05, "chosen: less is the tail of any curve")
SPIKE = Threshold("distance of a spike from the trend, in standard deviations", 10.0, "chosen")
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
            text = f"{name} is {curve.values[bad[0]]} at epoch {curve.at[bad[0]]:g} of {len(curve)}"
            return Sign("error", "high", (text,), lower_rate(case.record.run, HIGHEST_RATE.value))
    curve, guess = case.record.curve("loss"), case.guessing_cost
    if curve is None or guess is None or curve.values[-1] < HOPELESS.value * guess:
        return None
    text = f"the training loss is {curve.values[-1]:.3g} at the end; guessing costs {guess:.3g}"
    return Sign("error", "high", (text,), lower_rate(case.record.run, HIGHEST_RATE.value), "loss")


def see_standstill(case: Case) -> Sign | None:
    """Steps that move no weight, or a loss that is the same after every epoch.

    The validation loss is taken where there is one: dropout and augmentation make a training loss move even
    where no weight does.
    """
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


def see_unfinished(case: Case) -> Sign | None:
    """A validation loss that still falls at the end."""
    trend = case.trends["val_loss"]
    tail, fall = trend.tail(0.2), trend.start - float(trend.smooth.min())
    if (
        tail.deviations > -SURE.value
        or -tail.relative < UNFINISHED.value
        or -tail.amount < OF_FALL.value * fall
    ):
        return None
    text = (
        f"from epoch {tail.since:g} on the validation loss fell by {-tail.relative:.0%}, to {tail.after:.3g}"
    )
    return Sign("info", "medium", (text,), train_longer(case.record.run), "val_loss")


def see_spikes(case: Case) -> Sign | None:
    """Single training losses far above the trend."""
    trend = case.trends["loss"]
    middle = np.median(np.stack([np.roll(trend.raw, 1), trend.raw, np.roll(trend.raw, -1)]), axis=0)
    off = trend.raw - middle
    scale = max(trend.noise, 0.05 * float(np.median(trend.raw)))
    least = max(SPIKE.value * scale, smallest_change(case))
    found = [place for place in range(1, len(off) - 1) if off[place] > least]
    if not found:
        return None
    worst = max(found, key=lambda place: off[place])
    text = f"{len(found)} times, most at epoch {trend.times[worst]:g}: {trend.raw[worst]:.3g}"
    return Sign("info", "medium", (text,), lower_rate(case.record.run, HIGHEST_RATE.value), "loss")


def smallest_change(case: Case) -> float:
    """The smallest change of the training loss that a finding is made of, in the unit of that loss."""
    return MATTERS.value * (case.guessing_cost or case.trends["loss"].start)


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
        name="still improving",
        finds="The validation loss still falls at the end.",
        needs=("a trend of the validation loss",),
        thresholds=(UNFINISHED, OF_FALL, SURE),
        causes="a schedule that ends too early",
        remedy="more epochs",
        look=see_unfinished,
        importance=40,
    ),
    Rule(
        name="spikes",
        finds="Single training losses stand far above the trend.",
        needs=("a trend of the training loss",),
        thresholds=(SPIKE, MATTERS),
        causes="a batch with bad examples, a learning rate at the edge of what is stable",
        remedy="a somewhat lower learning rate, or a look at the examples of that epoch",
        look=see_spikes,
        importance=30,
    ),
)
