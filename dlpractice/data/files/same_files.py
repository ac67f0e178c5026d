"""The same file under several paths: written differently, or through links."""

from collections.abc import Callable, Iterable
from pathlib import Path

from dlpractice.data.files.index_items import Item
from dlpractice.paths import identify


def merge_paths(items: Iterable[Item], file: Callable[[Item], Path]) -> tuple[list[Item], list[str]]:
    """Keeps one of the items that name the same file with the same label, split and group: the first.

    Items of one file that contradict each other are all kept: whoever asks has to decide.

    Returns:
        the items, and the paths that were left out.
    """
    kept: dict[tuple[object, ...], Item] = {}
    left_out = []
    for item in items:
        key = (identify(file(item)), item.label, item.split, item.group)
        if kept.setdefault(key, item) is not item:
            left_out.append(item.path)
    return list(kept.values()), left_out
