"""Says which column of a log is which curve: by the words in its name, or as `--column` maps it."""

import re
from collections.abc import Iterable, Mapping

from dlpractice.diagnosis.record import CURVES
from dlpractice.errors import RunError

_VALIDATION = {"val", "valid", "validation", "eval", "dev"}
_TRAINING = {"train", "training"}
_METRICS = (
    ("learning_rate", {"lr"}),
    ("learning_rate", {"learning", "rate"}),
    ("accuracy", {"accuracy"}),
    ("accuracy", {"acc"}),
    ("loss", {"loss"}),
)
# Words that do not change what is meant: how it was averaged, and which kind of accuracy or loss it is. Other
# words do (`top5_accuracy`, `output_a_loss`, `test_loss`), and such a column is left alone.
_NEUTRAL = {"epoch", "step", "binary", "categorical", "sparse", "cross", "entropy", "adam", "adamw", "sgd"}


def recognise(name: str) -> str | None:
    """The curve that a column called `name` holds (val_loss for `eval_loss`); None for other names."""
    words = {word for word in re.split(r"[^a-z0-9]+", name.lower()) if word}
    is_validation, is_training = bool(words & _VALIDATION), bool(words & _TRAINING)
    if is_validation and is_training:
        return None
    words -= _VALIDATION | _TRAINING
    for curve, meant in _METRICS:
        if meant <= words:
            if words - meant - _NEUTRAL:
                return None
            if curve == "learning_rate":
                return curve
            return f"val_{curve}" if is_validation else curve
    return None


def assign(names: Iterable[str], mapping: Mapping[str, str], where: str) -> dict[str, str]:
    """Chooses the column of each curve: that of `mapping` (curve -> column), or else one with a usual name.

    Of several columns that fit, one of whole epochs wins (`train_loss_epoch` over `train_loss_step`), and of
    those the one with the shortest name. `where` names the log in errors.

    Returns curve -> column.

    Raises:
        RunError: `mapping` names a column that is not there, or a curve that does not exist.
    """
    names = list(names)
    if unknown := [curve for curve in mapping if curve not in CURVES]:
        raise RunError(f"there is no curve {unknown[0]!r}", f"choose from {', '.join(CURVES)}")
    if absent := [column for column in mapping.values() if column not in names]:
        raise RunError(f"{where} has no column {absent[0]!r}", f"its columns are {', '.join(names)}")
    chosen = dict(mapping)
    for curve in CURVES:
        fitting = [name for name in names if recognise(name) == curve and name not in mapping.values()]
        if curve not in chosen and fitting:
            chosen[curve] = min(fitting, key=_unfitness)
    return chosen


def _unfitness(name: str) -> tuple[bool, int, str]:
    return "epoch" not in name.lower(), len(name), name
