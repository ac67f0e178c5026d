"""The things that an audit can find: each function looks for one sort of them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.codecs.image_formats import EXTENSIONS
from dlpractice.data.codecs.levels import Levels
from dlpractice.data.codecs.sample_array import Problem
from dlpractice.data.files.decoding import FLAT
from dlpractice.data.files.folder_walk import may_be_meant
from dlpractice.data.files.index_items import Finding, Index, Item, Severity
from dlpractice.data.files.pixel_cache import Scan
from dlpractice.data.naming.class_names import find_look_alikes, reveal
from dlpractice.data.naming.file_endings import count_endings
from dlpractice.data.storage.row_store import RowView

OnBadImage = Literal["error", "skip"]

REPAIR = "repair or remove them, or set data.on_bad_image=skip to leave them out"

# Below this a class's own accuracy moves by 10 points and more with each image.
FEW_IMAGES = 10
IMBALANCE = 10
UNSUPPORTED: Problem = "unsupported"
# Whoever has nearly all values in the darkest eighth of the range has lost three of the eight bits.
_DIM = 1 / 8
RANGE = "range"
_NAMED = 3


@dataclass(frozen=True)
class Unusable:
    """One image that cannot be used, and why."""

    path: str
    kind: str
    reason: str


def unusable_findings(unusable: Sequence[Unusable], on_bad_image: OnBadImage) -> list[Finding]:
    """One finding per kind of problem: "empty", "truncated", "contradictory labels" and so on.

    It is an error, or a warning where such images shall be skipped.
    """
    kinds: dict[str, list[Unusable]] = defaultdict(list)
    for item in sorted(unusable, key=lambda item: item.path):
        kinds[item.kind].append(item)
    severity: Severity = "warning" if on_bad_image == "skip" else "error"
    what = "left out" if severity == "warning" else "cannot be used"
    found = []
    for kind, items in kinds.items():
        paths = tuple(item.path for item in items)
        text, hint = f"{_number(paths, 'image')} {what}: {kind}", "" if severity == "warning" else REPAIR
        if kind == UNSUPPORTED:
            text += f" ({count_endings(paths)})"
            # What to do is the same for all files of a format.
            hint = "; ".join(list(dict.fromkeys(item.reason for item in items))[:_NAMED])
        found.append(Finding(kind, severity, text, paths, hint))
    return found


def structure_findings(
    index: Index, usable: Sequence[Item], counts: dict[str, dict[str, int]]
) -> list[Finding]:
    """Doubtful layouts and names, fewer than two classes, and groups that the given splits tear apart."""
    tables = [finding for finding in index.findings if finding.kind == "table" and len(counts) < 2]
    found = [finding for finding in index.findings if finding not in tables]
    if index.empty_classes:
        text = (
            f"{_number(index.empty_classes, 'class folder')} without an image: {_some(index.empty_classes)}"
        )
        found.append(Finding("empty class", "error", text, index.empty_classes))
    found += _folder_findings(index)
    for names in find_look_alikes(counts):
        text = f"names of classes that hardly differ: {', '.join(map(reveal, names))}; are they one class?"
        found.append(Finding("similar class names", "warning", text))
    if len(counts) < 2:
        text = f"a classifier needs two classes; found only {', '.join(counts)}"
        found.append(Finding("single class", "error", "; ".join([text, *(one.message for one in tables)])))
    splits: dict[str, set[str]] = defaultdict(set)
    for item in usable:
        if item.group and item.split:
            splits[item.group].add(item.split)
    crossing = [group for group, inside in sorted(splits.items()) if len(inside) > 1]
    if crossing:
        paths = tuple(item.path for item in usable if item.group in crossing)
        text = f"{_number(crossing, 'group')} in more than one split: {_some(crossing)}"
        found.append(Finding("group crosses splits", "error", text, paths))
    return found


def _folder_findings(index: Index) -> list[Finding]:
    """Class folders with nothing but folders inside."""
    deep = all(item.split is None and len(PurePosixPath(item.path).parts) == 3 for item in index.items)
    if index.of_table or not deep:
        return []
    text = (
        "every file lies in a folder of its class folder: `dlp oneshot` takes "
        f"{_some(index.class_names)} for alphabets, and the folders in them for classes"
    )
    return [Finding("alphabets", "info", text)]


def amount_findings(counts: dict[str, dict[str, int]]) -> list[Finding]:
    """Classes with no or few usable images in a split, and classes that outnumber others by far."""
    found = []
    for split in next(iter(counts.values())):
        none = [label for label, row in counts.items() if row[split] == 0]
        few = [f"{label} ({row[split]})" for label, row in counts.items() if 0 < row[split] < FEW_IMAGES]
        where = "" if split == "all" else f" in {split}"
        if none:
            severity: Severity = "error" if split in ("all", "train") else "warning"
            found.append(
                Finding("class without images", severity, f"no usable image{where} of {_some(none)}")
            )
        if few:
            found.append(
                Finding("few images", "warning", f"fewer than {FEW_IMAGES} images{where} of {_some(few)}")
            )
    totals = {label: sum(row.values()) for label, row in counts.items()}
    most, least = max(totals, key=totals.__getitem__), min(totals, key=totals.__getitem__)
    if totals[least] and totals[most] >= IMBALANCE * totals[least]:
        text = f"{totals[most]} images of {most}, but {totals[least]} of {least}: see training.class_weights"
        found.append(Finding("imbalance", "warning", text))
    return found


def copy_findings(usable: Sequence[Item], scan: Scan) -> list[Finding]:
    """Files of a class that are equal to the byte: splits keep them together, and they count as one image."""
    same: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in usable:
        same[item.label, scan.sha256[item.path]].append(item.path)
    sets = {key: paths for key, paths in same.items() if len(paths) > 1}
    if not sets:
        return []
    total = Counter(item.label for item in usable)
    extra: Counter[str] = Counter()
    for (label, _), paths in sets.items():
        extra[label] += len(paths) - 1
    copies = _number(range(extra.total()), "file is a copy", "files are copies")
    by_class = _some([f"{label} {count} of {total[label]}" for label, count in extra.items()])
    named = _some([" = ".join(paths[:2]) for paths in sets.values()])
    text = f"{copies} of another in the same class, byte for byte ({by_class}): {named}"
    return [Finding("copies", "warning", text, tuple(sorted(chain.from_iterable(sets.values()))))]


def file_findings(index: Index, scan: Scan) -> list[Finding]:
    """Wrong endings, files passed over, and files of several images."""
    found = []
    formats = {
        path: name.decode() for path, name in zip(scan.sha256, scan.facts["format"].tolist(), strict=True)
    }
    misnamed = {
        path: name
        for path, name in formats.items()
        if name in EXTENSIONS and not path.lower().endswith(EXTENSIONS[name])
    }
    if misnamed:
        named = [f"{path} is {name}" for path, name in misnamed.items()]
        text = f"{_number(named, 'file')} with the ending of another format: {_some(named)}"
        found.append(Finding("misnamed", "warning", text, tuple(misnamed)))
    found += passed_over_findings(index)
    several = tuple(path for path, n in zip(scan.sha256, scan.facts["frames"].tolist(), strict=True) if n > 1)
    if several:
        text = (
            f"of {_number(several, 'file')} with several frames or pages the first is used: {_some(several)}"
        )
        found.append(Finding("several frames", "info", text, several))
    return [*found, *odd_findings(scan)]


def odd_findings(scan: Scan) -> list[Finding]:
    """Files that were decoded although something about them is odd: one finding for each thing."""
    odd: dict[str, list[str]] = defaultdict(list)
    for path, note in zip(scan.sha256, scan.facts["note"].tolist(), strict=True):
        if note:
            odd[note.decode()].append(path)
    return [
        Finding(
            "odd files",
            "info",
            f"{_number(paths, 'image')} read although odd ({note}): {_some(paths)}",
            tuple(paths),
        )
        for note, paths in odd.items()
    ]


def pixel_findings(scan: Scan) -> list[Finding]:
    """The range that more than 8 bits are stretched by, and images of which little or nothing is left."""
    paths, levels = list(scan.sha256), scan.levels
    found = []
    deep = _where(paths, scan.facts["white"] > 0)
    if levels is not None and deep:  # a model's range is given for images that need none, too
        text = (
            f"{_number(deep, 'image')} of more than 8 bits a channel: {levels} becomes black to white, "
            "in every image alike"
        )
        found.append(Finding(RANGE, "info", text, deep))
        dim = _where(paths, _is_dim(scan.facts, levels))
        if dim:
            text = (
                f"{_number(dim, 'image')} almost black or of one shade, though values differ: nearly all "
                f"of them are in a small part of {levels}; save them with values that fill it: {_some(dim)}"
            )
            found.append(Finding("almost black", "warning", text, dim))
    hidden = _where(paths, scan.facts["hidden"])
    if hidden:
        text = (
            f"{_number(hidden, 'image')} with nothing to see on the background; "
            f"set data.background to another colour: {_some(hidden)}"
        )
        found.append(Finding("nothing to see", "warning", text, hidden))
    return found


def _is_dim(facts: RowView, levels: Levels) -> NDArray[np.bool_]:
    """(n,) of which images next to nothing is left in 8 bits, though their values differ."""
    spread = facts["bright"] - facts["dark"]
    # Floating-point numbers from 0 to 1 have no smallest step; whole ones show nothing below a few.
    varied = np.where(facts["white"] > 1, spread >= FLAT, spread > 0)
    width = levels.white - levels.black
    lost = (spread / width * 255 < FLAT) | ((facts["bright"] - levels.black) / width < _DIM)
    dim: NDArray[np.bool_] = (facts["white"] > 0) & varied & lost
    return dim


def _where(paths: Sequence[str], which: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(path for path, is_meant in zip(paths, which.tolist(), strict=True) if is_meant)


def passed_over_findings(index: Index) -> list[Finding]:
    """Files that are not used. Beside class folders a readme is usual; inside, it may be an image."""
    inside = [path for path in index.others if "/" in path.rstrip("/")]
    beside = [path for path in index.others if "/" not in path.rstrip("/")]
    mine = [path for path in index.clutter if may_be_meant(path)]
    system = [path for path in index.clutter if not may_be_meant(path)]
    other = ("file or folder", "files and folders")
    sorted_out: list[tuple[str, Severity, tuple[str, str], str, Sequence[str]]] = [
        ("loose images", "warning", ("image", "images"), "passed over, in no class folder", index.loose),
        ("other files", "warning", other, f"passed over, no images by name{_list_endings(inside)}", inside),
        ("other files", "info", other, f"passed over, no images by name{_list_endings(beside)}", beside),
        ("hidden files", "warning", other, "passed over, hidden by the dot in front", mine),
        ("hidden files", "info", ("hidden or system file", "hidden or system files"), "passed over", system),
    ]
    return [
        Finding(kind, severity, f"{_number(paths, *nouns)} {why}: {_some(paths)}", tuple(paths))
        for kind, severity, nouns, why, paths in sorted_out
        if paths
    ]


def _list_endings(paths: Sequence[str]) -> str:
    return f" ({count_endings(paths)})" if len(paths) > 1 else ""


def _number(things: Sequence[object], one: str, many: str = "") -> str:
    return f"{len(things)} {one if len(things) == 1 else many or one + 's'}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
