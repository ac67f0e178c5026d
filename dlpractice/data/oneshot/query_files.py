"""Files that somebody asks a one-shot net about, made what its training images were."""

from collections.abc import Iterator, Sequence
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
    """How a file becomes what the net was trained on, of the kind `kind`; drawings are ink on paper.

    `look` and `colour` are those with which the training images were read.
    """

    kind: Kind
    look: Look
    colour: Colour

    @property
    def files(self) -> FileKind:
        """The files that folders are searched for."""
        return RECORDINGS if self.kind == "recordings" else IMAGES


def load_queries(paths: Sequence[str], note: Note) -> Iterator[LoadedImage]:
    """Decodes files, and those below folders, as `unlabelled_images.load_files` does.

    Pixels are (S, S, C) uint8, S the side that the note's look has.

    Images and recordings go the way of `read_class_folders`. For a net that was trained on drawings, a
    photograph of one is made like them first, see `ink`.

    Raises:
        DataError: a folder cannot be read.
    """
    return load_files(paths, lambda path: load_query(path, note), note.files)


def load_query(path: Path, note: Note) -> NDArray[np.uint8]:
    """One file as `load_queries` gives it. Raises ImageError where it cannot be used."""
    is_recording = RECORDINGS.fits(path.name)
    if is_recording != (note.kind == "recordings"):
        found, wanted = ("a recording", "images") if is_recording else ("no WAV file", "recordings")
        raise ImageError(str(path), "unreadable", f"it is {found}, and the run compares {wanted}")
    if note.kind == "drawings":
        return load_drawing(path, note.look.image_size, note.look.background)[..., np.newaxis]
    return load_example(path, note.look, note.colour)
