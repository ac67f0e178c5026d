"""Class folders, alone or inside `train/`, `validation/` and `test/`, read into an index."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dlpractice.data.files.index_items import (
    IMAGES,
    SPLIT_ALIASES,
    FileKind,
    Index,
    Item,
    SplitName,
    is_clutter,
    is_text,
)
from dlpractice.errors import DataError

LAYOUTS = (
    "expected one folder per class with images inside, or such folders inside train/ and validation/ "
    "(or test/), or a CSV with the columns path,label"
)


@dataclass
class _Found:
    items: list[Item] = field(default_factory=list)
    empty_classes: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    clutter: int = 0


def index_folder(root: Path, kind: FileKind = IMAGES) -> Index:
    """Indexes a folder of class folders, or one with `train/` beside `validation/` and/or `test/`.

    A folder that holds nothing but one other folder is entered first, as archives often have such a wrapper.

    Raises:
        DataError: neither layout is there, a folder cannot be read, or a file name is no text.
    """
    root = unwrap(root)
    found = _Found()
    splits = _split_folders(root, kind)
    if splits:
        inside = {folder.name for folder in splits.values()}
        _note_others(root, found, except_for=inside)
        for split, folder in splits.items():
            _read_classes(root, folder, split, kind, found)
    else:
        _read_classes(root, root, None, kind, found)
    if not found.items:
        raise DataError(f"{root} holds no {kind.noun} in class folders", LAYOUTS)
    items = sorted(found.items, key=lambda item: item.path)
    return Index(
        root=root,
        class_names=tuple(sorted({item.label for item in items} | _names(found.empty_classes))),
        items=tuple(items),
        empty_classes=tuple(sorted(found.empty_classes)),
        others=tuple(sorted(found.others)),
        clutter=found.clutter,
    )


def image_files(folder: Path, kind: FileKind = IMAGES) -> list[str]:
    """The files of a kind at any depth below `folder`, sorted, relative to it, with forward slashes."""
    return sorted(path for path in _walk(folder, folder, _Found()) if kind.fits(path))


def unwrap(root: Path) -> Path:
    """The folder to read: `root`, or the one below where `root` only wraps a folder around the data."""
    entries = _entries(root)
    visible = [entry for entry in entries if not is_clutter(entry.name)]
    if len(visible) != 1 or not visible[0].is_dir():
        return root
    inner = Path(visible[0].path)
    is_wrapper = any(entry.is_dir() or entry.name.lower().endswith(".csv") for entry in _entries(inner))
    is_split = visible[0].name.lower() in SPLIT_ALIASES
    return unwrap(inner) if is_wrapper and not is_split else root


def _split_folders(root: Path, kind: FileKind) -> dict[SplitName, Path]:
    """The folders of the splits, or nothing where the folders of `root` are classes.

    A class may be called "train": only a train folder with class folders of its own, beside another split,
    counts.
    """
    splits: dict[SplitName, Path] = {}
    for entry in _entries(root):
        split = SPLIT_ALIASES.get(entry.name.lower())
        if split is None or not entry.is_dir():
            continue
        if split in splits:
            raise DataError(
                f"{root} has two folders for {split}: {splits[split].name} and {entry.name}", "keep one"
            )
        splits[split] = Path(entry.path)
    if "train" not in splits or _holds_files(splits["train"], kind):
        return {}
    folders = [entry for entry in _entries(root) if entry.is_dir() and not is_clutter(entry.name)]
    return splits if len(splits) > 1 or len(folders) == 1 else {}


def _holds_files(folder: Path, kind: FileKind) -> bool:
    return any(entry.is_file() and kind.fits(entry.name) for entry in _entries(folder))


def _read_classes(root: Path, folder: Path, split: SplitName | None, kind: FileKind, found: _Found) -> None:
    for entry in _entries(folder):
        relative = Path(entry.path).relative_to(root).as_posix()
        if is_clutter(entry.name):
            found.clutter += 1
        elif entry.is_dir():
            paths = list(_walk(root, Path(entry.path), found))
            wanted = [path for path in paths if kind.fits(path)]
            found.items += [Item(path, entry.name, split) for path in wanted]
            found.others += [path for path in paths if not kind.fits(path)]
            if not wanted:
                found.empty_classes.append(relative)
        elif split is not None and kind.fits(entry.name):
            raise DataError(
                f"{folder} holds {kind.noun} outside of class folders, such as {entry.name}",
                f"sort the {kind.noun} of {folder.name}/ into class folders, or move {folder.name}/ away",
            )
        else:
            found.others.append(relative)


def _note_others(root: Path, found: _Found, except_for: set[str]) -> None:
    for entry in _entries(root):
        if is_clutter(entry.name):
            found.clutter += 1
        elif entry.name not in except_for:
            found.others.append(entry.name + ("/" if entry.is_dir() else ""))


def _walk(root: Path, folder: Path, found: _Found, above: tuple[str, ...] = ()) -> Iterator[str]:
    """The files at any depth; linked folders are followed, except back into one of the folders above."""
    real = os.path.realpath(folder)
    if real in above:
        return
    for entry in _entries(folder):
        if is_clutter(entry.name):
            found.clutter += 1
        elif entry.is_dir():
            yield from _walk(root, Path(entry.path), found, (*above, real))
        else:
            yield Path(entry.path).relative_to(root).as_posix()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"cannot read the folder {folder}: {error.strerror}", "check its name and permissions"
        ) from error
    for entry in listed:
        if not is_text(entry.name):
            raise DataError(
                f"{folder} holds a file whose name is no readable text: {entry.name!r}", "rename that file"
            )
    return listed


def _names(empty_classes: list[str]) -> set[str]:
    return {path.rsplit("/", 1)[-1] for path in empty_classes}
