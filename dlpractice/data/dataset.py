"""The one call that a recipe makes for its data: from a name or a path to pixels, labels and splits."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.audit.admission import admit, announce, usable_items
from dlpractice.data.audit.audit import Audit, inspect
from dlpractice.data.audit.findings import OnBadImage, odd_findings, passed_over_findings
from dlpractice.data.audit.near_duplicates import NearDuplicates, number_clusters, torn_findings
from dlpractice.data.bonds import Bonds, connected, same_key
from dlpractice.data.files.decoding import ImageError, Look
from dlpractice.data.files.index import read_index
from dlpractice.data.files.index_items import UNUSED, Finding, Index, Item
from dlpractice.data.files.pixel_cache import Scan, pixel_view, scan
from dlpractice.data.image_split import Shares, assign_splits, pick_share, share_of
from dlpractice.data.naming.class_names import compare_name, list_some, match_known, nfc
from dlpractice.data.naming.split_names import SPLITS, SplitName
from dlpractice.data.sets.catalogue import CATALOGUE, find
from dlpractice.data.storage.row_store import RowView
from dlpractice.errors import DataError
from dlpractice.paths import exists
from dlpractice.progress import Progress, Silent


@dataclass(frozen=True)
class Split:
    """N images in the order of their paths.

    `labels` is (N,) int64, positions in the class names; `groups` holds "" where an image belongs to no
    group; `bound` the path of the first image that it stays together with and is counted as one with, which
    is its own for most; `pixels` is (N, H, W, 3) uint8, read from the disk when indexed.
    """

    paths: tuple[str, ...]
    labels: NDArray[np.int64]
    sha256: tuple[str, ...]
    groups: tuple[str, ...]
    bound: tuple[str, ...]
    pixels: RowView

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class Dataset:
    """A data set that is ready to be trained on. Paths are relative to `root`.

    `unused` holds the training images that are left out where only a fraction is trained on.
    """

    root: Path
    class_names: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    unused: Split
    audit: Audit

    @property
    def splits(self) -> dict[SplitName, Split]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def split_rows(self) -> list[dict[str, str]]:
        """The rows of `splits.csv`, sorted by path; the split of those left out is `unused`."""
        rows = [
            {
                "path": path,
                "label": self.class_names[label],
                "split": name,
                "sha256": digest,
                "group": group,
                "bound": bound,
            }
            for name, split in [*self.splits.items(), (UNUSED, self.unused)]
            for path, label, digest, group, bound in zip(
                split.paths, split.labels, split.sha256, split.groups, split.bound, strict=True
            )
        ]
        return sorted(rows, key=lambda row: row["path"])

    @property
    def digest(self) -> str:
        """sha256 over label (in NFC), split and bytes of every image: equal for the same data and splits."""
        lines = sorted(f"{row['sha256']} {nfc(row['label'])} {row['split']}\n" for row in self.split_rows())
        return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Survey:
    """A data set that was read and divided. `audit` has what is wrong with it; where that is an error,
    training refuses the data, and `dlp data check` says no.

    `items` are the images that can be used, each with its split in `splits`, which is empty where they cannot
    be divided. `bound` has by path what each image stays together with, see `Split`.
    """

    index: Index
    scanned: Scan
    audit: Audit
    items: tuple[Item, ...]
    splits: tuple[SplitName, ...]
    bound: Mapping[str, str]

    def sizes(self, fraction: float = 1.0) -> dict[SplitName, int]:
        """How many images each split has; of those to train on, a share in (0, 1] of each class is used."""
        sizes = {name: self.splits.count(name) for name in SPLITS}
        trained = Counter(
            item.label for item, split in zip(self.items, self.splits, strict=False) if split == "train"
        )
        return sizes | {"train": sum(share_of(count, fraction) for count in trained.values())}


def survey(
    source: str,
    look: Look,
    shares: Shares,
    *,
    on_bad_image: OnBadImage = "error",
    near_duplicates: NearDuplicates = "group",
    progress: Progress | None = None,
) -> Survey:
    """Finds, audits, decodes and divides a data set, and refuses none that is laid out as one.

    Arguments as for `prepare`.

    Raises:
        DataError: nothing there that is laid out as a data set.
    """
    progress = progress or Silent()
    index = read_index(locate(source, progress), progress, keep_splits=shares.fold is None)
    scanned = scan(index, look, progress)
    audit = inspect(index, scanned, on_bad_image, near_duplicates)
    items = usable_items(index, audit)
    splits: tuple[SplitName, ...] = ()
    bonds = _bind(items, scanned, audit, near_duplicates)
    try:
        if items:
            division = assign_splits(
                [item.label for item in items],
                [item.split for item in items],
                bonds,
                [scanned.sha256[item.path] for item in items],
                shares,
            )
            splits, bonds = division.splits, division.bonds
            for finding in torn_findings([audit.near_duplicates[number] for number in sorted(division.torn)]):
                audit = audit.with_finding(finding)
    except DataError as error:
        audit = audit.with_finding(Finding("cannot be divided", "error", error.message, hint=error.hint))
    bound = _name_bound(items, bonds.joined())
    return Survey(index, scanned, audit, tuple(items), splits, bound)


def prepare(
    source: str,
    look: Look,
    shares: Shares,
    *,
    on_bad_image: OnBadImage = "error",
    near_duplicates: NearDuplicates = "group",
    progress: Progress | None = None,
) -> Dataset:
    """A data set to train on: what `survey` finds, if it finds no error.

    Args:
        source: a name of the catalogue, or the path of a folder, a CSV or a zip.
        look: how each image becomes a square of pixels.
        shares: how images are divided, as far as the data bring no splits of their own.
        on_bad_image: whether images that cannot be used are an error, or left out and listed in the audit.
        near_duplicates: whether images that look the same are kept in one split as far as it goes (`group`)
            or always (`strict`), only listed in the audit (`report`), or not looked for (`ignore`).

    Raises:
        DataError: no data, images that cannot be used, or classes too small to be divided.
    """
    progress = progress or Silent()
    found = survey(
        source,
        look,
        shares,
        on_bad_image=on_bad_image,
        near_duplicates=near_duplicates,
        progress=progress,
    )
    admit(found.index, found.audit, progress)
    index, scanned = found.index, found.scanned
    look = replace(look, levels=scanned.levels)
    members: dict[SplitName, list[Item]] = {name: [] for name in SPLITS}
    for item, name in zip(found.items, found.splits, strict=True):
        members[name].append(item)
    train = members["train"]
    used = pick_share(
        [item.label for item in train],
        [scanned.sha256[item.path] for item in train],
        shares.fraction,
        shares.seed,
    )
    members["train"] = [item for item, is_used in zip(train, used, strict=True) if is_used]
    unused = [item for item, is_used in zip(train, used, strict=True) if not is_used]
    names, bound = index.class_names, found.bound
    chosen = {name: _split(inside, names, scanned, look, bound) for name, inside in members.items()}
    left = _split(unused, names, scanned, look, bound)
    return Dataset(index.root, names, **chosen, unused=left, audit=found.audit)


def load_labelled(
    source: str,
    class_names: Sequence[str],
    look: Look,
    progress: Progress | None = None,
    near_duplicates: NearDuplicates = "group",
) -> tuple[Path, Split, list[ImageError]]:
    """All images of a labelled data set, whatever their split, with labels that count in `class_names`.

    What is bound counts as one image, as it does in training; a fixed scene does not.

    Returns:
        the folder below which they lie, the images that can be decoded, and the errors of the others.

    Raises:
        DataError: no data, a label that `class_names` lacks, or no image that can be decoded.
    """
    progress = progress or Silent()
    index = read_index(locate(source, progress), progress)
    passed_over = [finding for finding in passed_over_findings(index) if finding.severity == "warning"]
    announce([*index.findings, *passed_over], progress)
    labels = {item.label for item in index.items}
    spelling = match_known(labels, class_names)
    if unknown := sorted(labels - spelling.keys()):
        raise DataError(
            f"{index.place} has classes that the model does not know: "
            + list_some(compare_name(name, class_names) for name in unknown),
            f"the model knows {list_some(class_names)}",
        )
    scanned = scan(index, look, progress)
    look = replace(look, levels=scanned.levels)
    if not scanned.sha256:
        raise DataError(f"no image in {index.place} can be decoded", "`dlp data check` shows why")
    announce(odd_findings(scanned), progress)
    items = [replace(item, label=spelling[item.label]) for item in index.items if item.path in scanned.sha256]
    audit = inspect(index, scanned, near_duplicates=near_duplicates)
    bound = _name_bound(items, _bind(items, scanned, audit, near_duplicates).joined())
    return index.root, _split(items, class_names, scanned, look, bound), list(scanned.bad.values())


def locate(source: str, progress: Progress) -> Path:
    """The path behind `source`: of a data set of the catalogue, which is fetched, or the path that it is.

    Raises:
        DataError: a data set that is no folder of images in classes, or that cannot be had.
    """
    if source not in CATALOGUE:
        return Path(source)
    if exists(source):
        progress.warn(f"{source} is also a path here; the known data set is used (./{source} is the path)")
    if CATALOGUE[source].command != "finetune":
        raise DataError(
            f"{source} has many classes of few drawings, and none to sort images into",
            f"use it with `dlp {CATALOGUE[source].command} {source}`, or give another data set",
        )
    return find(source, progress)


def _bind(items: Sequence[Item], scanned: Scan, audit: Audit, near_duplicates: NearDuplicates) -> Bonds:
    """What no split may separate: the same bytes, the same group, and the same looks as far as is asked."""
    paths = [item.path for item in items]
    clusters = number_clusters(audit.near_duplicates, paths, scenes=near_duplicates == "strict")
    unbound = np.full(len(items), -1)
    firm = clusters if near_duplicates == "strict" else unbound
    loose = clusters if near_duplicates == "group" else unbound
    links = [*same_key([scanned.sha256[path] for path in paths]), *same_key([item.group for item in items])]
    return Bonds(Bonds(connected(len(items), links), firm).joined(), loose)


def _name_bound(items: Sequence[Item], groups: NDArray[np.int64]) -> dict[str, str]:
    """By path, the path of the first item of its group."""
    return {item.path: items[first].path for item, first in zip(items, groups.tolist(), strict=True)}


def _split(
    items: Sequence[Item], class_names: Sequence[str], scanned: Scan, look: Look, bound: Mapping[str, str]
) -> Split:
    code = {name: number for number, name in enumerate(class_names)}
    sha256 = tuple(scanned.sha256[item.path] for item in items)
    return Split(
        paths=tuple(item.path for item in items),
        labels=np.array([code[item.label] for item in items], np.int64),
        sha256=sha256,
        groups=tuple(item.group or "" for item in items),
        bound=tuple(bound[item.path] for item in items),
        pixels=pixel_view(sha256, look),
    )
