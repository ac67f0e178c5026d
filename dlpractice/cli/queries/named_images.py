"""The images that somebody names on the command line, and what is said of those without an answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from dlpractice.cli.console import messages
from dlpractice.errors import DataError
from dlpractice.paths import Kind, try_look

LISTED = "-"
"""Stands for a list of paths on standard input."""

_CHUNK = 1 << 16
_NAMED = 3
_NO_IMAGE = (Kind.ABSENT, Kind.FOLDER, Kind.UNKNOWN, Kind.OTHER)

Row = Mapping[str, Any]


class Seen:
    """Counts the rows of answers about what was named, and keeps none of them."""

    def __init__(self, named: Sequence[str]) -> None:
        self.named = named
        self._count = self._failed = 0
        self._vain: list[str] = []
        self._hears = False

    def list_paths(self, stream: BinaryIO) -> Iterator[str]:
        """What was named, and in the place of `-` the paths in `stream`.

        Raises:
            DataError: `stream` has none.
        """
        return chain.from_iterable(read_list(stream) if path == LISTED else [path] for path in self.named)

    def watch(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows, counted."""
        named = set(self.named)
        for row in rows:
            self._count += 1
            self._hears = self._hears or row["path"].lower().endswith(".wav")
            if "error" in row:
                self._failed += 1
                # What lies in a folder has a row of its own, so a folder in a row has no image.
                if row["path"] in named and try_look(row["path"]) in _NO_IMAGE:
                    self._vain.append(row["path"])
            yield row

    def report(self) -> None:
        """Says which files were passed over.

        Raises:
            DataError: no image could be read, or some path leads to none.
        """
        for folder in (path for path in self.named if try_look(path) is Kind.FOLDER):
            _warn_of_other_files(folder, self._hears)
        if self._failed and self._failed == self._count:
            raise DataError(
                "the image cannot be read"
                if self._count == 1
                else f"none of the {self._count} images can be read",
                "see its error above" if self._count == 1 else "see their errors above",
            )
        if vain := self._vain:
            raise DataError(
                f"{len(vain)} of the {len(self.named)} paths lead to no image: "
                + ", ".join(map(repr, vain[:_NAMED]))
                + (f" and {len(vain) - _NAMED} more" if len(vain) > _NAMED else ""),
                "check their spelling; the other images were classified, see above",
            )


def read_list(stream: BinaryIO) -> Iterator[str]:
    """The paths in a stream of bytes, a line each, as they come; between NULs where there are any.

    Raises:
        DataError: there is none.
    """
    import os

    rest, separator, found = b"", b"", False
    while part := getattr(stream, "read1", stream.read)(_CHUNK):
        separator = separator or (b"\0" if b"\0" in part else b"\n")
        *whole, rest = (rest + part).split(separator)
        for line in filter(None, (one.rstrip(b"\r") for one in whole)):
            found = True
            yield os.fsdecode(line)
    if rest := rest.rstrip(b"\r"):
        found = True
        yield os.fsdecode(rest)
    if not found:
        raise DataError("the list on standard input is empty", "give a path on each of its lines")


def _warn_of_other_files(folder: str, hears: bool) -> None:
    """Names what has no row. hears: whether the model takes recordings, and no images."""
    from dlpractice.data.files.folder_walk import Walk, may_be_meant
    from dlpractice.data.files.index_items import IMAGES, RECORDINGS
    from dlpractice.data.naming.file_endings import count_endings

    walk = Walk(Path(folder))
    others = [path for path in walk.files(walk.root) if not (RECORDINGS if hears else IMAGES).fits(path)]
    hidden = [path for path in walk.clutter if may_be_meant(path)]
    for what, paths in ((count_endings(others), others), (f"{len(hidden)} hidden", hidden)):
        if paths:
            text = f"warning: {what} in {folder} passed over, no images by name, such as {paths[0]}"
            messages().print(text, soft_wrap=True)
