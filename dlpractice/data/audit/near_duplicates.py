"""Images that look the same without being copies: clusters of them, and what they say of a data set."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.audit.duplicates import near_clusters
from dlpractice.data.files.index_items import Finding, Item
from dlpractice.data.files.pixel_cache import Scan

NearDuplicates = Literal["group", "strict", "report", "ignore"]
"""Near-duplicates are kept in one split, with exceptions or without; or only told of; or not looked for."""

# A cluster of so many images that holds this share of a class is a scene in front of a fixed camera, whose
# small differences are what is to be learnt, rather than one picture many times.
SCENE_IMAGES = 10
SCENE_SHARE = 2 / 3

_NAMED = 3


@dataclass(frozen=True)
class Cluster:
    """Images of which each looks like another one of them; not all have the same bytes.

    `paths` are sorted; `classes` and `splits` count the images of each label and each given split.
    `swallowed` are the classes of which it holds so much that it is taken for a fixed scene.
    """

    paths: tuple[str, ...]
    classes: dict[str, int]
    splits: dict[str, int]
    swallowed: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The cluster as plain lists and mappings, as `audit.json` holds it."""
        return {
            "size": len(self.paths),
            "classes": self.classes,
            "splits": self.splits,
            "fixed_scene": bool(self.swallowed),
            "paths": list(self.paths),
        }


def find_clusters(usable: Sequence[Item], scan: Scan) -> tuple[Cluster, ...]:
    """The clusters of near-duplicates among items that can be used, the largest first."""
    members: dict[str, list[Item]] = defaultdict(list)
    for item in usable:
        members[scan.sha256[item.path]].append(item)
    position = {digest: number for number, digest in enumerate(scan.sha256.values())}
    digests = list(members)
    facts = scan.facts.select(np.array([position[digest] for digest in digests], np.int64))
    found = near_clusters(facts.field("thumbnail"), np.minimum(facts["width"], facts["height"]))
    clusters: dict[int, list[Item]] = defaultdict(list)
    for digest, first in zip(digests, found.tolist(), strict=True):
        clusters[first] += members[digest]
    sizes = np.bincount(found, minlength=len(digests))
    totals = Counter(item.label for item in usable)
    alike = [_describe(items, totals) for first, items in clusters.items() if sizes[first] > 1]
    return tuple(sorted(alike, key=lambda cluster: (-len(cluster.paths), cluster.paths)))


def number_clusters(clusters: Sequence[Cluster], paths: Sequence[str], *, scenes: bool) -> NDArray[np.int64]:
    """(N,) int64: the number of the cluster that each path is in; -1 for none, and in a fixed scene unless
    `scenes` count too."""
    number = {
        path: place
        for place, cluster in enumerate(clusters)
        if scenes or not cluster.swallowed
        for path in cluster.paths
    }
    return np.array([number.get(path, -1) for path in paths], np.int64)


def cluster_findings(clusters: Sequence[Cluster], *, strict: bool = False) -> list[Finding]:
    """Clusters by what they cross (classes, given splits, or neither), and fixed scenes one by one.

    strict: whether a fixed scene, or a cluster in several given splits, is an error.
    """
    crossing: dict[str, list[Cluster]] = {"classes": [], "splits": [], "": []}
    for cluster in clusters:
        if not cluster.swallowed:
            crossed = {"classes": len(cluster.classes) > 1, "splits": len(cluster.splits) > 1}
            order = ("splits", "classes") if strict else ("classes", "splits")
            several = next((name for name in order if crossed[name]), "")
            crossing[several].append(cluster)
    found = [_find_scene(cluster, strict) for cluster in clusters if cluster.swallowed]
    for several, inside in crossing.items():
        if inside:
            name = f"near-duplicates across {several}" if several else "near-duplicates"
            paths = tuple(sorted(path for cluster in inside for path in cluster.paths))
            text = f"{_count(inside, 'cluster')} of {name}, {len(paths)} images: {_list_some(inside)}"
            if strict and several == "splits":
                hint = "move each cluster into one split, or set data.near_duplicates to group to be warned"
                found.append(Finding(name, "error", text, hint=hint))
            else:
                found.append(Finding(name, "warning" if several else "info", text, paths))
    return found


def torn_findings(clusters: Sequence[Cluster]) -> list[Finding]:
    """What is said of clusters that no split could take whole."""
    if not clusters:
        return []
    paths = tuple(sorted(path for cluster in clusters for path in cluster.paths))
    text = (
        f"{_count(clusters, 'cluster')} of near-duplicates, {len(paths)} images: {_list_some(clusters)}; "
        "kept in one split, each would leave too little of a class to others, so they are divided like other "
        "images, and scores may be flattered: data.near_duplicates=strict refuses them"
    )
    return [Finding("near-duplicates divided", "warning", text, paths)]


def _describe(items: Sequence[Item], totals: Counter[str]) -> Cluster:
    classes = Counter(item.label for item in items)
    swallowed = [label for label, count in classes.items() if count > SCENE_SHARE * totals[label]]
    return Cluster(
        paths=tuple(sorted(item.path for item in items)),
        classes=dict(sorted(classes.items())),
        splits=dict(sorted(Counter(item.split or "all" for item in items).items())),
        swallowed=tuple(sorted(swallowed)) if len(items) >= SCENE_IMAGES else (),
    )


def _find_scene(cluster: Cluster, strict: bool) -> Finding:
    counts = ", ".join(f"{count} of {label}" for label, count in cluster.classes.items())
    seen = f"{len(cluster.paths)} images look the same ({counts}), such as {_show(cluster)}"
    if strict:
        text = (
            f"{seen}; kept in one split, as data.near_duplicates=strict has it, they leave too few for others"
        )
        hint = "set data.near_duplicates to group to divide them, if they are one scene with a fixed camera"
        return Finding("fixed scene", "error", text, hint=hint)  # errors are printed with all their paths
    text = (
        f"{seen}: one scene with a fixed camera? They are divided like other images; if they are copies, "
        "scores are flattered: data.near_duplicates=strict refuses them, and a CSV with a column `group` "
        "says which belong together"
    )
    return Finding("fixed scene", "warning", text, cluster.paths)


def _list_some(clusters: Sequence[Cluster]) -> str:
    more = f" and {len(clusters) - _NAMED} more" if len(clusters) > _NAMED else ""
    return "; ".join(_show(cluster) for cluster in clusters[:_NAMED]) + more


def _show(cluster: Cluster) -> str:
    """Some paths of a cluster."""
    more = f" and {len(cluster.paths) - _NAMED} more" if len(cluster.paths) > _NAMED else ""
    return " = ".join(cluster.paths[:_NAMED]) + more


def _count(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")
