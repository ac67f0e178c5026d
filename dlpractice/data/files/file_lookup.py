"""Finds the files that a table names, whatever system it was written on."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from dlpractice.data.files.index_items import IMAGES_OR_RECORDINGS
from dlpractice.data.naming.class_names import nfc
from dlpractice.errors import PathError
from dlpractice.paths import Kind, list_folder, try_look

# How a file was found, in words that follow a number of paths.
BY_SEPARATOR = "found with / instead of \\"
BY_BYTES = "found by their bytes, which are no UTF-8"
BY_SPELLING = "found in another spelling of Unicode"
BY_ENDING = "found with their ending added"

_MOST_FOLDERS = 50


@dataclass(frozen=True)
class _Listing:
    """The names in a folder: by their NFC, by that in lower case, and images by their NFC without ending."""

    names: tuple[str, ...]

    @cached_property
    def by_spelling(self) -> dict[str, str]:
        return {nfc(name): name for name in self.names}

    @cached_property
    def by_case(self) -> dict[str, str]:
        return {nfc(name).casefold(): name for name in self.names}

    @cached_property
    def by_stem(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = defaultdict(list)
        for name in filter(IMAGES_OR_RECORDINGS.fits, self.names):
            stems[nfc(PurePosixPath(name).stem)].append(name)
        return stems


@dataclass
class Lookup:
    """Looks for files below `root`; `encoding` is that of the table which names them.

    `ways` counts the files that are not there by the very name, by the way in which they were found.
    """

    root: Path
    encoding: str
    ways: dict[str, int] = field(default_factory=dict)
    _listings: dict[Path, _Listing] = field(default_factory=dict)

    def find(self, name: str) -> str | None:
        """The path of a file that is there, with forward slashes: relative to the root where `name` is."""
        path, way = self.locate(name)
        if way:
            self.ways[way] = self.ways.get(way, 0) + 1
        return path

    def locate(self, name: str) -> tuple[str | None, str]:
        """As `find`, with the way in which the file was found, which is not counted."""
        for path, way in self._guesses(name):
            if path and try_look(self.root / path) is Kind.FILE:
                return PurePosixPath(path).as_posix(), way
        return None, ""

    def suggest(self, name: str) -> str:
        """A file that may be meant by a name that is not there, or "".

        It may be in another case, in a folder of the root, or below the root by the last parts of the name,
        as where a table was written on another machine.
        """
        path = self.root / name.replace("\\", "/")
        if other := self._list(path.parent).by_case.get(nfc(path.name).casefold()):
            return self._relative(path.parent / other)
        parts = PurePosixPath(name.replace("\\", "/")).parts
        ends = [PurePosixPath(*parts[first:]) for first in range(len(parts))]
        places = ((folder / end.parent, end.name) for end in ends for folder in (self.root, *self._folders))
        return next((found for folder, last in places if (found := self._find_inside(folder, last))), "")

    def _guesses(self, name: str) -> Iterator[tuple[str, str]]:
        slashed = name.replace("\\", "/")
        yield name, ""
        yield slashed, BY_SEPARATOR
        if not self.encoding.startswith("utf"):
            # On a disk whose names are in the encoding of the table.
            yield os.fsdecode(slashed.encode(self.encoding)), BY_BYTES
        folder = self._find_folder(PurePosixPath(slashed).parent)
        if folder is None:
            return
        listing, last = self._list(folder), nfc(PurePosixPath(slashed).name)
        if last in listing.by_spelling:
            yield self._relative(folder / listing.by_spelling[last]), BY_SPELLING
        if len(listing.by_stem.get(last, ())) == 1:
            yield self._relative(folder / listing.by_stem[last][0]), BY_ENDING

    def _find_folder(self, path: PurePosixPath) -> Path | None:
        """The folder at a path below the root, each part of which may be spelt in another way."""
        folder = self.root
        for part in path.parts:
            if try_look(folder / part) is not Kind.FOLDER:
                other = self._list(folder).by_spelling.get(nfc(part))
                if other is None:
                    return None
                folder = folder / other
            else:
                folder = folder / part
        return folder

    @cached_property
    def _folders(self) -> list[Path]:
        inside = (self.root / name for name in self._list(self.root).names)
        return [folder for folder in inside if try_look(folder) is Kind.FOLDER][:_MOST_FOLDERS]

    def _find_inside(self, folder: Path, name: str) -> str:
        listing = self._list(folder)
        found = (
            [listing.by_spelling[nfc(name)]]
            if nfc(name) in listing.by_spelling
            else listing.by_stem.get(nfc(name), [])
        )
        return self._relative(folder / found[0]) if found else ""

    def _list(self, folder: Path) -> _Listing:
        if folder not in self._listings:
            try:
                self._listings[folder] = _Listing(tuple(entry.name for entry in list_folder(folder)))
            except PathError:
                self._listings[folder] = _Listing(())
        return self._listings[folder]

    def _relative(self, path: Path) -> str:
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()
