"""Files that somebody asks a one-shot net about, made what its training images were."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.class_folders import Colour, to_grey
from dlpractice.data.decode import Resize, load_pixels
from dlpractice.data.images import LoadedImage, load_files
from dlpractice.data.ink import load_drawing
from dlpractice.data.items import IMAGES, RECORDINGS, FileKind
from dlpractice.data.recordings import load_spectrogram

Kind = Literal["images", "drawings", "recordings"]


class Note(NamedTuple):
    """How a file becomes pixels. kind: what the net was trained on; side: of the square, in pixels; resize
    and background are those of `decode.load_pixels`."""

    kind: Kind
    side: int
    colour: Colour
    resize: Resize
    background: str

    @property
    def files(self) -> FileKind:
        """The files that folders are searched for."""
        return RECORDINGS if self.kind == "recordings" else IMAGES


def load_queries(paths: Sequence[str], note: Note) -> Iterator[LoadedImage]:
    """Decodes files, and those below folders, as `images.load_images` does, to (side, side, C) uint8.

    Images and recordings go the way of `read_class_folders`. What was trained on drawings expects ink on
    paper, so that a photograph is first made a drawing, see `ink`.

    Raises:
        DataError: a folder cannot be read.
    """
    return load_files(paths, partial(_LOADERS[note.kind], note=note), note.files)


def _load_image(path: Path, note: Note) -> NDArray[np.uint8]:
    rgb = load_pixels(path, note.side, note.resize, note.background)
    return to_grey(rgb) if note.colour == "grey" else rgb


def _load_drawing(path: Path, note: Note) -> NDArray[np.uint8]:
    return load_drawing(path, note.side, note.background)[..., np.newaxis]


def _load_recording(path: Path, note: Note) -> NDArray[np.uint8]:
    grey = load_spectrogram(path, image_size=note.side)[..., np.newaxis]
    return np.repeat(grey, 3, axis=2) if note.colour == "colour" else grey


_LOADERS: dict[Kind, Callable[..., NDArray[np.uint8]]] = {
    "images": _load_image,
    "drawings": _load_drawing,
    "recordings": _load_recording,
}
