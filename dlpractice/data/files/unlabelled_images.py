"""Images outside of a data set: files and folders that somebody wants classified."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.codecs.library_notes import noting
from dlpractice.data.files.archive import unpack_zip
from dlpractice.data.files.decoding import ImageError, Look, load_pixels, read
from dlpractice.data.files.folder_walk import find_files
from dlpractice.data.files.index_items import IMAGES, FileKind
from dlpractice.data.files.pixel_cache import in_order
from dlpractice.data.naming.file_endings import count_endings
from dlpractice.paths import Kind, find_matching, try_look

_Named = tuple[str, Path]
"""What a file is called in an answer, and where it lies."""
_WILD = frozenset("*?[")

Recall = Callable[[str], NDArray[Any] | None]


@dataclass(frozen=True)
class LoadedImage:
    """One image: `pixels` (H, W, C) uint8 as in training, or None and the reason in `error`.

    features: what is known of the image in the place of its pixels, see `load_images`.
    note: what was odd about a file that could be decoded, in a line; "" where nothing was.
    file: where it lies, which of an image in a zip is no part of its path.
    """

    path: str
    pixels: NDArray[np.uint8] | None
    error: str = ""
    note: str = ""
    file: Path = Path()
    features: NDArray[Any] | None = None

    def describe_note(self) -> dict[str, str]:
        """What the row of the image says of it besides its answer."""
        return {"note": self.note} if self.note else {}


def load_images(paths: Iterable[str], look: Look, recall: Recall | None = None) -> Iterator[LoadedImage]:
    """Decodes files, and all images below folders and in zips, as `load_files` does, to (S, S, 3).

    recall: from the sha256 of a file's bytes to what is known of the image, or None. What is known has no
        pixels: it is not decoded.
    """
    return load_files(paths, lambda path: load_pixels(path, look), IMAGES, recall)


def load_files(
    paths: Iterable[str],
    decode: Callable[[Path], NDArray[np.uint8]],
    kind: FileKind,
    recall: Recall | None = None,
) -> Iterator[LoadedImage]:
    """Decodes files, and those of a kind below folders and in zips, in threads; yields them in order, a few
    held in memory.

    A path such as `photos/*.jpg` that is no file's own name stands for all that fit it, `**` for folders at
    any depth. A zip is unpacked in the cache, and its files are called `photos.zip/cat.jpg`. A file that is
    missing or cannot be decoded yields its error; so does a folder without such a file.

    Raises:
        DataError: a folder or a zip cannot be read.
    """

    def load(named: _Named) -> LoadedImage:
        path, file = named
        if not path:
            return LoadedImage(path, None, "the path is empty")
        if try_look(file) is Kind.FOLDER:
            there = count_endings(find_files(file, kind)[1])
            return LoadedImage(path, None, f"the folder holds no {kind.noun}{f': {there}' if there else ''}")
        try:
            known = recall(hashlib.sha256(read(file)).hexdigest()) if recall else None
            if known is not None:
                return LoadedImage(path, None, file=file, features=known)
            with noting() as notes:
                pixels = decode(file)
            return LoadedImage(path, pixels, note="; ".join(notes), file=file)
        except ImageError as error:
            return LoadedImage(path, None, error.reason)

    yield from in_order(load, _files(paths, kind))


def _files(paths: Iterable[str], kind: FileKind) -> Iterator[_Named]:
    """What `paths` lead to, one after the other; a folder without such a file is left to be refused."""
    for path in chain.from_iterable(map(_expand, paths)):
        place = Path(path)
        if not path:  # which `Path` takes for the working folder
            yield path, place
            continue
        if place.suffix.lower() == ".zip" and try_look(place) is Kind.FILE:
            place = unpack_zip(place)
        if try_look(place) is not Kind.FOLDER:
            yield path, place
            continue
        inside, _ = find_files(place, kind)
        yield from ((str(Path(path) / name), place / name) for name in inside)
        if not inside:
            yield path, place


def _expand(path: str) -> list[str]:
    """The paths that fit a pattern; `path` itself where it is none, or none fits."""
    if not _WILD & set(path) or try_look(path) is not Kind.ABSENT:
        return [path]
    whole = Path(path)
    pattern = whole.relative_to(whole.anchor).as_posix()
    return [str(found) for found in find_matching(Path(whole.anchor), pattern)] or [path]
