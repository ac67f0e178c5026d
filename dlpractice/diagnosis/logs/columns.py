"""Says which column of a log is which curve: by the words in its name, or as `--column` maps it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dlpractice.diagnosis.record import CURVES
from dlpractice.errors import RunError


def _list(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TRAINING = _list("train training trn learn fit")
_VALIDATION = _list("val valid vali validation eval evaluation dev holdout")
_TEST = _list("test testing tst")

_METRICS = (
    ("learning_rate", {"lr"}),
    ("learning_rate", {"lrs"}),
    ("learning_rate", {"learning", "rate"}),
    ("learning_rate", {"lr0"}),
    ("learning_rate", {"pg0"}),
    ("error", {"error", "rate"}),
    ("error", {"merror"}),
    ("error", {"err1"}),
    ("error", {"top1", "err"}),
    ("error", {"top1", "error"}),
    ("error", {"classification", "error"}),
    ("error", {"binary", "error"}),
    ("error", {"multi", "error"}),
    ("accuracy", {"accuracy"}),
    ("accuracy", {"accuracies"}),
    ("accuracy", {"acc"}),
    ("accuracy", {"accs"}),
    ("accuracy", {"acc1"}),
    ("accuracy", {"top1"}),
    ("accuracy", {"prec1"}),
    ("loss", {"loss"}),
    ("loss", {"losses"}),
    ("loss", {"cost"}),
)
_SUBSTITUTES = ("logloss", "mlogloss", "nll", "crossentropy", "bce", "ce", "mse", "rmse", "mae", "l1", "l2")
"""Metrics that stand for the loss where a log has none, the best first."""

_NEUTRAL = _list(
    "epoch epochs step steps binary categorical sparse multi cross entropy adam adamw sgd mean avg average "
    "total overall global metric metrics score percent pct per top1 1 top acc acc1 history curve list hist "
    "values value running smoothed token pixel main final log logs raw masked supervised classification"
)
"""Words that do not change what is meant: how it was averaged, and which kind of accuracy it is. Other words
do (`top5_accuracy`, `output_a_loss`), and such a column is left alone."""
_KINDS = _list("dice focal hinge huber ctc triplet contrastive softmax clf cls lm mlm") | {*_SUBSTITUTES}
"""Words for the kind of a loss. They do not matter while there is one such column; several are parts."""


_NO_LOSS = _list("score token pixel top")
_NO_RATE = _list("decay factor scale ratio scheduler")
_MOST_WORDS = 3
"""Words beside that of a learning rate, which may name the optimiser and the group of weights."""


_MAKERS = _list("g gen generator netg lossg errg gan")
_CRITICS = _list("d disc discriminator netd lossd errd critic dis")
"""Words for the two nets of a generative adversarial training."""


@dataclass(frozen=True)
class Meaning:
    """What the name of a column says.

    curve: a name in `CURVES`. split: train, val or test; "" where the name has no word for that. inverted:
    whether the values are shares of wrong answers. rank: columns of a low rank are taken first: 0 where all
    words are known to be neutral, 1 for one kind of loss, 2 for a metric that stands for a loss.
    """

    curve: str
    split: str = ""
    inverted: bool = False
    rank: int = 0


def split_words(name: str) -> list[str]:
    """The words of a name, in small letters: `valAcc` and `val/acc` have the same."""
    apart = re.sub(
        r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z]{2,}\b)|(?<=[A-Z])(?=[A-Z][a-z])", " ", name
    )
    return [word for word in re.split(r"[^a-z0-9]+", apart.lower()) if word]


def find_adversaries(names: Iterable[str]) -> list[str]:
    """The columns of the losses of a generator and of its judge; empty where one of them lacks."""
    words = {name: set(split_words(name)) for name in names}
    losses = {n: w for n, w in words.items() if w & {"loss", "losses", "lossg", "lossd", "errg", "errd"}}
    makers = [name for name, own in losses.items() if own & _MAKERS and not own & _CRITICS]
    critics = [name for name, own in losses.items() if own & _CRITICS]
    return [*makers, *critics] if makers and critics else []


def recognise(name: str, shared: frozenset[str] = frozenset()) -> Meaning | None:
    """What a column called `name` holds; None for other names.

    shared: words that all columns of the log have, such as the name of a net: they say nothing.
    """
    words = set(split_words(name)) - shared
    splits = [
        split
        for split, meant in (("train", _TRAINING), ("val", _VALIDATION), ("test", _TEST))
        if words & meant
    ]
    if len(splits) > 1:
        return None
    split = splits[0] if splits else "val" if name.lower().startswith("metrics/") else ""
    words -= _TRAINING | _VALIDATION | _TEST
    for metric, meant in _METRICS:
        if meant <= words:
            return _judge(metric, split, words - meant)
    for word in _SUBSTITUTES:
        if word in words or (word == "crossentropy" and {"cross", "entropy"} <= words):
            left = words - {word} - _NEUTRAL
            return None if left else Meaning(_place("loss", split), split, rank=2 + _SUBSTITUTES.index(word))
    return None


def _judge(metric: str, split: str, left: set[str]) -> Meaning | None:
    if metric == "learning_rate":
        return None if left & _NO_RATE or len(left) > _MOST_WORDS else Meaning(metric, split)
    if left - _NEUTRAL - _KINDS or left & (_NO_LOSS if metric == "loss" else _KINDS):
        return None
    curve = "loss" if metric == "loss" else "accuracy"
    return Meaning(_place(curve, split), split, inverted=metric == "error", rank=int(bool(left & _KINDS)))


def _place(curve: str, split: str) -> str:
    return f"val_{curve}" if split in ("val", "test") else curve


@dataclass(frozen=True)
class Source:
    """Where a curve comes from: the column's name, and whether its values are shares of wrong answers. guess:
    what was assumed, for the reader of the output; "" where the name says it."""

    column: str
    inverted: bool = False
    guess: str = ""


def assign(counts: Mapping[str, int], mapping: Mapping[str, str], where: str) -> dict[str, Source]:
    """Chooses the column of each curve: that of `mapping` (curve -> column), or else one with a usual name.

    Of several columns that fit, one with enough values for a trend wins; then validation over test, one of
    whole epochs (`train_loss_epoch` over `train_loss_step`), and the one with the shortest name. counts: the
    number of values by column. `where` names the log in errors.

    Raises:
        RunError: `mapping` names a column that is not there, or a curve that does not exist.
    """
    mapped = _check(counts, mapping, where)
    shared = _find_shared(counts)
    meanings = {name: found for name in counts if (found := recognise(name, shared)) is not None}
    chosen = {curve: Source(name) for curve, name in mapped.items()}
    for curve in CURVES:
        fitting = [
            name
            for name, meaning in meanings.items()
            if meaning.curve == curve and name not in mapped.values()
        ]
        if curve in chosen or not fitting:
            continue
        best = min(fitting, key=lambda name: _unfitness(name, meanings[name], counts[name]))
        rivals = [n for n in fitting if meanings[n].rank == 1 and meanings[n].split == meanings[best].split]
        if meanings[best].rank == 1 and len(rivals) > 1:
            continue  # parts of a sum, none of which is the loss
        guess = ""
        if meanings[best].split == "test":
            guess = f"{best} was taken for validation, since there is no other"
        chosen[curve] = Source(best, meanings[best].inverted, guess)
    return _move_bare_accuracy(_add_bare_loss(chosen, meanings), meanings)


def _check(counts: Mapping[str, int], mapping: Mapping[str, str], where: str) -> dict[str, str]:
    if unknown := [curve for curve in mapping if curve not in CURVES]:
        raise RunError(f"there is no curve {unknown[0]!r}", f"choose from {', '.join(CURVES)}")
    by_key = {name.strip().casefold(): name for name in counts}
    mapped = {}
    for curve, column in mapping.items():
        found = column if column in counts else by_key.get(column.strip().casefold())
        if found is None:
            names = ", ".join(counts) or "not known"
            raise RunError(f"{where} has no column {column!r}", f"its columns are {names}")
        mapped[curve] = found
    return mapped


def _find_shared(counts: Mapping[str, int]) -> frozenset[str]:
    """The words that all columns of losses and accuracies have, but for those that mean something."""
    words = [set(split_words(name)) for name in counts]
    named = [found for found in words if found & {"loss", "losses", "acc", "accuracy"}]
    if len(named) < 2:
        return frozenset()
    known = _TRAINING | _VALIDATION | _TEST | _KINDS | {word for _, meant in _METRICS for word in meant}
    return frozenset(set.intersection(*named) - known)


def _add_bare_loss(chosen: dict[str, Source], meanings: Mapping[str, Meaning]) -> dict[str, Source]:
    """Takes a loss without a word for its split to be of validation, where there is no other and a training
    loss beside it."""
    loss = chosen.get("loss")
    if loss is None or "val_loss" in chosen or getattr(meanings.get(loss.column), "split", "") != "train":
        return chosen
    bare = [name for name, found in meanings.items() if found == Meaning("loss")]
    if len(bare) != 1:
        return chosen
    guess = f"{bare[0]} was taken for validation's, since {loss.column} is beside it"
    return chosen | {"val_loss": Source(bare[0], guess=guess)}


def _move_bare_accuracy(chosen: dict[str, Source], meanings: Mapping[str, Meaning]) -> dict[str, Source]:
    """Takes an accuracy without a word for its split to be of validation where both losses have one: fastai
    and the tables of Hugging Face's trainer are written so."""
    losses = [chosen.get(name) for name in ("loss", "val_loss")]
    bare = chosen.get("accuracy")
    if bare is None or "val_accuracy" in chosen or None in losses:
        return chosen
    splits = [meanings[loss.column].split for loss in losses if loss and loss.column in meanings]
    if (
        splits not in (["train", "val"], ["train", "test"])
        or getattr(meanings.get(bare.column), "split", "?") != ""
    ):
        return chosen
    guess = f"{bare.column} was taken for validation's, since the losses say train and validation"
    moved = {name: source for name, source in chosen.items() if name != "accuracy"}
    return moved | {"val_accuracy": Source(bare.column, bare.inverted, guess)}


def _unfitness(name: str, meaning: Meaning, count: int) -> tuple[bool, int, bool, bool, int, str]:
    is_test, is_whole = meaning.split == "test", "epoch" in name.lower()
    is_bare = not meaning.split and meaning.curve != "learning_rate"
    return count < FEWEST_VALUES, meaning.rank, is_test or is_bare, not is_whole, len(name), name


FEWEST_VALUES = 5
"""A column with fewer values gives way to one with more: a trend takes five."""
