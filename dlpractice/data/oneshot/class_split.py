"""Which classes are trained on, which choose the model, and which measure it: no class is in two parts."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.audit.audit import Audit
from dlpractice.data.examples import Examples, concatenate
from dlpractice.data.files.decode import Resize
from dlpractice.data.files.items import RECORDINGS, SplitName
from dlpractice.data.oneshot.own_classes import read_class_folders
from dlpractice.data.sets.digits import read_digit_examples
from dlpractice.data.sets.glyphs.alphabets import generate_alphabets
from dlpractice.data.sets.glyphs.pen import SIDE
from dlpractice.data.sets.omniglot import (
    Omniglot,
    OneshotRun,
    read_omniglot,
    split_as_vinyals,
    vinyals_test_classes,
)
from dlpractice.errors import DataError
from dlpractice.progress import Progress, Silent

# Fewer alphabets than parts cannot be divided whole.
_PARTS = 3
_LEAST_CLASSES = 2


@dataclass(frozen=True)
class Division:
    """Examples in three parts without a class in common, and what a source brings for its own protocols.

    `root` says where the paths start: a folder, or the name of a known data set. `runs` are Omniglot's
    published tasks, with indices into `evaluation`; `vinyals` its test classes as codes of `evaluation`,
    (423,) int64; `digits` real handwriting for models trained on generated glyphs. `files` is
    the audit of a folder.
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
        """The rows of `splits.csv`, sorted by path: path, label, split, sha256, group (the alphabet)."""
        rows = [
            {
                "path": path,
                "label": part.class_names[code],
                "split": name,
                "sha256": digest,
                "group": part.alphabet_names[alphabet],
            }
            for name, part in self.parts.items()
            for path, code, digest, alphabet in zip(
                part.paths, part.classes.tolist(), part.sha256, part.alphabets.tolist(), strict=True
            )
        ]
        return sorted(rows, key=lambda row: row["path"])

    @property
    def digest(self) -> str:
        """sha256 over label, split and content of every example: equal for the same data and parts."""
        lines = sorted(f"{row['sha256']} {row['label']} {row['split']}\n" for row in self.split_rows())
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def divide(
    source: str,
    *,
    image_size: int = SIDE,
    colour: Literal["grey", "colour"] = "grey",
    resize: Resize = "stretch",
    background: str = "#ffffff",
    split: Literal["lake", "vinyals"] = "lake",
    validation_alphabets: int = 5,
    evaluation_alphabets: int = 10,
    validation: float = 0.15,
    evaluation: float = 0.3,
    glyph_alphabets: int = 0,
    examples_per_class: Literal[1] | None = None,
    split_seed: int = 0,
    drawer_pattern: str | None = None,
    on_bad_image: Literal["error", "skip"] = "error",
    progress: Progress | None = None,
) -> Division:
    """Reads or generates the examples, and divides their classes.

    Of `omniglot`, `validation_alphabets` of the 30 background alphabets are drawn by `split_seed`, and the 20
    evaluation alphabets are kept apart; with the split `vinyals` all is as `split_as_vinyals` has it, and the
    published runs are left out. `glyphs` are generated from `split_seed`: the alphabets of the test
    come first and those to train on last, so that more of these leave the test as it is. A folder is divided
    by whole alphabets where it has three or more, else by classes; classes of one example are trained on.

    Args:
        source: `omniglot`, `glyphs`, or what `read_class_folders` reads, which also explains `image_size`
            to `background`, `drawer_pattern` and `on_bad_image`. Drawings are kept at 105 pixels.
        validation: share in (0, 1) of a folder's alphabets or classes that choose the model.
        evaluation: the same for the test.
        glyph_alphabets: generated alphabets to train on; with another source than `glyphs` they join its own,
            and all are kept at 105 pixels.
        examples_per_class: 1 keeps one example of each class to train on, drawn by `split_seed`.

    Raises:
        DataError: the data cannot be had or used, or has too few classes.
    """
    progress = progress or Silent()
    if source == "glyphs":
        divided = _divide_glyphs(
            glyph_alphabets, validation_alphabets, evaluation_alphabets, split_seed, progress
        )
    elif source == "omniglot":
        omniglot = read_omniglot(progress)
        if split == "vinyals":
            divided = _divide_as_vinyals(omniglot)
        else:
            divided = _divide_omniglot(omniglot, validation_alphabets, split_seed)
    else:
        read = read_class_folders(
            source,
            image_size=SIDE if glyph_alphabets else image_size,
            colour=colour,
            resize=resize,
            background=background,
            drawer_pattern=drawer_pattern,
            on_bad_image=on_bad_image,
            progress=progress,
        )
        if glyph_alphabets and RECORDINGS.fits(read.examples.paths[0]):
            raise DataError(
                f"{source} holds recordings, and generated alphabets are drawings",
                "set data.glyph_alphabets to 0",
            )
        parts = _divide_classes(read.examples, validation, evaluation, split_seed)
        divided = Division(str(read.root), *parts, files=read.audit)
    if glyph_alphabets and source != "glyphs":
        made = generate_alphabets(glyph_alphabets, seed=split_seed, progress=progress)
        divided = replace(divided, background=concatenate([divided.background, made]))
    if examples_per_class == 1:
        divided = replace(divided, background=divided.background.single(split_seed))
    _check_amounts(divided, single=examples_per_class == 1)
    return divided


def _divide_as_vinyals(omniglot: Omniglot) -> Division:
    background, validation, evaluation = split_as_vinyals(omniglot)
    return Division("omniglot", background, validation, evaluation, vinyals=np.unique(evaluation.classes))


def _divide_omniglot(omniglot: Omniglot, validation_alphabets: int, seed: int) -> Division:
    names = omniglot.background.alphabet_names
    if not 1 <= validation_alphabets < len(names):
        raise DataError(
            f"{validation_alphabets} of {len(names)} background alphabets cannot be held out for validation",
            f"choose 1 to {len(names) - 1}",
        )
    order = np.random.default_rng(seed).permutation(len(names)).tolist()
    shuffled = [names[place] for place in order]
    return Division(
        root="omniglot",
        background=omniglot.background.of_alphabets(shuffled[validation_alphabets:]),
        validation=omniglot.background.of_alphabets(shuffled[:validation_alphabets]),
        evaluation=omniglot.evaluation,
        runs=omniglot.runs,
        vinyals=vinyals_test_classes(omniglot),
    )


def _divide_glyphs(train: int, validation: int, evaluation: int, seed: int, progress: Progress) -> Division:
    if min(train, validation, evaluation) < 1:
        raise DataError(
            f"{train} alphabets to train on, {validation} for validation and {evaluation} for the test",
            "generate at least one for each",
        )
    made = generate_alphabets(train + validation + evaluation, seed=seed, progress=progress)
    names = made.alphabet_names
    return Division(
        root="glyphs",
        background=made.of_alphabets(names[evaluation + validation :]),
        validation=made.of_alphabets(names[evaluation : evaluation + validation]),
        evaluation=made.of_alphabets(names[:evaluation]),
        digits=read_digit_examples(),
    )


def _divide_classes(
    examples: Examples, validation: float, evaluation: float, seed: int
) -> tuple[Examples, Examples, Examples]:
    """Background, validation and evaluation, by whole alphabets where there are enough, else by classes."""
    whole = len(np.unique(examples.alphabets)) >= _PARTS
    codes = examples.alphabets if whole else examples.classes
    present, counts = np.unique(codes, return_counts=True)
    # A class of one example has nothing left to ask for, so it could measure nothing.
    divisible = present if whole else present[counts > 1]
    least = 1 if whole else _LEAST_CLASSES
    tested, chosen = (max(least, round(len(divisible) * share)) for share in (evaluation, validation))
    order = np.random.default_rng(seed).permutation(divisible)
    parts = order[:tested], order[tested : tested + chosen]
    test, choose = (np.isin(codes, part) for part in parts)
    kept = (~test & ~choose, choose, test)
    first, second, third = (examples.select(np.flatnonzero(members)) for members in kept)
    return first, second, third


def _check_amounts(division: Division, *, single: bool) -> None:
    """Refuses a part that has no two classes with a pair of examples each: it could not even form a task."""
    lacking = []
    for name, part in division.parts.items():
        least = 1 if single and name == "train" else 2
        enough = sum(len(members) >= least for members in part.by_class().values())
        if enough < _LEAST_CLASSES:
            lacking.append(f"{name} has {enough} class(es) of {least} or more examples")
    if lacking:
        raise DataError(
            f"too few classes in {division.root}: {'; '.join(lacking)}",
            f"every part needs {_LEAST_CLASSES}: add classes, or change data.validation and data.evaluation",
        )
