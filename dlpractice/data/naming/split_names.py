"""What people call the parts of a data set, in the names of folders and in a column of a CSV."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")

_NAMES: dict[str, SplitName] = {
    **dict.fromkeys(("train", "training", "trn", "trainval", "trainvalid"), "train"),
    **dict.fromkeys(("validation", "validate", "validating", "valid", "val", "vali"), "validation"),
    **dict.fromkeys(("dev", "devel", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "tst", "holdout", "heldout"), "test"),
}
# The word stands for either: for the test where something else is for validation.
_EVALUATION = frozenset({"eval", "evaluation", "evaluate", "evaluating"})
# As in "training_set", "val_images", "test data".
_FILLERS = frozenset(
    {"set", "sets", "data", "dataset", "images", "image", "imgs", "img", "split", "folder", "seg"}
)
_COMPOUND = re.compile(r"(.+?)(?:set|data|dataset|images)")


def find_splits(names: Iterable[str]) -> dict[str, SplitName]:
    """Those of `names` that are names of splits, each with its split; in any case, as in `Train`, `val2017`.

    `eval` and `evaluation` are for validation; beside a name for validation and none for test, they are for
    test, as in `train`, `dev`, `eval`.
    """
    words = {name: _word(name) for name in names}
    found = {name: _NAMES[word] for name, word in words.items() if word in _NAMES}
    is_taken = "validation" in found.values()
    for name, word in words.items():
        if word in _EVALUATION:
            found[name] = "test" if is_taken else "validation"
    return found


def find_rivals(splits: dict[str, SplitName]) -> tuple[SplitName, list[str]] | None:
    """The first split that several of the names stand for, and these names; None where there is none."""
    names: dict[SplitName, list[str]] = defaultdict(list)
    for name, split in sorted(splits.items()):
        names[split].append(name)
    return next(((split, inside) for split, inside in names.items() if len(inside) > 1), None)


def is_split(name: str) -> bool:
    """True where a folder of this name may be a split."""
    return bool(find_splits([name]))


def find_flag(name: str) -> SplitName | None:
    """The split that a column of yes and no tells from the others, as in `is_valid`; None for other names."""
    flag = re.fullmatch(r"is[\W_]*(.+)", name.strip().casefold())
    return find_splits([flag[1]]).get(flag[1]) if flag else None


def _word(name: str) -> str:
    """The one word that a name comes down to, in lower case; "" where it has several."""
    words = re.findall(r"[^\W\d_]+", name.casefold())
    if (joined := "".join(words)) in _NAMES:
        return joined
    left = [word for word in words if word not in _FILLERS]
    if len(left) != 1:
        return ""
    compound = _COMPOUND.fullmatch(left[0])
    return compound[1] if compound else left[0]
