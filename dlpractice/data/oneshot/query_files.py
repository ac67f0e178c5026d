"""Files that somebody asks a one-shot net about, read as the net's training images were."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.files.decoding import ImageError, Look
from dlpractice.data.files.index_items import IMAGES, RECORDINGS, FileKind
from dlpractice.data.files.unlabelled_images import LoadedImage, load_files
from dlpractice.data.oneshot.ink import load_drawing
from dlpractice.data.oneshot.own_classes import Colour, load_example

Kind = Literal["images", "drawings", "recordings"]


@dataclass(frozen=True)
class Note:
    """What a trained net needs to know to read a file.

    Args:
        kind: what the net was trained on; `drawings` are ink on paper.
        look, colour: how the training images were read.
    """

    kind: Kind
    look: Look
    colour: Colour

    @property
    def files(self) -> FileKind:
        """The files that folders are searched for."""
        return RECORDINGS if self.kind == "recordings" else IMAGES


def load_queries(paths: Iterable[str], note: Note) -> Iterator[LoadedImage]:
    """Decodes files, and those below folders, in order, as `unlabelled_images.load_files` does.

    Images and recordings are read as `read_class_folders` reads them. If the net was trained on drawings, a
    photograph of a drawing is first made like them, see `ink`.

    Returns:
        Each file with its pixels, (S, S, C) uint8, S the side in the note's look; or with its error.

    Raises:
        DataError: a folder cannot be read.
    """
    return load_files(paths, lambda path: load_query(path, note), note.files)


def load_query(source: Path | bytes, note: Note, name: str = "") -> NDArray[np.uint8]:
    """One file, or the bytes of one called `name`, as `load_queries` gives it.

    Raises:
        ImageError: it cannot be used.
    """
    name = name or str(source)
    is_recording = RECORDINGS.fits(name)
    if is_recording != (note.kind == "recordings"):
        found, wanted = ("a recording", "images") if is_recording else ("no WAV file", "recordings")
        raise ImageError(name, "unreadable", f"it is {found}, and the run compares {wanted}")
    if note.kind == "drawings":
        return load_drawing(source, note.look.image_size, note.look.background, name)[..., np.newaxis]
    return load_example(source, note.look, note.colour, name)
