"""Omniglot: 1,623 characters of 50 alphabets, each drawn by 20 people, and its 20 published one-shot runs.

B. M. Lake, R. Salakhutdinov and J. B. Tenenbaum, "Human-level concept learning through probabilistic program
induction", Science 350 (2015), 1332-1338; https://github.com/brendenlake/omniglot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.array_files import read_arrays
from dlpractice.data.examples import Examples, concatenate
from dlpractice.data.sets import omniglot_archives
from dlpractice.data.sets.catalogue import OMNIGLOT_FILE, find
from dlpractice.errors import DataError, PathError
from dlpractice.progress import Progress

# The published split of Vinyals et al. trains on this many of the 1,623 characters in official order, and
# chooses by these alphabets among them.
_VINYALS_TRAINED = 1200
_VINYALS_VALIDATION = ("Armenian", "Bengali", "Early_Aramaic", "Hebrew", "Mkhedruli_(Georgian)")


@dataclass(frozen=True)
class OneshotRun:
    """One published task: 20 characters of an alphabet by one drawer, and again by another one.

    `supports` and `queries` are (20,) int64 indices into the evaluation examples, and `answers`, (20,) int64,
    the position in `supports` of each query's character.
    """

    name: str
    alphabet: str
    supports: NDArray[np.int64]
    queries: NDArray[np.int64]
    answers: NDArray[np.int64]


@dataclass(frozen=True)
class Omniglot:
    """30 background alphabets (964 characters), 20 evaluation alphabets (659), the 20 runs, and a sha256."""

    background: Examples
    evaluation: Examples
    runs: tuple[OneshotRun, ...]
    digest: str


def read_omniglot(progress: Progress | None = None) -> Omniglot:
    """Reads Omniglot, 105 x 105, 0 for ink and 255 for paper, in the order of its official paths.

    The first call decodes the archives, from DLP_DATA_DIR or the network; later ones read one packed file.

    Raises:
        DataError: the archives cannot be had, or do not hold what was published.
    """
    file = find("omniglot", progress) / OMNIGLOT_FILE
    try:
        arrays = read_arrays(file)
        background, evaluation = _examples("background", arrays), _examples("evaluation", arrays)
        published = zip(arrays["supports"], arrays["queries"], arrays["answers"], strict=True)
        runs = tuple(
            _run(f"run{number:02d}", evaluation, *indices)
            for number, indices in enumerate(published, start=1)
        )
    except (PathError, ValueError, KeyError) as error:
        raise DataError(f"{file} is damaged: {error}", f"delete the folder {file.parent}") from error
    return Omniglot(background, evaluation, runs, omniglot_archives.DIGEST)


def vinyals_test_classes(omniglot: Omniglot) -> NDArray[np.int64]:
    """(423,) int64, the test classes of the usual few-shot split, as codes of the evaluation examples.

    O. Vinyals et al., "Matching Networks for One Shot Learning", NeurIPS 2016, with the lists of J. Snell et
    al., "Prototypical Networks for Few-shot Learning", NeurIPS 2017: of all characters in official order
    (background, then evaluation, each by name) the first 1,200 are trained on. The others all lie in the
    evaluation alphabets: the last of Gurmukhi and the twelve alphabets from Kannada on.
    """
    first = _VINYALS_TRAINED - len(omniglot.background.class_names)
    return np.arange(first, len(omniglot.evaluation.class_names), dtype=np.int64)


def split_as_vinyals(omniglot: Omniglot) -> tuple[Examples, Examples, Examples]:
    """The usual few-shot split, see `vinyals_test_classes`: 1,028 characters to train on, the 172 of its five
    validation alphabets, and 423 for the test. Alphabets of eight of the 20 published runs are trained on, so
    that these runs are no test for what was trained so."""
    everything = concatenate([omniglot.background, omniglot.evaluation])
    names = np.array(everything.alphabet_names)[everything.alphabets]
    trained = everything.classes < _VINYALS_TRAINED
    chosen_by = np.isin(names, _VINYALS_VALIDATION)
    parts = trained & ~chosen_by, trained & chosen_by, ~trained
    train, validation, test = (everything.select(np.flatnonzero(part)) for part in parts)
    return train, validation, test


def _examples(part: str, arrays: Mapping[str, NDArray[Any]]) -> Examples:
    paths = arrays[f"{part}_paths"].tobytes().decode().split("\n")
    parts = [path.split("/") for path in paths]
    classes = [f"{alphabet}/{character}" for _, alphabet, character, _ in parts]
    alphabet_names = sorted({alphabet for _, alphabet, _, _ in parts})
    class_names = sorted(set(classes))
    alphabet_codes = {name: code for code, name in enumerate(alphabet_names)}
    class_codes = {name: code for code, name in enumerate(class_names)}
    return Examples(
        pixels=_unpacked(arrays[part], len(paths)),
        alphabets=np.array([alphabet_codes[alphabet] for _, alphabet, _, _ in parts], np.int64),
        classes=np.array([class_codes[name] for name in classes], np.int64),
        drawers=np.array([int(path[-6:-4]) - 1 for path in paths], np.int64),
        alphabet_names=tuple(alphabet_names),
        class_names=tuple(class_names),
        paths=tuple(paths),
        sha256=tuple(digest.tobytes().hex() for digest in arrays[f"{part}_sha256"]),
    )


def _unpacked(packed: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Bits to 0 and 255, eight at a time through a table, which is faster than unpackbits and a product."""
    side = omniglot_archives.SIDE
    table = (np.unpackbits(np.arange(256, dtype=np.uint8)) * np.uint8(255)).view(np.uint64)
    pixels = table[packed].view(np.uint8)[: count * side * side]
    return pixels.reshape(count, side, side, 1)


def _run(
    name: str,
    evaluation: Examples,
    supports: NDArray[np.int64],
    queries: NDArray[np.int64],
    answers: NDArray[np.int64],
) -> OneshotRun:
    return OneshotRun(
        name=name,
        alphabet=evaluation.alphabet_names[evaluation.alphabets[supports[0]]],
        supports=supports,
        queries=queries,
        answers=answers,
    )
