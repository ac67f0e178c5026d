"""Which classes are trained on, which choose the model, and which measure it: no class is in two parts."""

import hashlib
import itertools
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.audit.audit import Audit
from dlpractice.data.examples import Examples, concatenate
from dlpractice.data.files.index_items import RECORDINGS
from dlpractice.data.naming.class_names import nfc
from dlpractice.data.naming.split_names import SplitName
from dlpractice.data.oneshot.own_classes import Reading, read_class_folders
from dlpractice.data.sets.digits import read_digit_examples
from dlpractice.data.sets.glyphs.alphabets import generate_alphabets
from dlpractice.data.sets.glyphs.pen import SIDE
from dlpractice.data.sets.omniglot import (
    OneshotRun,
    read_omniglot,
    split_as_vinyals,
    vinyals_test_classes,
)
from dlpractice.errors import DataError
from dlpractice.progress import Progress, Silent

# Fewer alphabets than parts cannot be split whole.
_PARTS = 3
_LEAST_CLASSES = 2


@dataclass(frozen=True)
class ClassSplit:
    """Examples in three parts that have no class in common.

    Args:
        root: where the paths start: a folder, or the name of a known data set.
        runs: Omniglot's published tasks; their indices count in `evaluation`.
        vinyals: (423,) int64. The test classes of Vinyals et al., as codes of `evaluation`; None elsewhere.
        digits: real handwriting, to test models on that were trained on generated glyphs.
        files: the audit of a folder.
    """

    root: str
    background: Examples
    validation: Examples
    evaluation: Examples
    runs: tuple[OneshotRun, ...] = ()
    vinyals: NDArray[np.int64] | None = None
    digits: Examples | None = None
    files: Audit | None = None

    @property
    def parts(self) -> dict[SplitName, Examples]:
        """The three parts under the names that `splits.csv` gives them."""
        return {"train": self.background, "validation": self.validation, "test": self.evaluation}

    @property
    def audit(self) -> dict[str, Any]:
        """What is in each part, and what was found in the files, as `audit.json` holds it."""
        parts = {
            name: {
                "alphabets": list(part.present_alphabets()),
                "classes": len(np.unique(part.classes)),
                "examples": len(part),
            }
            for name, part in self.parts.items()
        }
        return {"parts": parts, **(self.files.to_json() if self.files else {})}

    def split_rows(self) -> list[dict[str, str]]:
        """The rows of `splits.csv`, sorted by path: a group is an alphabet; who drew it binds drawings."""
        rows = [
            {
                "path": path,
                "label": part.class_names[code],
                "split": name,
                "sha256": digest,
                "group": part.alphabet_names[alphabet],
                "bound": drawer,
            }
            for name, part in self.parts.items()
            for path, code, digest, alphabet, drawer in zip(
                part.paths,
                part.classes.tolist(),
                part.sha256,
                part.alphabets.tolist(),
                part.drawer_names(np.arange(len(part))),
                strict=True,
            )
        ]
        return sorted(rows, key=lambda row: row["path"])

    @property
    def digest(self) -> str:
        """sha256 over label (in NFC), split and content of each example: equal for equal data and parts."""
        lines = sorted(f"{row['sha256']} {nfc(row['label'])} {row['split']}\n" for row in self.split_rows())
        return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class SplitPlan:
    """How many classes are for validation and test, and which are trained on.

    Args:
        split: how Omniglot is divided: `lake` keeps its 20 evaluation alphabets apart; `vinyals` has all as
            `split_as_vinyals` says, and leaves the published runs out.
        validation_alphabets: how many of Omniglot's 30 background alphabets choose the model; of `glyphs`,
            how many more are generated for it.
        evaluation_alphabets: how many are generated for the test of `glyphs`.
        validation: share in (0, 1) of a folder's alphabets or classes that choose the model.
        evaluation: the same for the test.
        glyph_alphabets: generated alphabets to train on; with another source than `glyphs` they join its own,
            and all are kept at 105 pixels.
        examples_per_class: 1 keeps one example of each class to train on; None keeps all.
        split_seed: draws all of this.
    """

    split: Literal["lake", "vinyals"] = "lake"
    validation_alphabets: int = 5
    evaluation_alphabets: int = 10
    validation: float = 0.15
    evaluation: float = 0.3
    glyph_alphabets: int = 0
    examples_per_class: Literal[1] | None = None
    split_seed: int = 0


def split_classes(
    source: str, reading: Reading, plan: SplitPlan, progress: Progress | None = None
) -> ClassSplit:
    """Reads or generates the examples, and divides their classes.

    Of `glyphs` the alphabets of the test are generated first and those to train on last, so that more of
    these leave the test as it is. A folder is divided by whole alphabets where it has three or more, else by
    classes; classes of one example are trained on.

    Args:
        source: `omniglot`, `glyphs`, or what `read_class_folders` reads.
        reading: how the files of a folder are read. Drawings are kept at 105 pixels.
        plan: how many classes go where.

    Raises:
        DataError: the data cannot be had or used, or has too few classes.
    """
    progress = progress or Silent()
    if source == "glyphs":
        split = _split_glyphs(plan, progress)
    elif source == "omniglot":
        split = _split_omniglot(plan, progress)
    else:
        split = _split_folder(source, reading, plan, progress)
    if plan.glyph_alphabets and source != "glyphs":
        made = generate_alphabets(plan.glyph_alphabets, seed=plan.split_seed, progress=progress)
        split = replace(split, background=concatenate([split.background, made]))
    if plan.examples_per_class == 1:
        split = replace(split, background=split.background.single(plan.split_seed))
    _check_amounts(split, single=plan.examples_per_class == 1)
    return split


def _split_omniglot(plan: SplitPlan, progress: Progress) -> ClassSplit:
    omniglot = read_omniglot(progress)
    if plan.split == "vinyals":
        parts = split_as_vinyals(omniglot)
        return ClassSplit("omniglot", *parts, vinyals=np.unique(parts[-1].classes))
    count, names = plan.validation_alphabets, omniglot.background.alphabet_names
    if not 1 <= count < len(names):
        raise DataError(
            f"{count} of {len(names)} background alphabets cannot be held out for validation",
            f"choose 1 to {len(names) - 1}",
        )
    order = np.random.default_rng(plan.split_seed).permutation(len(names)).tolist()
    shuffled = [names[place] for place in order]
    return ClassSplit(
        root="omniglot",
        background=omniglot.background.of_alphabets(shuffled[count:]),
        validation=omniglot.background.of_alphabets(shuffled[:count]),
        evaluation=omniglot.evaluation,
        runs=omniglot.runs,
        vinyals=vinyals_test_classes(omniglot),
    )


def _split_glyphs(plan: SplitPlan, progress: Progress) -> ClassSplit:
    train, validation, test = plan.glyph_alphabets, plan.validation_alphabets, plan.evaluation_alphabets
    if min(train, validation, test) < 1:
        raise DataError(
            f"{train} alphabets to train on, {validation} for validation and {test} for the test",
            "generate at least one for each",
        )
    made = generate_alphabets(train + validation + test, seed=plan.split_seed, progress=progress)
    names = made.alphabet_names
    return ClassSplit(
        root="glyphs",
        background=made.of_alphabets(names[test + validation :]),
        validation=made.of_alphabets(names[test : test + validation]),
        evaluation=made.of_alphabets(names[:test]),
        digits=read_digit_examples(),
    )


def _split_folder(source: str, reading: Reading, plan: SplitPlan, progress: Progress) -> ClassSplit:
    if plan.glyph_alphabets:
        reading = replace(reading, look=replace(reading.look, image_size=SIDE))
    read = read_class_folders(source, reading, progress)
    if plan.glyph_alphabets and RECORDINGS.fits(read.examples.paths[0]):
        raise DataError(
            f"{source} holds recordings, and generated alphabets are drawings",
            "set data.glyph_alphabets to 0",
        )
    _require_classes(str(read.root), read.examples, plan)
    parts = _split_examples(read.examples, plan.validation, plan.evaluation, plan.split_seed)
    return ClassSplit(str(read.root), *parts, files=read.audit)


def _split_examples(
    examples: Examples, validation: float, evaluation: float, seed: int
) -> tuple[Examples, Examples, Examples]:
    """Background, validation and evaluation, by whole alphabets where there are enough, else by classes."""
    whole = len(np.unique(examples.alphabets)) >= _PARTS
    codes = examples.alphabets if whole else examples.classes
    present, counts = np.unique(codes, return_counts=True)
    # A class of one example has nothing left to ask for, so it could measure nothing.
    divisible = present if whole else present[counts > 1]
    least = 1 if whole else _LEAST_CLASSES
    tested, chosen = _sizes(len(divisible), validation, evaluation, least)
    order = np.random.default_rng(seed).permutation(divisible)
    parts = order[:tested], order[tested : tested + chosen]
    test, choose = (np.isin(codes, part) for part in parts)
    kept = (~test & ~choose, choose, test)
    first, second, third = (examples.select(np.flatnonzero(members)) for members in kept)
    return first, second, third


def _sizes(count: int, validation: float, evaluation: float, least: int) -> tuple[int, int]:
    """How many of `count` classes or alphabets are for the test, and how many for validation."""
    return max(least, round(count * evaluation)), max(least, round(count * validation))


def _require_classes(root: str, examples: Examples, plan: SplitPlan) -> None:
    """Raises DataError where the classes, which no alphabets group, are too few for three parts of two."""
    if len(np.unique(examples.alphabets)) >= _PARTS:
        return
    counts = [len(members) for members in examples.by_class().values()]
    large, single = sum(count > 1 for count in counts), counts.count(1)
    # Generated alphabets can be trained on too, and so can classes of one example where no more is asked for.
    spare = single if plan.examples_per_class == 1 else 0
    spare += _LEAST_CLASSES if plan.glyph_alphabets else 0
    least = next(
        count
        for count in itertools.count(2 * _LEAST_CLASSES)
        if count + spare - sum(_sizes(count, plan.validation, plan.evaluation, _LEAST_CLASSES))
        >= _LEAST_CLASSES
    )
    if large < least:
        beside = f", and {single} of one example, which can only be trained on" if single else ""
        raise DataError(
            f"{root} needs at least {least} classes of 2 or more examples, 2 each for training, validation "
            f"and test; it has {large}{beside}",
            "add classes; of images, `dlp finetune` takes two, and learns to tell them from each other",
        )


def _check_amounts(class_split: ClassSplit, *, single: bool) -> None:
    """Refuses a part that has fewer than two classes with a pair of examples each: it can form no task."""
    lacking = []
    for name, part in class_split.parts.items():
        least = 1 if single and name == "train" else 2
        enough = sum(len(members) >= least for members in part.by_class().values())
        if enough < _LEAST_CLASSES:
            present = part.present_alphabets()
            where = f" (of {', '.join(present)})" if len(present) in range(1, 4) else ""
            lacking.append(f"{name} has {enough}{where}")
    if lacking:
        raise DataError(
            f"{class_split.root}: each part needs at least {_LEAST_CLASSES} classes of 2 or more examples; "
            + ", ".join(lacking),
            "add classes, or change data.validation and data.evaluation, or data.split_seed",
        )
