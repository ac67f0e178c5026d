"""The examples in any folder of class folders: photographs, signatures, products or recordings."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.audit.admission import admit, usable_items
from dlpractice.data.audit.audit import Audit, inspect
from dlpractice.data.dataset import locate
from dlpractice.data.examples import UNKNOWN_DRAWER, Examples
from dlpractice.data.files.decoding import Look, load_pixels
from dlpractice.data.files.folder_walk import Walk
from dlpractice.data.files.index import read_index
from dlpractice.data.files.index_items import IMAGES_OR_RECORDINGS, RECORDINGS, Finding, Index, Item
from dlpractice.data.files.pixel_cache import Scan, pixel_view, scan
from dlpractice.data.naming.class_names import is_text, nfc, settle_spelling
from dlpractice.data.oneshot.recordings import load_spectrogram, scan_recordings
from dlpractice.data.storage.row_store import RowView
from dlpractice.errors import DataError
from dlpractice.paths import absolute
from dlpractice.progress import Progress, Silent

Colour = Literal["grey", "colour"]

# alphabet/class/file
_DEEPEST = 3
# Few examples per class are the rule here, nothing is weighted by its class, classes and not their images are
# divided, and alphabets may have classes of the same names.
_EXPECTED_HERE = ("few images", "imbalance", "alphabets", "layout", "fixed scene")
_CHUNK = 1024
_NAMED = 20
# Red, green and blue in ITU-R BT.601's luma, in 65,536ths.
_LUMA = np.array([19595, 38470, 7471], np.uint32)

_Pixels = Callable[[Sequence[str]], NDArray[np.uint8] | RowView]


@dataclass(frozen=True)
class ClassFolders:
    """The examples that were read below `root`, and the audit of the files."""

    root: Path
    examples: Examples
    audit: Audit


@dataclass(frozen=True)
class Reading:
    """How the files in class folders become examples.

    Args:
        look: how each image becomes a square of pixels; of recordings only its side counts.
        colour: `grey` keeps one channel, in memory; `colour` keeps three, and leaves images on the disk.
        drawer_pattern: a regular expression with one group, searched in each file's name without its ending;
            what the group finds is who drew, wrote or spoke it. None: nobody knows.
        on_bad_image: whether files that cannot be used are an error, or left out and listed in the audit.
    """

    look: Look
    colour: Colour = "grey"
    drawer_pattern: str | None = None
    on_bad_image: Literal["error", "skip"] = "error"


def read_class_folders(source: str, reading: Reading, progress: Progress | None = None) -> ClassFolders:
    """Reads `class/file`, or `alphabet/class/file` where every file lies that deep: all images or all WAV.

    Of folders of other depths those at the top are the classes, with all that lies in them, as `dlp finetune`
    reads them; this is a warning. Folders `train`, `validation` and `test` above the classes are read as one:
    here classes are divided, not their images. Without alphabets, all classes are in one that has the name of
    the folder.

    Args:
        source: a folder, a zip or a CSV as `read_index` takes it, or the name of a known set of photographs.

    Raises:
        DataError: no data, files that cannot be used, or a pattern that does not fit every file.
    """
    progress = progress or Silent()
    index, audit, scanned, pixels_of = _survey(source, reading, progress)
    admit(index, audit, progress)
    items = usable_items(index, audit)
    alphabets = [item.group or absolute(source).stem for item in items]
    alphabet_names = tuple(sorted(set(alphabets)))
    class_names = tuple(sorted({item.label for item in items}, key=nfc))
    sha256 = tuple(scanned.sha256[item.path] for item in items)
    examples = Examples(
        pixels=pixels_of(sha256),
        alphabets=_code(alphabets, alphabet_names),
        classes=_code([item.label for item in items], class_names),
        drawers=_find_drawers(items, reading.drawer_pattern),
        alphabet_names=alphabet_names,
        class_names=class_names,
        paths=tuple(item.path for item in items),
        sha256=sha256,
    )
    return ClassFolders(index.root, examples, audit)


def audit_class_folders(source: str, reading: Reading, progress: Progress | None = None) -> Audit:
    """What is wrong with the files that `read_class_folders` would read; it refuses those with errors.

    Raises:
        DataError: nothing there that is laid out as class folders, or images beside recordings.
    """
    return _survey(source, reading, progress or Silent())[1]


def holds_recordings(source: str, progress: Progress | None = None) -> bool:
    """Whether a data set is of recordings alone.

    Raises:
        DataError: nothing there that is laid out as a data set.
    """
    progress = progress or Silent()
    index = read_index(locate(source, progress), progress, IMAGES_OR_RECORDINGS)
    return all(RECORDINGS.fits(item.path) for item in index.items)


def _survey(source: str, reading: Reading, progress: Progress) -> tuple[Index, Audit, Scan, _Pixels]:
    """The files in their classes, what is wrong with them, and a function from their hashes to pixels."""
    index, mixed = _regroup(read_index(locate(source, progress), progress, IMAGES_OR_RECORDINGS), progress)
    heard = _are_recordings(index)
    read = _read_recordings if heard else _read_images
    scanned, pixels_of = read(index, reading.look, reading.colour, progress)
    # What tells pictures apart hears nothing: of two people who say the same word, it finds one twice.
    audit = inspect(index, scanned, reading.on_bad_image, "ignore" if heard else "report")
    relevant = tuple(finding for finding in audit.findings if finding.kind not in _EXPECTED_HERE)
    audit = replace(audit, findings=relevant)
    return index, audit.with_finding(mixed) if mixed else audit, scanned, pixels_of


def load_example(
    source: Path | bytes, look: Look, colour: Colour = "grey", name: str = ""
) -> NDArray[np.uint8]:
    """One image or WAV file as `read_class_folders` reads it: (image_size, image_size, 1 or 3) uint8.

    source: the file, or the bytes of one called `name`.

    Raises:
        ImageError: the file cannot be used.
    """
    if RECORDINGS.fits(name or str(source)):
        picture = load_spectrogram(source, name, image_size=look.image_size)[..., None]
        return np.repeat(picture, 3, axis=2) if colour == "colour" else picture
    rgb = load_pixels(source, look, name)
    return rgb if colour == "colour" else _to_grey(rgb)


def _regroup(index: Index, progress: Progress) -> tuple[Index, Finding | None]:
    """The index without splits, and with alphabets where every file lies at `alphabet/class/file`.

    There the label is `alphabet/class` and the group is the alphabet. The finding is about files that lie
    deeper, or at different depths.
    """
    if any(item.split for item in index.items):
        progress.say("train, validation and test folders are read as one: classes are divided, not images")
    plain = replace(index, items=tuple(replace(item, split=None, group=None) for item in index.items))
    if index.of_table:
        return plain, None
    parts = [_below_split(item) for item in index.items]
    depths = {len(inside): item.path for item, inside in zip(index.items, parts, strict=True)}
    if len(depths) > 1 or max(depths) > _DEEPEST:
        return plain, _describe_depths(sorted(depths.values()), index.class_names)
    nested = max(depths) == _DEEPEST
    labels = ["/".join((item.label, *inside[1:-1])) for item, inside in zip(index.items, parts, strict=True)]
    spelling = settle_spelling(labels)
    if unreadable := sorted(label for label in spelling if not is_text(label)):
        raise DataError(
            f"{index.place} holds a class folder whose name is no readable text: {unreadable[0]!r}",
            "rename that folder: its name is that of the class",
        )
    items = tuple(
        Item(item.path, spelling[label], None, item.label if nested else None)
        for item, label in zip(index.items, labels, strict=True)
    )
    empty = index.empty_classes + (_empty_classes(index) if nested else ())
    names = {item.label for item in items} | set(empty)
    return replace(index, items=items, class_names=tuple(sorted(names, key=nfc)), empty_classes=empty), None


def _describe_depths(examples: Sequence[str], class_names: Sequence[str]) -> Finding:
    return Finding(
        "depths",
        "warning",
        f"files too deep for alphabet/class/file, or at different depths ({', '.join(examples)}): the "
        f"{len(class_names)} folders at the top are the classes, with all that lies in them",
        tuple(examples),
    )


def _below_split(item: Item) -> tuple[str, ...]:
    """The parts of the path from the class folder on."""
    parts = PurePosixPath(item.path).parts
    names = [nfc(part) for part in parts]
    return parts[names.index(nfc(item.label), 0 if item.split is None else 1) :]


def _empty_classes(index: Index) -> tuple[str, ...]:
    """Class folders without a file of this kind, in alphabets that have others."""
    full = {PurePosixPath(item.path).parent for item in index.items}
    return tuple(
        (alphabet / entry.name).as_posix()
        for alphabet in sorted({folder.parent for folder in full})
        for entry in Walk(index.root).entries(index.root / alphabet)
        if entry.is_folder and alphabet / entry.name not in full
    )


def _code(names: Sequence[str], known: Sequence[str]) -> NDArray[np.int64]:
    code = {name: number for number, name in enumerate(known)}
    return np.array([code[name] for name in names], np.int64)


def _find_drawers(items: Sequence[Item], pattern: str | None) -> NDArray[np.int64]:
    """(N,) a number for who made each item, the same in every alphabet; -1 without a pattern."""
    if pattern is None:
        return np.full(len(items), UNKNOWN_DRAWER, np.int64)
    expression = _compile(nfc(pattern))
    found = [expression.search(nfc(PurePosixPath(item.path).stem)) for item in items]
    names = [(match.group(1) or "") if match else "" for match in found]
    lacking = [item.path for item, name in zip(items, names, strict=True) if not name]
    if lacking:
        more = [f"and {len(lacking) - _NAMED} more"] if len(lacking) > _NAMED else []
        raise DataError(
            f"the drawer pattern {pattern!r} finds nobody in the names of {len(lacking)} of {len(items)} "
            "files",
            "change data.drawer_pattern, or rename these files",
            lacking[:_NAMED] + more,
        )
    return _code(names, sorted(set(names)))


def _compile(pattern: str) -> re.Pattern[str]:
    hint = "give one group, in parentheses, around what names the drawer, such as ^([^-]+)-"
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DataError(f"the drawer pattern {pattern!r} is no regular expression: {error}", hint) from error
    if expression.groups != 1:
        raise DataError(f"the drawer pattern {pattern!r} has {expression.groups} groups, not one", hint)
    return expression


def _are_recordings(index: Index) -> bool:
    recordings = [item.path for item in index.items if RECORDINGS.fits(item.path)]
    images = [item.path for item in index.items if not RECORDINGS.fits(item.path)]
    if recordings and images:
        raise DataError(
            f"{index.place} holds both recordings ({recordings[0]}) and images ({images[0]})", "keep one kind"
        )
    return bool(recordings)


def _read_recordings(index: Index, look: Look, colour: Colour, progress: Progress) -> tuple[Scan, _Pixels]:
    scanned, pictures = scan_recordings(index, look.image_size, progress)

    def pixels_of(sha256: Sequence[str]) -> NDArray[np.uint8]:
        grey = np.stack([pictures[digest] for digest in sha256])[..., None]
        return np.repeat(grey, 3, axis=3) if colour == "colour" else grey

    return scanned, pixels_of


def _read_images(index: Index, look: Look, colour: Colour, progress: Progress) -> tuple[Scan, _Pixels]:
    scanned = scan(index, look, progress)

    def pixels_of(sha256: Sequence[str]) -> NDArray[np.uint8] | RowView:
        view = pixel_view(sha256, replace(look, levels=scanned.levels))
        return view if colour == "colour" else _read_grey(view)

    return scanned, pixels_of


def _read_grey(view: RowView) -> NDArray[np.uint8]:
    """(N, H, H, 1) of (N, H, H, 3), in memory."""
    grey = np.empty((*view.shape[:3], 1), np.uint8)
    for start in range(0, len(view), _CHUNK):
        grey[start : start + _CHUNK] = _to_grey(view[start : start + _CHUNK])
    return grey


def _to_grey(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turns (..., 3) colours into (..., 1) grey levels. Pixels with three equal channels keep their value."""
    grey: NDArray[np.uint8] = ((rgb.astype(np.uint32) @ _LUMA + 2**15) >> 16).astype(np.uint8)
    return grey[..., None]
