"""What is wrong, doubtful or worth knowing about a data set, before anything is trained on it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dlpractice.data.decode import EXTENSIONS
from dlpractice.data.duplicates import near_pairs
from dlpractice.data.items import Index, Item
from dlpractice.data.pixels import Scan

Severity = Literal["error", "warning", "info"]

# Below this a class's own accuracy moves by 10 points and more with each image.
FEW_IMAGES = 10
IMBALANCE = 10
_NAMED = 3

# Of copies in several given splits the one in the split that measures is kept.
_KEPT_FIRST = {"test": 0, "validation": 1, "train": 2}


@dataclass(frozen=True)
class Finding:
    """One thing to know: `kind` for programs, `message` for people, `paths` of all files that it is about."""

    kind: str
    severity: Severity
    message: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unusable:
    """One image that cannot be used, and why."""

    path: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    `counts` holds the usable images per class and given split ("all" where no split is given), `formats` the
    images per file format, `widths` and `heights` their smallest, median and largest size in pixels, and
    `near_duplicates` pairs of paths that look the same.
    """

    images: int
    counts: dict[str, dict[str, int]]
    formats: dict[str, int]
    widths: tuple[int, int, int]
    heights: tuple[int, int, int]
    unusable: tuple[Unusable, ...]
    near_duplicates: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]

    def of(self, severity: Severity) -> list[Finding]:
        """The findings of one severity."""
        return [finding for finding in self.findings if finding.severity == severity]

    def to_json(self) -> dict[str, Any]:
        """The audit as plain lists and mappings, as `audit.json` holds it."""
        return {
            "images": self.images,
            "classes": self.counts,
            "formats": self.formats,
            "sizes": {
                side: dict(zip(("min", "median", "max"), values, strict=True))
                for side, values in (("width", self.widths), ("height", self.heights))
            },
            "unusable": [
                {"path": item.path, "kind": item.kind, "reason": item.reason} for item in self.unusable
            ],
            "near_duplicates": [list(pair) for pair in self.near_duplicates],
            "findings": [
                {"kind": f.kind, "severity": f.severity, "message": f.message, "paths": list(f.paths)}
                for f in self.findings
            ],
        }


def inspect(index: Index, scan: Scan) -> Audit:
    """Audits an index after its files were scanned; opens no file itself."""
    unusable = _unreadable(index, scan) + _contradictions(index, scan) + _leaks(index, scan)
    left_out = {item.path for item in unusable}
    usable = [item for item in index.items if item.path not in left_out]
    pairs = _look_alikes(usable, scan)
    counts = _count(index, usable)
    findings = [
        *_unusable_findings(unusable),
        *_structure_findings(index, usable, counts),
        *_amount_findings(counts),
        *_near_findings(usable, pairs),
        *_file_findings(index, scan),
    ]
    order = {"error": 0, "warning": 1, "info": 2}
    return Audit(
        images=len(index.items),
        counts=counts,
        formats=dict(sorted(Counter(name.decode() for name in scan.facts["format"].tolist()).items())),
        widths=_spread(scan.facts["width"]),
        heights=_spread(scan.facts["height"]),
        unusable=tuple(sorted(unusable, key=lambda item: item.path)),
        near_duplicates=tuple(pairs),
        findings=tuple(sorted(findings, key=lambda finding: order[finding.severity])),
    )


def _unreadable(index: Index, scan: Scan) -> list[Unusable]:
    return [Unusable(path, error.problem, error.reason) for path, error in scan.bad.items()]


def _copies(index: Index, scan: Scan) -> Iterable[list[Item]]:
    """The usable items that have the same bytes, where there are several."""
    same: dict[str, list[Item]] = defaultdict(list)
    for item in index.items:
        if item.path in scan.sha256:
            same[scan.sha256[item.path]].append(item)
    return (items for items in same.values() if len(items) > 1)


def _contradictions(index: Index, scan: Scan) -> list[Unusable]:
    """Copies with different labels: one of them is wrong, and which one cannot be known here."""
    return [
        Unusable(
            item.path,
            "contradictory",
            f"labelled {item.label}, but the same file as {_first_other(item, items)}",
        )
        for items in _copies(index, scan)
        if len({item.label for item in items}) > 1
        for item in items
    ]


def _first_other(item: Item, items: Sequence[Item]) -> str:
    return next(other.path for other in items if other.label != item.label)


def _leaks(index: Index, scan: Scan) -> list[Unusable]:
    """Copies in several given splits, but for those in the split that measures."""
    found = []
    for items in _copies(index, scan):
        if len({item.label for item in items}) > 1:
            continue
        kept = min(items, key=lambda item: _KEPT_FIRST.get(item.split or "", 0))
        found += [
            Unusable(item.path, "leak", f"in {item.split}, but the same file as {kept.path} in {kept.split}")
            for item in items
            if item.split != kept.split
        ]
    return found


def _look_alikes(usable: Sequence[Item], scan: Scan) -> list[tuple[str, str]]:
    """Pairs of paths that look the same but are not the same bytes."""
    position = {path: number for number, path in enumerate(scan.sha256)}
    facts = scan.facts[[position[item.path] for item in usable]]
    pairs = near_pairs(facts["thumbnail"], np.minimum(facts["width"], facts["height"]))
    named = ((usable[first].path, usable[second].path) for first, second in pairs)
    return [(first, second) for first, second in named if scan.sha256[first] != scan.sha256[second]]


def _count(index: Index, usable: Sequence[Item]) -> dict[str, dict[str, int]]:
    counted = Counter((item.label, item.split or "all") for item in usable)
    splits = sorted(
        {item.split or "all" for item in index.items}, key=("all", "train", "validation", "test").index
    )
    return {label: {split: counted[label, split] for split in splits} for label in index.class_names}


def _unusable_findings(unusable: Sequence[Unusable]) -> list[Finding]:
    kinds: dict[str, list[Unusable]] = defaultdict(list)
    for item in sorted(unusable, key=lambda item: item.path):
        kinds[item.kind].append(item)
    return [
        Finding(
            kind,
            "error",
            f"{_number(items, 'image')} cannot be used: {kind}",
            tuple(item.path for item in items),
        )
        for kind, items in kinds.items()
    ]


def _structure_findings(
    index: Index, usable: Sequence[Item], counts: dict[str, dict[str, int]]
) -> list[Finding]:
    found = []
    if index.empty_classes:
        text = (
            f"{_number(index.empty_classes, 'class folder')} without an image: {_some(index.empty_classes)}"
        )
        found.append(Finding("empty class", "error", text, index.empty_classes))
    if len(counts) < 2:
        text = f"a classifier needs two classes; found only {', '.join(counts)}"
        found.append(Finding("single class", "error", text))
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


def _amount_findings(counts: dict[str, dict[str, int]]) -> list[Finding]:
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


def _near_findings(usable: Sequence[Item], pairs: Sequence[tuple[str, str]]) -> list[Finding]:
    by_path = {item.path: item for item in usable}
    crossing: dict[str, list[tuple[str, str]]] = {"classes": [], "splits": [], "": []}
    for pair in pairs:
        one, two = (by_path[path] for path in pair)
        kind = "classes" if one.label != two.label else "splits" if one.split != two.split else ""
        crossing[kind].append(pair)
    found = []
    for kind, inside in crossing.items():
        if inside:
            name = f"near-duplicates across {kind}" if kind else "near-duplicates"
            text = f"{_number(inside, 'pair')} of {name}: {_some([' = '.join(pair) for pair in inside])}"
            paths = tuple(sorted({path for pair in inside for path in pair}))
            found.append(Finding(name, "warning" if kind else "info", text, paths))
    return found


def _file_findings(index: Index, scan: Scan) -> list[Finding]:
    found = []
    formats = {
        path: name.decode() for path, name in zip(scan.sha256, scan.facts["format"].tolist(), strict=True)
    }
    misnamed = {path: name for path, name in formats.items() if not path.lower().endswith(EXTENSIONS[name])}
    if misnamed:
        named = [f"{path} is {name}" for path, name in misnamed.items()]
        text = f"{_number(named, 'file')} with the ending of another format: {_some(named)}"
        found.append(Finding("misnamed", "warning", text, tuple(misnamed)))
    if index.others:
        text = (
            f"{_number(index.others, 'file or folder', 'files and folders')} passed over, no images by name: "
        )
        found.append(Finding("other files", "warning", text + _some(index.others), index.others))
    several = tuple(path for path, n in zip(scan.sha256, scan.facts["frames"].tolist(), strict=True) if n > 1)
    if several:
        text = (
            f"of {_number(several, 'file')} with several frames or pages the first is used: {_some(several)}"
        )
        found.append(Finding("several frames", "info", text, several))
    if index.clutter:
        found.append(Finding("hidden files", "info", f"{index.clutter} hidden or system files passed over"))
    return found


def _spread(sizes: Any) -> tuple[int, int, int]:
    if not len(sizes):
        return 0, 0, 0
    return int(sizes.min()), int(np.median(sizes)), int(sizes.max())


def _number(things: Sequence[object], one: str, many: str = "") -> str:
    return f"{len(things)} {one if len(things) == 1 else many or one + 's'}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
