"""Class folders, alone or inside `train/`, `validation/` and `test/`, read into an index."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from dlpractice.data.files.folder_walk import Walk
from dlpractice.data.files.index_items import IMAGES, RECORDINGS, FileKind, Finding, Index, Item
from dlpractice.data.files.layout_doubts import doubt_layout, find_tables, is_table
from dlpractice.data.files.same_files import merge_paths
from dlpractice.data.naming.class_names import is_text, nfc, settle_spelling
from dlpractice.data.naming.file_endings import count_endings
from dlpractice.data.naming.split_names import SplitName, find_rivals, find_splits, is_split
from dlpractice.errors import DataError
from dlpractice.paths import Kind, identify

LAYOUTS = (
    "expected one folder per class with images inside, or such folders inside train/ and validation/ "
    "(or test/), or a CSV with the columns path,label"
)

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar")
_NAMED = 5


@dataclass
class _Found:
    walk: Walk
    items: list[Item] = field(default_factory=list)
    empty_classes: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def index_folder(root: Path, kind: FileKind = IMAGES) -> Index:
    """Indexes a folder of class folders, or one with `train/` beside `validation/` and/or `test/`.

    A folder that holds nothing but one other folder is entered first, as archives often have such a wrapper.

    Raises:
        DataError: neither layout is there, a folder cannot be read, or the name of a class is no text.
    """
    root = unwrap(root)
    found = _Found(Walk(root))
    splits = _split_folders(root, kind)
    if splits:
        _note_beside(root, splits, kind, found)
        for name, split in splits.items():
            _read_classes(_enter(root / name, found.walk), split, kind, found)
    else:
        _read_classes(root, None, kind, found)
    if not found.items:
        there = count_endings(found.others)
        raise DataError(
            f"{root} holds no {kind.noun} in class folders" + (f"; there are {there}" if there else ""),
            _what_instead(root, kind, found),
        )
    if not splits:
        _refuse_splits_as_classes(root, kind, found)
    return _settle(root, splits, found)


def _settle(root: Path, splits: dict[str, SplitName], found: _Found) -> Index:
    """The index of what was found: each class in one spelling, each file once, everything in order."""
    empty = {path: path.rsplit("/", 1)[-1] for path in found.empty_classes}
    spelling = settle_spelling([*(item.label for item in found.items), *empty.values()])
    spelt = (replace(item, label=spelling[item.label]) for item in found.items)
    # The order, and with it what is trained, does not depend on how a system spells names.
    ordered = sorted(spelt, key=lambda item: (nfc(item.path), item.path))
    items, again = merge_paths(ordered, lambda item: root / item.path)
    names = {item.label for item in items} | {spelling[name] for name in empty.values()}
    return Index(
        root=root,
        class_names=tuple(sorted(names, key=nfc)),
        items=tuple(items),
        empty_classes=tuple(sorted(found.empty_classes)),
        loose=tuple(sorted(found.loose)),
        others=tuple(sorted(found.others)),
        clutter=tuple(sorted(found.walk.clutter)),
        findings=(
            *doubt_layout(root, splits, [item.path for item in items]),
            *_describe_links(found.walk.circles, again),
        ),
    )


def unwrap(root: Path) -> Path:
    """The folder to read: `root`, or the one below where `root` only wraps a folder around the data."""
    entered = set()
    while identify(root) not in entered:
        entered.add(identify(root))
        entries = Walk(root).entries(root)
        if len(entries) != 1 or not entries[0].is_folder or is_split(entries[0].name):
            break
        inner = Path(entries[0].path)
        if not any(entry.is_folder or is_table(entry.name) for entry in Walk(inner).entries(inner)):
            break
        root = inner
    return root


def _split_folders(root: Path, kind: FileKind) -> dict[str, SplitName]:
    """The folders of the splits by name, or nothing where the folders of `root` are classes.

    A class may be called "train": only folders with class folders of their own are splits. There have to be
    two of them with a train folder, or no other folders at all.
    """
    folders = [entry.name for entry in Walk(root).entries(root) if entry.is_folder]
    splits = find_splits(folders)
    train = [name for name, split in splits.items() if split == "train"]
    if not splits or any(_holds_files(root / name, kind) for name in train or splits):
        return {}
    if not (len(splits) == len(folders) or (train and len(splits) > len(train))):
        return {}
    if not any(_holds_folders(root / name) for name in splits):
        return {}
    if rivals := find_rivals(splits):
        split, names = rivals
        raise DataError(f"{root} has several folders for {split}: {' and '.join(names)}", "keep one of them")
    return splits


def _holds_files(folder: Path, kind: FileKind) -> bool:
    return any(entry.kind is Kind.FILE and kind.fits(entry.name) for entry in Walk(folder).entries(folder))


def _holds_folders(folder: Path) -> bool:
    return any(entry.is_folder for entry in Walk(folder).entries(folder))


def _enter(split: Path, walk: Walk) -> Path:
    """The folder with the classes of a split: the one inside where it has the same name, as archives do."""
    entries = Walk(split).entries(split)
    is_doubled = len(entries) == 1 and entries[0].is_folder and entries[0].name.lower() == split.name.lower()
    if not is_doubled or not _holds_folders(split / entries[0].name):
        return split
    return Path(walk.entries(split)[0].path)


def _read_classes(folder: Path, split: SplitName | None, kind: FileKind, found: _Found) -> None:
    entries = found.walk.entries(folder)
    for entry in entries:
        if entry.is_folder:
            found.walk.claim(Path(entry.path))  # what links to a class from another one is no part of that
    for entry in entries:
        relative = found.walk.relative(entry)
        if entry.is_folder:
            _refuse_unreadable_name(folder, entry.name)
            paths = list(found.walk.files(Path(entry.path)))
            wanted = [path for path in paths if kind.fits(path)]
            found.items += [Item(path, entry.name, split) for path in wanted]
            found.others += [path for path in paths if not kind.fits(path)]
            if not wanted:
                found.empty_classes.append(relative.rstrip("/"))
        elif kind.fits(entry.name):
            _refuse_unlabelled(folder, split, kind, entry.name)
            found.loose.append(relative)
        else:
            found.others.append(relative)


def _refuse_unreadable_name(folder: Path, name: str) -> None:
    if not is_text(name):
        raise DataError(
            f"{folder} holds a class folder whose name is no readable text: {name!r}",
            "rename that folder: its name is that of the class",
        )


def _refuse_unlabelled(folder: Path, split: SplitName | None, kind: FileKind, name: str) -> None:
    if split is not None:
        raise DataError(
            f"{folder} holds {kind.noun} outside of class folders, such as {name}",
            f"sort the {kind.noun} of {folder.name}/ into class folders, or move {folder.name}/ away",
        )


def _refuse_splits_as_classes(root: Path, kind: FileKind, found: _Found) -> None:
    """Refuses class folders which all are called like splits: a net would learn to tell train from test."""
    labels = {item.label for item in found.items}
    splits = find_splits(labels)
    if len(splits) == len(labels) == len(set(splits.values())) > 1 and "train" in splits.values():
        shown = " and ".join(f"{name}/" for name in sorted(splits))
        tables = find_tables(root)
        hint = f"give {tables[0]} instead of the folder, if it holds their labels" if tables else ""
        raise DataError(
            f"{root}: {shown} are called like splits, but hold {kind.noun} in no class folders",
            hint
            or f"sort the {kind.noun} inside into class folders; if they are classes, give a CSV path,label",
        )


def _note_beside(root: Path, splits: Iterable[str], kind: FileKind, found: _Found) -> None:
    """Notes what lies beside the folders of the splits."""
    for entry in found.walk.entries(root):
        if entry.name in splits:
            continue
        inside = found.walk.files(Path(entry.path)) if entry.is_folder else [found.walk.relative(entry)]
        if loose := [path for path in inside if kind.fits(path)]:
            found.loose += loose
        else:
            found.others.append(found.walk.relative(entry))


def _what_instead(root: Path, kind: FileKind, found: _Found) -> str:
    if kind is IMAGES and any(map(RECORDINGS.fits, found.others)):
        return f"recordings are for `dlp oneshot`; for `dlp finetune`, {LAYOUTS}"
    if packed := [path for path in found.others if path.lower().endswith(ARCHIVES)]:
        return f"unpack {packed[0]}, and give its folder"
    if tables := find_tables(root):
        return f"if {tables[0]} says what the {kind.noun} show, give it instead of the folder: {LAYOUTS}"
    if found.loose:
        return (
            f"{len(found.loose)} {kind.noun} lie directly in the folder, such as {found.loose[0]}: {LAYOUTS}"
        )
    return LAYOUTS


def _describe_links(circles: list[str], again: list[str]) -> Iterable[Finding]:
    if circles:
        more = f" and {len(circles) - _NAMED} more" if len(circles) > _NAMED else ""
        named = ", ".join(circles[:_NAMED]) + more
        text = f"links to folders that are read already, or lie above them, are passed over: {named}"
        yield Finding("circular link", "warning", text, tuple(circles))
    if again:
        lead = "1 path leads" if len(again) == 1 else f"{len(again)} paths lead"
        text = f"{lead} to a file that is there already, which counts once: {again[0]}"
        yield Finding("same file", "info", text, tuple(again))
