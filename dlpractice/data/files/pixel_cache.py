"""A cache of decoded images and facts about them, under the hash of each file's bytes; filled in threads."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.codecs.levels import Levels, join_levels
from dlpractice.data.files.decoding import ImageError, Look, fit, read
from dlpractice.data.files.image_facts import FACTS, Glance, facts_of, seen_levels
from dlpractice.data.files.index_items import Index
from dlpractice.data.storage.row_store import RowStore, RowView
from dlpractice.paths import exists
from dlpractice.progress import Progress

_CHUNK_BYTES = 8 * 2**20
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Scan:
    """The images of an index that can be decoded, and those that cannot.

    `sha256` maps each usable path to the hash of its bytes; `bad` maps each other path to its error. `facts`
    has one FACTS record per usable path in the order of `sha256`, left on the disk. `levels` is the range by
    which files with more than 8 bits a channel were stretched that declare none; None: there are no such
    files.
    """

    sha256: dict[str, str]
    bad: dict[str, ImageError]
    facts: RowView
    levels: Levels | None = None


def scan(index: Index, look: Look | None, progress: Progress) -> Scan:
    """Hashes every file, and decodes those whose bytes are not in the cache yet.

    Without `look.levels`, files that do not declare their range get the one that holds them all; those that
    hold a smaller one make it necessary to decode again.

    Args:
        look: how pixels are made that are kept for `pixel_view`; None keeps facts only.
    """
    hashes, bad = _hash_files(index, progress)
    first_paths = {digest: path for path, digest in reversed(hashes.items())}
    distinct = dict(sorted(first_paths.items()))
    stores = _Stores(Glance.of(look), look)
    for damage in stores.damages():
        progress.warn(f"{damage}: what this cache held is computed again")
    broken = _decode_missing(index.root, distinct, stores, progress)
    levels = look.levels if look else None
    if levels is None:
        levels = join_levels(seen_levels(stores.facts.view([key for key in distinct if key not in broken])))
    if levels is not None and stores.glance.levels is None:
        stores = stores.of_levels(levels)
        sound = {digest: path for digest, path in distinct.items() if digest not in broken}
        broken |= _decode_missing(index.root, sound, stores, progress)
    for path, digest in list(hashes.items()):
        if digest in broken:
            error = broken[digest]
            bad[path] = ImageError(str(index.root / path), error.problem, error.reason)
            del hashes[path]
    return Scan(hashes, dict(sorted(bad.items())), stores.facts.view(list(hashes.values())), levels)


def pixel_view(sha256: Sequence[str], look: Look) -> RowView:
    """The pixels of scanned images, `(n, image_size, image_size, 3)` uint8, read when they are indexed.

    Args:
        look: as `scan` was given it, with the levels that it found.
    """
    return _pixel_store(look).view(sha256)


def list_sound(look: Look) -> frozenset[str]:
    """The hashes of the files that were scanned at `look`, levels included, and of which Pillow warned of
    nothing."""
    place = Glance.of(look).cache_place("facts")
    if not exists(place):
        return frozenset()
    store = RowStore(place, (), FACTS)
    keys = store.list_keys()
    return frozenset(key for key, note in zip(keys, store.view(keys)["note"], strict=True) if not note)


def in_order(work: Callable[[_Task], _Result], tasks: Iterable[_Task]) -> Iterator[_Result]:
    """The results of `work` in the order of the tasks; a thread per usable core works some tasks ahead."""
    threads = usable_cores()
    executor = ThreadPoolExecutor(threads)
    waiting: deque[Future[_Result]] = deque()
    try:
        for task in tasks:
            waiting.append(executor.submit(work, task))
            if len(waiting) > 16 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(cancel_futures=True)


def usable_cores() -> int:
    """The number of cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Stores:
    """The facts, and the pixels where they are wanted, of images by the hash of their bytes."""

    def __init__(self, glance: Glance, look: Look | None) -> None:
        self.look = look
        self.glance = glance
        self.facts = RowStore(self.glance.cache_place("facts"), (), FACTS)
        self.pixels = _pixel_store(look) if look else None

    def damages(self) -> list[str]:
        """What was damaged of the stores, and is begun anew."""
        return [store.damage for store in (self.facts, self.pixels) if store is not None and store.damage]

    def of_levels(self, levels: Levels) -> Self:
        """The stores of what is decoded with a range that is given."""
        look = replace(self.look, levels=levels) if self.look else None
        return type(self)(replace(self.glance, levels=levels), look)

    def missing(self, digests: Iterable[str]) -> list[str]:
        digests = list(digests)
        lacking = set(self.facts.missing(digests)) | set(self.pixels.missing(digests) if self.pixels else ())
        return [digest for digest in digests if digest in lacking]

    def append(self, digests: list[str], facts: list[Any], pixels: list[NDArray[np.uint8]]) -> None:
        if not digests:
            return
        if self.pixels:
            self.pixels.append(digests, np.stack(pixels))
        self.facts.append(digests, np.array(facts, FACTS))


def _pixel_store(look: Look) -> RowStore:
    return RowStore(look.cache_place("pixels"), (look.image_size, look.image_size, 3), np.uint8)


def _hash_files(index: Index, progress: Progress) -> tuple[dict[str, str], dict[str, ImageError]]:
    hashes: dict[str, str] = {}
    bad: dict[str, ImageError] = {}
    paths = dict.fromkeys(item.path for item in index.items)
    progress.stage("reading", len(paths), "images")
    results = in_order(lambda path: _hash_file(index.root / path), paths)
    for path, result in zip(paths, results, strict=True):
        if isinstance(result, ImageError):
            bad[path] = result
        else:
            hashes[path] = result
        progress.advance()
    return hashes, bad


def _hash_file(file: Path) -> str | ImageError:
    try:
        return hashlib.sha256(read(file)).hexdigest()
    except ImageError as error:
        return error


def _decode_missing(
    root: Path, paths: dict[str, str], stores: _Stores, progress: Progress
) -> dict[str, ImageError]:
    """Decodes the files, by hash, that the stores lack; the errors of those that cannot be decoded."""
    missing = stores.missing(paths)
    if not missing:
        return {}
    bad: dict[str, ImageError] = {}
    side = stores.look.image_size if stores.look else 1
    chunk = max(1, _CHUNK_BYTES // (side * side * 3 + FACTS.itemsize))
    progress.stage("decoding", len(missing), "images")
    digests: list[str] = []
    facts: list[Any] = []
    pixels: list[NDArray[np.uint8]] = []
    results = in_order(lambda digest: _decode_file(root / paths[digest], digest, stores), missing)
    for digest, result in zip(missing, results, strict=True):
        progress.advance()
        if isinstance(result, ImageError):
            bad[digest] = result
            continue
        digests.append(digest)
        facts.append(result[0])
        pixels.append(result[1])
        if len(digests) == chunk:
            stores.append(digests, facts, pixels)
            digests, facts, pixels = [], [], []
    stores.append(digests, facts, pixels)
    return bad


def _decode_file(
    file: Path, digest: str, stores: _Stores
) -> tuple[tuple[Any, ...], NDArray[np.uint8]] | ImageError:
    look = stores.look
    try:
        content = read(file)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ImageError(str(file), "unreadable", "the file was changed while it was read")
        decoded = stores.glance.decode(content, str(file))
        return facts_of(decoded), fit(decoded.rgb, look) if look else np.empty(0, np.uint8)
    except ImageError as error:
        return error
