"""What is wrong, doubtful or worth knowing about a data set, before anything is trained on it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dlpractice.data.audit.findings import (
    OnBadImage,
    Unusable,
    amount_findings,
    copy_findings,
    file_findings,
    pixel_findings,
    structure_findings,
    unusable_findings,
)
from dlpractice.data.audit.near_duplicates import Cluster, NearDuplicates, cluster_findings, find_clusters
from dlpractice.data.codecs.levels import Levels
from dlpractice.data.files.index_items import Finding, Index, Item, Severity
from dlpractice.data.files.pixel_cache import Scan

# Of copies in several given splits the one in the split that measures is kept.
_KEPT_FIRST = {"test": 0, "validation": 1, "train": 2}


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    `counts` holds the usable images per class and given split ("all" where no split is given), `formats` the
    images per file format, `widths` and `heights` their smallest, median and largest size in pixels, and
    `near_duplicates` clusters of images that look the same, the largest first. `levels` is the range that
    more than 8 bits a channel were stretched by, where files declare none; None: there are no such files.
    """

    images: int
    counts: dict[str, dict[str, int]]
    formats: dict[str, int]
    widths: tuple[int, int, int]
    heights: tuple[int, int, int]
    unusable: tuple[Unusable, ...]
    near_duplicates: tuple[Cluster, ...]
    levels: Levels | None
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> int:
        """How many of the images can be used."""
        return sum(sum(row.values()) for row in self.counts.values())

    def of(self, severity: Severity) -> list[Finding]:
        """The findings of one severity."""
        return [finding for finding in self.findings if finding.severity == severity]

    def with_finding(self, finding: Finding) -> "Audit":
        """The same audit with one finding more."""
        return replace(self, findings=_worst_first([*self.findings, finding]))

    def to_json(self) -> dict[str, Any]:
        """The audit as plain lists and mappings, as `audit.json` holds it."""
        return {
            "images": self.images,
            "usable": self.usable,
            "classes": self.counts,
            "formats": self.formats,
            "sizes": {
                side: dict(zip(("min", "median", "max"), values, strict=True))
                for side, values in (("width", self.widths), ("height", self.heights))
            },
            "unusable": [
                {"path": item.path, "kind": item.kind, "reason": item.reason} for item in self.unusable
            ],
            "near_duplicates": [cluster.to_json() for cluster in self.near_duplicates],
            "levels": asdict(self.levels) if self.levels else None,
            "findings": [
                {
                    "kind": f.kind,
                    "severity": f.severity,
                    "message": f.message,
                    "hint": f.hint,
                    "paths": list(f.paths),
                }
                for f in self.findings
            ],
        }


def inspect(
    index: Index,
    scan: Scan,
    on_bad_image: OnBadImage = "error",
    near_duplicates: NearDuplicates = "group",
) -> Audit:
    """Audits an index after its files were scanned; opens no file itself.

    on_bad_image: whether images that cannot be used are errors, or left out with a warning.
    """
    unusable = _unreadable(index, scan) + _contradictions(index, scan) + _leaks(index, scan)
    left_out = {item.path for item in unusable}
    usable = [item for item in index.items if item.path not in left_out]
    clusters = () if near_duplicates == "ignore" else find_clusters(usable, scan)
    counts = _count(index, usable)
    findings = [
        *unusable_findings(unusable, on_bad_image),
        *structure_findings(index, usable, counts),
        *amount_findings(counts),
        *copy_findings(usable, scan),
        *cluster_findings(clusters, strict=near_duplicates == "strict"),
        *file_findings(index, scan),
        *pixel_findings(scan),
    ]
    return Audit(
        images=len(index.items),
        counts=counts,
        formats=dict(sorted(Counter(name.decode() for name in scan.facts["format"].tolist()).items())),
        widths=_spread(scan.facts["width"]),
        heights=_spread(scan.facts["height"]),
        unusable=tuple(sorted(unusable, key=lambda item: item.path)),
        near_duplicates=clusters,
        levels=scan.levels,
        findings=_worst_first(findings),
    )


def audit_nothing(*findings: Finding) -> Audit:
    """The audit of what is no data set, with nothing in it but `findings`."""
    return Audit(0, {}, {}, (0, 0, 0), (0, 0, 0), (), (), None, findings)


def _worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    order = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.severity]))


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
            "contradictory labels",
            f"labelled {item.label}, but {_first_other(item, items)} is the same file",
        )
        for items in _copies(index, scan)
        if len({item.label for item in items}) > 1
        for item in items
    ]


def _first_other(item: Item, items: Sequence[Item]) -> str:
    return next(other.path for other in items if other.label != item.label)


def _leaks(index: Index, scan: Scan) -> list[Unusable]:
    """Copies of one image in several given splits, except for the copies in the split that measures."""
    found = []
    for items in _copies(index, scan):
        if len({item.label for item in items}) > 1:
            continue
        kept = min(items, key=lambda item: _KEPT_FIRST.get(item.split or "", 0))
        found += [
            Unusable(
                item.path,
                "copy across splits",
                f"in {item.split}, but the same file as {kept.path} in {kept.split}",
            )
            for item in items
            if item.split != kept.split
        ]
    return found


def _count(index: Index, usable: Sequence[Item]) -> dict[str, dict[str, int]]:
    counted = Counter((item.label, item.split or "all") for item in usable)
    splits = sorted(
        {item.split or "all" for item in index.items}, key=("all", "train", "validation", "test").index
    )
    return {label: {split: counted[label, split] for split in splits} for label in index.class_names}


def _spread(sizes: Any) -> tuple[int, int, int]:
    if not len(sizes):
        return 0, 0, 0
    return int(sizes.min()), int(np.median(sizes)), int(sizes.max())
