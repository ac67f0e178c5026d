"""From Omniglot's three archives to one packed file, after their content was held against the published one.

B. M. Lake, R. Salakhutdinov and J. B. Tenenbaum, "Human-level concept learning through probabilistic program
induction", Science 350 (2015), 1332-1338; https://github.com/brendenlake/omniglot.
"""

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.storage.downloads import Download, fetch
from dlpractice.errors import DataError, PathError
from dlpractice.progress import Progress
from dlpractice.whole_files import replacing
from dlpractice.zip_files import open_zip, read_entry

_ADDRESS = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python"
BACKGROUND = Download(
    "omniglot/images_background.zip",
    f"{_ADDRESS}/images_background.zip",
    "md5:68d2efa1b9178cc56df9314c21c6e718",
)
EVALUATION = Download(
    "omniglot/images_evaluation.zip",
    f"{_ADDRESS}/images_evaluation.zip",
    "md5:6b91aef0f799c5bb55b94e3f2daec811",
)
RUNS = Download("omniglot/all_runs.zip", f"{_ADDRESS}/one-shot-classification/all_runs.zip")

SIDE = 105
DRAWERS = 20
RUN_COUNT = 20
RUN_WAYS = 20

# sha256 over all packed drawings in the order of their paths, then the 20 runs' indices and answers.
DIGEST = "6bedcfc489bd0b6e62668bf01b976e853f75b1ee4ba913f9c3e936edb216cabe"

_DRAWING = re.compile(r"[^/]+/(?P<alphabet>[^/]+)/(?P<character>character\d\d)/\d{4}_(?P<drawer>\d\d)\.png")
_HINT = "get the archive again from the address that `dlp data ls` names, or remove it to have it downloaded"
# The largest drawing has 980 bytes; no entry of these archives needs more than this.
_MAX_ENTRY_BYTES = 64 * 1024


@dataclass(frozen=True)
class Expected:
    """How many alphabets and characters an archive holds."""

    alphabets: int
    characters: int


EXPECTED_BACKGROUND = Expected(alphabets=30, characters=964)
EXPECTED_EVALUATION = Expected(alphabets=20, characters=659)


@dataclass(frozen=True)
class Drawings:
    """The drawings of one archive, N of them in the order of their paths.

    `packed` is (N, 1379) uint8, eight pixels a byte, 1 for paper and 0 for ink; `paths` are those in the
    archive.
    """

    paths: list[str]
    packed: NDArray[np.uint8]


def pack_archives(target: Path, progress: Progress) -> None:
    """Decodes the three archives, from DLP_DATA_DIR or the network, into the file `target`.

    The arrays in it: `background` and `evaluation` (all pixels of a part as one row of bits), `*_paths`
    (text, a line each), `*_sha256` (N, 32) uint8, and `supports`, `queries`, `answers`, each (20, 20) int64.

    Raises:
        DataError: an archive cannot be had or read, or does not hold what was published.
    """
    archives = [fetch(wanted, progress) for wanted in (BACKGROUND, EVALUATION, RUNS)]
    try:
        background = _read_drawings(archives[0], EXPECTED_BACKGROUND, progress)
        evaluation = _read_drawings(archives[1], EXPECTED_EVALUATION, progress)
        supports, queries, answers = _read_runs(archives[2], evaluation)
    except PathError as error:
        raise DataError(error.message, _HINT) from error
    arrays: dict[str, NDArray[Any]] = {
        **_arrays("background", background),
        **_arrays("evaluation", evaluation),
        "supports": supports,
        "queries": queries,
        "answers": answers,
    }
    _check_digest(background, evaluation, supports, queries, answers)
    with replacing(target) as new, new.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _check_digest(background: Drawings, evaluation: Drawings, *runs: NDArray[np.int64]) -> None:
    digest = hashlib.sha256(background.packed.data)
    digest.update(evaluation.packed.data)
    for array in runs:
        digest.update(array.astype("<i8").tobytes())
    if digest.hexdigest() != DIGEST:
        raise DataError(
            "Omniglot's archives hold other drawings or runs than the published ones (sha256 of the content "
            f"{digest.hexdigest()}, expected {DIGEST})",
            _HINT,
        )


def _arrays(part: str, drawings: Drawings) -> dict[str, NDArray[Any]]:
    pixels = np.unpackbits(drawings.packed, axis=1, count=SIDE * SIDE)
    digests = [hashlib.sha256(row).digest() for row in drawings.packed]
    return {
        part: np.packbits(pixels),
        f"{part}_paths": np.frombuffer("\n".join(drawings.paths).encode(), np.uint8),
        f"{part}_sha256": np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32),
    }


def _read_drawings(archive: Path, expected: Expected, progress: Progress) -> Drawings:
    with open_zip(archive) as opened:
        names = sorted(name for name in opened.namelist() if _DRAWING.fullmatch(name))
        _check_names(archive, names, expected)
        progress.stage(f"decoding {archive.name}", len(names), "drawings")
        packed = np.empty((len(names), -(-SIDE * SIDE // 8)), np.uint8)
        for row, name in zip(packed, names, strict=True):
            row[:] = _packed(archive, opened, name)
            progress.advance()
    return Drawings(names, packed)


def _check_names(archive: Path, names: list[str], expected: Expected) -> None:
    characters: dict[str, list[str]] = {}
    for name in names:
        characters.setdefault(name.rpartition("/")[0], []).append(name[-6:-4])
    alphabets = {folder.split("/")[1] for folder in characters}
    if (len(alphabets), len(characters)) != (expected.alphabets, expected.characters):
        raise DataError(
            f"{archive} holds {len(characters)} characters of {len(alphabets)} alphabets, not "
            f"{expected.characters} of {expected.alphabets}",
            _HINT,
        )
    everybody = [f"{drawer:02d}" for drawer in range(1, DRAWERS + 1)]
    lacking = [folder for folder, drawers in characters.items() if drawers != everybody]
    if lacking:
        raise DataError(
            f"{archive}: {', '.join(lacking[:3])} is not drawn once by each of {DRAWERS} people", _HINT
        )


def _read_runs(archive: Path, evaluation: Drawings) -> tuple[NDArray[np.int64], ...]:
    """Supports and queries as indices into the evaluation drawings, and the place of each query's support."""
    # No two evaluation drawings are equal, so a drawing's pixels say which one it is.
    known = {row.tobytes(): number for number, row in enumerate(evaluation.packed)}
    supports, queries, answers = (np.zeros((RUN_COUNT, RUN_WAYS), np.int64) for _ in range(3))
    with open_zip(archive) as opened:
        for run in range(RUN_COUNT):
            pairs = _read_labels(archive, opened, f"run{run + 1:02d}/class_labels.txt")
            choices = sorted(pairs.values())
            for array, names in ((supports, choices), (queries, sorted(pairs))):
                for column, name in enumerate(names):
                    drawing = known.get(_packed(archive, opened, name).tobytes())
                    if drawing is None:
                        raise DataError(f"{archive}: {name} is no drawing of the evaluation set", _HINT)
                    array[run, column] = drawing
            answers[run] = [choices.index(pairs[name]) for name in sorted(pairs)]
    return supports, queries, answers


def _read_labels(archive: Path, opened: zipfile.ZipFile, name: str) -> dict[str, str]:
    """Which file of the training folder shows the same character as each file of the test folder."""
    lines = read_entry(archive, opened, name, _MAX_ENTRY_BYTES).decode("ascii", "replace").split("\n")
    rows = [line.split() for line in lines if line.strip()]
    pairs = {row[0]: row[1] for row in rows if len(row) == 2}
    if len(rows) != RUN_WAYS or len(pairs) != RUN_WAYS or len(set(pairs.values())) != RUN_WAYS:
        raise DataError(f"{archive}: {name} does not pair {RUN_WAYS} drawings with {RUN_WAYS} others", _HINT)
    return pairs


def _packed(archive: Path, opened: zipfile.ZipFile, name: str) -> NDArray[np.uint8]:
    """(1379,) uint8 of a black-and-white drawing, 1 for paper."""
    try:
        with Image.open(
            io.BytesIO(read_entry(archive, opened, name, _MAX_ENTRY_BYTES)), formats=("PNG",)
        ) as image:
            if image.mode != "1" or image.size != (SIDE, SIDE):
                raise DataError(f"{archive}: {name} is no black-and-white {SIDE} x {SIDE} drawing", _HINT)
            return np.packbits(np.asarray(image))
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{archive}: {name} cannot be decoded: {error}", _HINT) from error
