"""The records of an index: which image files there are and with which label. No file has been opened yet."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from dlpractice.data.files.decoding import IMAGE_EXTENSIONS

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
UNUSED = "unused"
"""In `splits.csv`, where others have their split: a training image that `fraction` leaves out."""

# What people call the three parts, in folder names and in the split column of a CSV; compared in lower case.
SPLIT_ALIASES: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}

_CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "ehthumbs.db"})


@dataclass(frozen=True)
class FileKind:
    """The files that a folder is searched for: what people call them, and their endings in lower case."""

    noun: str
    endings: frozenset[str]

    def fits(self, path: str) -> bool:
        """True where the name ends like that of such a file, in upper or lower case."""
        return PurePosixPath(path).suffix.lower() in self.endings


IMAGES = FileKind("images", IMAGE_EXTENSIONS)
RECORDINGS = FileKind("recordings", frozenset({".wav"}))
IMAGES_OR_RECORDINGS = FileKind("images or WAV recordings", IMAGES.endings | RECORDINGS.endings)


@dataclass(frozen=True)
class Item:
    """One image file: `path` relative to the index's root with forward slashes (or absolute, from a CSV)."""

    path: str
    label: str
    split: SplitName | None = None
    group: str | None = None


@dataclass(frozen=True)
class Index:
    """All image files of a data set, sorted by path, and what else was found beside them.

    `empty_classes` are class folders without an image, as `class` or `split/class`; `others` are files that
    are no images by their name; `clutter` counts hidden files and the like, which are passed over.
    """

    root: Path
    class_names: tuple[str, ...]
    items: tuple[Item, ...]
    empty_classes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    clutter: int = 0

    def file(self, item: Item) -> Path:
        """Where the item's file is."""
        return self.root / item.path


def is_clutter(name: str) -> bool:
    """True for hidden files and for what operating systems leave behind in folders."""
    return name.startswith(".") or name.lower() in _CLUTTER


def is_text(name: str) -> bool:
    """False for a name with control characters, or with bytes that are no UTF-8: no CSV could hold it."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
