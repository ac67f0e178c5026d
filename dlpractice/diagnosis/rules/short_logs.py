"""A rule about logs with too few validations for a trend, such as fine-tunes of three epochs."""

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.curves.trends import FEWEST
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.record import Curve
from dlpractice.diagnosis.rule import Rule, Threshold

MARKED = Threshold(
    "change of the validation loss, share of its level", 0.02, "chosen: a fiftieth is easily chance"
)


def see_first_signs(case: Case) -> Sign | None:
    """What two to four validations show: a loss that rises again, one that falls, or neither."""
    curve = case.record.curves["val_loss"]
    finite = [
        (at, value) for at, value in zip(curve.at, curve.values, strict=True) if abs(value) < float("inf")
    ]
    if not 2 <= len(finite) < FEWEST:
        return None
    at, values = zip(*finite, strict=True)
    lowest = values.index(min(values))
    least = MARKED.value * max(abs(value) for value in values)
    if values[-1] - values[lowest] > least:
        text = (
            f"of {len(values)} validations that at {case.clock} {at[lowest]:g} was the best: the loss rose "
            f"from {values[lowest]:.3g} to {values[-1]:.3g}"
        )
        if _fell(case.record.curve("loss"), at[lowest]):
            text += ", while the training loss fell: so overfitting begins"
        return Sign("info", "low", (f"{text}; more validations would tell",), curve="val_loss")
    change = f"in {len(values)} validations the loss went from {values[0]:.3g} to {values[-1]:.3g}"
    falls = lowest == len(values) - 1 and values[0] - values[-1] > least
    meaning = "the last is the lowest, and more epochs may bring more" if falls else "too little to tell"
    return Sign("info", "low", (f"{change}: {meaning}",), curve="val_loss")


def _fell(curve: Curve | None, since: float) -> bool:
    """Whether the training loss is lower at its end than it was at the time `since`."""
    if curve is None:
        return False
    before = [value for at, value in zip(curve.at, curve.values, strict=True) if at <= since]
    return bool(before) and curve.values[-1] < before[-1]


RULES = (
    Rule(
        name="first signs",
        finds="Two to four validations are too few for a trend, and show a direction all the same.",
        needs=("validation loss",),
        thresholds=(MARKED,),
        causes="chance",
        remedy="validate several times in an epoch, and keep the weights of the lowest validation loss",
        look=see_first_signs,
        importance=15,
    ),
)
