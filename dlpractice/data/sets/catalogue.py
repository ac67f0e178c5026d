"""The data sets known by name."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dlpractice.data.examples import Examples
from dlpractice.data.files.archive import extract
from dlpractice.data.sets import omniglot_archives
from dlpractice.data.storage.cache_key import Keyed
from dlpractice.data.storage.cache_lock import writing
from dlpractice.data.storage.downloads import Download, fetch, find_local
from dlpractice.errors import DataError
from dlpractice.paths import find_matching, is_folder, open_file, status
from dlpractice.progress import Progress, Silent
from dlpractice.whole_files import making_folder

OMNIGLOT_FILE = "drawings.npz"

# How many generated alphabets are written as image files, to be looked at, how many characters each of them
# has, and by how many drawers.
_ALPHABETS, _CHARACTERS, _DRAWERS = 3, 30, 20


@dataclass(frozen=True)
class DataSet:
    """One row of the catalogue.

    `files` are downloaded, or found in DLP_DATA_DIR; there are none where a dependency brings the data or
    where it is generated. `build(row, target, progress)` makes the folder `target`, or leaves nothing.
    `command` is the one that learns from it.
    """

    name: str
    about: str
    source: str
    images: int
    build: Callable[["DataSet", Path, Progress], None]
    files: tuple[Download, ...] = ()
    command: Literal["finetune", "oneshot"] = "finetune"


@dataclass(frozen=True)
class Making(Keyed):
    """What a data set is made from; how it is made is this module's code."""

    name: str
    files: tuple[Download, ...]

    def folder(self) -> Path | None:
        """Where the data set lies that is made from the files that are here: other files, another folder.

        Where one of them is not here, the one that was made last; None if there is none.
        """
        room = self.cache_place("data")
        local = [find_local(file) for file in self.files]
        content = hashlib.sha256()
        for file in local:
            if file is None:
                made = sorted(
                    find_matching(room, f"{self.name}-*"), key=lambda folder: status(folder).st_mtime
                )
                return made[-1] if made else None
            with open_file(file) as opened:
                content.update(hashlib.file_digest(opened, "sha256").digest())
        return room / f"{self.name}-{content.hexdigest()[:16]}"


def find(name: str, progress: Progress | None = None) -> Path:
    """The folder of the data set `name`; what is lacking is downloaded, extracted or written first, once.

    Raises:
        DataError: no such name, or the data cannot be had.
    """
    row = CATALOGUE.get(name)
    if row is None:
        raise DataError(f"no data set is called {name}", f"known names: {', '.join(CATALOGUE)}")
    made = Making(row.name, row.files)
    folder = made.folder()
    if folder is None:
        for file in row.files:
            fetch(file, progress)
        folder = made.folder()
        assert folder is not None
    if not is_folder(folder):
        row.build(row, folder, progress or Silent())
    return folder


def sample_glyphs(progress: Progress) -> Examples:
    """A few generated alphabets of a fixed size, such as `find("glyphs")` writes."""
    # What draws them takes a while to be imported, and most need none.
    from dlpractice.data.sets.glyphs.alphabets import generate_alphabets

    size = (_CHARACTERS, _CHARACTERS)
    return generate_alphabets(_ALPHABETS, seed=0, characters=size, drawers=_DRAWERS, progress=progress)


def state(row: DataSet) -> str:
    """Whether the data set is here: "ready", "local" (to be unpacked or written), or "to download"."""
    folder = Making(row.name, row.files).folder()
    if folder is None:
        return "to download"
    return "ready" if is_folder(folder) else "local"


def _build_from_zip(row: DataSet, target: Path, progress: Progress) -> None:
    extract(fetch(row.files[0], progress), target, progress)


def _write_digits(row: DataSet, target: Path, progress: Progress) -> None:
    """Writes scikit-learn's digits as 8 x 8 grey PNG files in class folders; 0 to 16 becomes 0 to 255."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    with _made_whole(target) as partial:
        progress.stage(f"writing {row.name}", row.images, "images")
        for number, (grey, label) in enumerate(zip(digits.images, digits.target, strict=True)):
            path = partial / str(label) / f"{number:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.rint(grey * (255 / 16)).astype(np.uint8)).save(path)
            progress.advance()


def _pack_omniglot(row: DataSet, target: Path, progress: Progress) -> None:
    with _made_whole(target) as partial:
        omniglot_archives.pack_archives(partial / OMNIGLOT_FILE, progress)


def _write_glyphs(row: DataSet, target: Path, progress: Progress) -> None:
    """Writes a sample of generated alphabets as 105 x 105 PNG files in alphabet/character folders."""
    from PIL import Image

    examples = sample_glyphs(progress)
    with _made_whole(target) as partial:
        progress.stage(f"writing {row.name}", len(examples), "images")
        for name, pixels in zip(examples.paths, examples.pixels[:], strict=True):
            path = partial / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels[..., 0]).save(path)
            progress.advance()


@contextmanager
def _made_whole(target: Path) -> Iterator[Path]:
    """An empty folder that becomes `target` at the end, unless an error came or another process was first."""
    workplace = target.parent / f".{target.name}.writing"
    with writing(workplace), making_folder(target) as partial:
        yield partial


CATALOGUE: dict[str, DataSet] = {
    row.name: row
    for row in (
        DataSet(
            name="cats-dogs",
            about="photographs of cats and dogs: 1,000 of each to train on, 500 of each to validate and test",
            source="Kaggle's Dogs vs. Cats (Asirra), for research, as cats_and_dogs_filtered.zip",
            images=3000,
            build=_build_from_zip,
            files=(
                Download(
                    "cats-dogs/cats_and_dogs_filtered.zip",
                    "https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip",
                ),
            ),
        ),
        DataSet(
            name="digits",
            about="handwritten digits, 8 x 8 pixels, in ten classes",
            source="scikit-learn's copy of Alpaydin and Kaynak's Optical Recognition of Handwritten Digits",
            images=1797,
            build=_write_digits,
        ),
        DataSet(
            name="omniglot",
            about="1,623 characters of 50 alphabets, each drawn by 20 people, and 20 one-shot runs",
            source="Lake, Salakhutdinov and Tenenbaum 2015, github.com/brendenlake/omniglot, MIT licence",
            images=32460,
            build=_pack_omniglot,
            files=(omniglot_archives.BACKGROUND, omniglot_archives.EVALUATION, omniglot_archives.RUNS),
            command="oneshot",
        ),
        DataSet(
            name="glyphs",
            about=f"made-up alphabets by 20 made-up drawers, as many as wanted; here {_ALPHABETS} of them",
            source="generated here from a seed",
            images=_ALPHABETS * _CHARACTERS * _DRAWERS,
            build=_write_glyphs,
            command="oneshot",
        ),
    )
}
