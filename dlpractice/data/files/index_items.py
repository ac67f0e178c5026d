"""The records of an index: which image files there are and with which label. No file has been opened yet."""

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from dlpractice.data.codecs.image_formats import IMAGE_EXTENSIONS
from dlpractice.data.naming.split_names import SplitName

UNUSED = "unused"
"""In `splits.csv`, where others have their split: a training image that `fraction` leaves out."""

Severity = Literal["error", "warning", "info"]


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


@dataclass(frozen=True, slots=True)
class Item:
    """One image file: `path` relative to the index's root with forward slashes (or absolute, from a CSV)."""

    path: str
    label: str
    split: SplitName | None = None
    group: str | None = None


@dataclass(frozen=True)
class Finding:
    """One thing to know: `kind` for programs, `message` for people, `paths` of all files that it is about.

    An error is what training refuses; `hint` says what to do about it.
    """

    kind: str
    severity: Severity
    message: str
    paths: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class Index:
    """All image files of a data set, sorted by path, and what else was found beside them.

    `class_names` are sorted by their NFC, each in the user's spelling. `empty_classes` are class folders
    without an image, as `class` or `split/class`. What is passed over: `loose` are images in no class folder,
    `others` files that are no images by their name, and folders without images beside the splits; `clutter`
    what is hidden or left by a system. `findings` are what had to be decided, or is doubtful, about layout
    and names. `of_table` is True where a table gave the labels, and False where folders did. `archive` is
    the zip that was unpacked into `root`, if one was.
    """

    root: Path
    class_names: tuple[str, ...]
    items: tuple[Item, ...]
    empty_classes: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    clutter: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    of_table: bool = False
    archive: Path | None = None

    @property
    def place(self) -> Path:
        """What the user gave: the archive that was unpacked into `root`, or `root` itself."""
        return self.archive or self.root

    def file(self, item: Item) -> Path:
        """Where the item's file is."""
        return self.root / item.path

    def without_splits(self) -> "Index":
        """The same images, with no split given; a finding says so where there was one."""
        given = sorted({item.split for item in self.items if item.split is not None})
        if not given:
            return self
        told = Finding(
            "splits set aside",
            "warning",
            f"the data bring splits, {', '.join(given)}, which folds set aside: all images are divided anew",
            hint="leave what is to be kept for a later test out of data.source",
        )
        items = tuple(replace(item, split=None) for item in self.items)
        return replace(self, items=items, findings=(*self.findings, told))
