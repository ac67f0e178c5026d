"""What is doubtful about how a folder is laid out: names that may mean something else than was understood."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from dlpractice.data.files.index_items import Finding
from dlpractice.data.naming.class_names import nfc
from dlpractice.data.naming.split_names import SplitName, find_splits
from dlpractice.paths import Kind, list_folder

_NAMED = 3
_TABLES = (".csv", ".tsv")


def is_table(name: str) -> bool:
    """True where a file's name ends like that of a table of images."""
    return name.lower().endswith(_TABLES)


def find_tables(root: Path) -> list[str]:
    """The names of the tables that lie directly in `root`, sorted."""
    return [entry.name for entry in list_folder(root) if is_table(entry.name) and entry.kind is Kind.FILE]


def doubt_layout(root: Path, splits: Mapping[str, SplitName], paths: Sequence[str]) -> Iterator[Finding]:
    """What to know about how the folders were understood.

    Args:
        splits: the folders that were taken for splits; none where the folders of `root` are classes.
        paths: of the images, relative to `root`.
    """
    renamed = [f"{name}/ as {split}" for name, split in splits.items() if name.lower() != split]
    if renamed:
        yield Finding("splits", "info", f"read {', '.join(renamed)}")
    if not splits:
        yield from _doubt_class_folders(paths)
    if tables := find_tables(root):
        # Beside a single folder of images, it is likely that the labels are in there.
        is_single = len({PurePosixPath(path).parts[0] for path in paths}) == 1
        verb, it = ("is", "it") if len(tables) == 1 else ("are", "one of them")
        text = f"{_some(tables)} {verb} not read: if {it} holds the labels, give it instead of the folder"
        yield Finding("table", "warning" if is_single else "info", text, tuple(tables))


def _doubt_class_folders(paths: Sequence[str]) -> Iterator[Finding]:
    """Class folders that have folders of the same names inside, or are called as a split would be."""
    inside: dict[str, set[str]] = defaultdict(set)
    for parts in map(PurePosixPath, paths):
        folder, *rest = parts.parts
        inside[folder].add(nfc(rest[0]) if len(rest) > 1 else "")
    outer = [f"{name}/" for name in sorted(inside)]
    common = sorted(set.intersection(*inside.values()) - {""}) if len(inside) > 1 else []
    if len(common) > 1:
        splits = find_splits(common)
        text = (
            f"{_some(outer)} hold folders called like splits, which are taken for none: {_some(common)}. If "
            f"they are, turn the folders over, as in {common[0]}/{outer[0]}, or give a CSV path,label,split"
            if len(splits) == len(common)
            else f"{_some(outer)} are taken for classes, but hold folders of the same names: {_some(common)}."
            " If those are the classes, name the outer folders train, validation and test, or give a CSV of "
            "path,label,group"
        )
        yield Finding("layout", "warning", text, tuple(outer))
        return
    splits = find_splits(inside)
    if "train" in splits.values() and len(set(splits.values())) > 1:
        text = (
            f"{_some([f'{name}/' for name in splits])} are taken for classes, though called like splits, "
            "since there are images directly in them: if they are splits, sort these into class folders"
        )
        yield Finding("layout", "warning", text, tuple(splits))
        return
    called = [name for name in splits if "" not in inside[name]]
    if called:
        text = (
            f"{_some([f'{name}/' for name in called])} is taken for a class, though called like a split and "
            "divided into folders: if it is a split, move away what is none beside it"
        )
        yield Finding("layout", "warning", text, tuple(called))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
