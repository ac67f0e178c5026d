"""Images outside of a data set: files and folders that somebody wants classified."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.codecs.library_notes import noting
from dlpractice.data.files.decoding import ImageError, Look, load_pixels
from dlpractice.data.files.folder_walk import find_files
from dlpractice.data.files.index_items import IMAGES, FileKind
from dlpractice.data.files.pixel_cache import in_order
from dlpractice.data.naming.file_endings import count_endings
from dlpractice.paths import Kind, try_look


@dataclass(frozen=True)
class LoadedImage:
    """One image: `pixels` (H, W, C) uint8 as in training, or None and the reason in `error`.

    note: what was odd about a file that could be decoded, in a line; "" where nothing was.
    """

    path: str
    pixels: NDArray[np.uint8] | None
    error: str = ""
    note: str = ""

    def describe_note(self) -> dict[str, str]:
        """What the row of the image says of it besides its answer."""
        return {"note": self.note} if self.note else {}


def load_images(paths: Sequence[str], look: Look) -> Iterator[LoadedImage]:
    """Decodes files, and all images below folders, as `load_files` does, to (image_size, image_size, 3)."""
    return load_files(paths, lambda path: load_pixels(path, look), IMAGES)


def load_files(
    paths: Sequence[str], decode: Callable[[Path], NDArray[np.uint8]], kind: FileKind
) -> Iterator[LoadedImage]:
    """Decodes files, and those of a kind below folders, in threads; yields them in order, a few held in
    memory.

    A file that is missing or cannot be decoded yields its error; so does a folder without such a file.

    Raises:
        DataError: a folder cannot be read.
    """

    def load(path: str) -> LoadedImage:
        if not path:
            return LoadedImage(path, None, "the path is empty")
        if try_look(path) is Kind.FOLDER:
            there = count_endings(find_files(Path(path), kind)[1])
            return LoadedImage(path, None, f"the folder holds no {kind.noun}{f': {there}' if there else ''}")
        try:
            with noting() as notes:
                pixels = decode(Path(path))
            return LoadedImage(path, pixels, note="; ".join(notes))
        except ImageError as error:
            return LoadedImage(path, None, error.reason)

    yield from in_order(load, _files(paths, kind))


def _files(paths: Sequence[str], kind: FileKind) -> Iterator[str]:
    for path in paths:
        if try_look(path) is Kind.FOLDER:
            inside, _ = find_files(Path(path), kind)
            yield from (str(Path(path) / name) for name in inside)
            if not inside:
                yield path
        else:
            yield path
