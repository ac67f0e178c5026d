"""The data sets known by name."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dlpractice.data.archive import extract
from dlpractice.data.cache import cache_dir, writing
from dlpractice.data.download import fetch, find_local
from dlpractice.data.progress import Progress, Quiet
from dlpractice.errors import DataError


@dataclass(frozen=True)
class DataSet:
    """One row of the catalogue.

    `file` is its name in DLP_DATA_DIR and `url` the address it is downloaded from; both are empty where a
    dependency brings the data. `build(row, target, progress)` makes the folder `target`.
    """

    name: str
    about: str
    source: str
    images: int
    build: Callable[["DataSet", Path, Progress], None]
    file: str = ""
    url: str = ""


def find(name: str, progress: Progress | None = None) -> Path:
    """The folder of the data set `name`; what is lacking is downloaded, extracted or written first, once.

    Raises:
        DataError: no such name, or the data cannot be had.
    """
    row = CATALOGUE.get(name)
    if row is None:
        raise DataError(f"no data set is called {name}", f"known names: {', '.join(CATALOGUE)}")
    folder = folder_of(row)
    if not folder.is_dir():
        row.build(row, folder, progress or Quiet())
    return folder


def folder_of(row: DataSet) -> Path:
    """Where the data set lies once it was fetched."""
    return cache_dir() / "data" / row.name


def state(row: DataSet) -> str:
    """Whether the data set is here: "ready", "local" (to be unpacked or written), or "to download"."""
    if folder_of(row).is_dir():
        return "ready"
    return "local" if not row.file or find_local(row.file) else "to download"


def _build_from_zip(row: DataSet, target: Path, progress: Progress) -> None:
    extract(fetch(row.file, row.url, progress=progress), target, progress)


def _write_digits(row: DataSet, target: Path, progress: Progress) -> None:
    """Writes scikit-learn's digits as 8 x 8 grey PNG files in class folders; 0 to 16 becomes 0 to 255."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    with writing(target.parent / f".{target.name}.writing"):
        partial = target.parent / f".{target.name}.writing" / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        progress.stage(f"writing {row.name}", row.images, "images")
        for number, (grey, label) in enumerate(zip(digits.images, digits.target, strict=True)):
            path = partial / str(label) / f"{number:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.rint(grey * (255 / 16)).astype(np.uint8)).save(path)
            progress.advance()
        if target.is_dir():
            shutil.rmtree(partial)
        else:
            os.replace(partial, target)


CATALOGUE: dict[str, DataSet] = {
    row.name: row
    for row in (
        DataSet(
            name="cats-dogs",
            about="photographs of cats and dogs: 1,000 of each to train on, 500 of each to validate and test",
            source="Kaggle's Dogs vs. Cats (Asirra), for research, as cats_and_dogs_filtered.zip",
            images=3000,
            build=_build_from_zip,
            file="cats-dogs/cats_and_dogs_filtered.zip",
            url="https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip",
        ),
        DataSet(
            name="digits",
            about="handwritten digits, 8 x 8 pixels, in ten classes",
            source="scikit-learn's copy of Alpaydin and Kaynak's Optical Recognition of Handwritten Digits",
            images=1797,
            build=_write_digits,
        ),
    )
}
