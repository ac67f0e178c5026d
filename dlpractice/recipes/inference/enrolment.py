"""The classes of a folder, enrolled: what a net that compares images knows queries by."""

from pathlib import Path, PurePosixPath

import numpy as np

from dlpractice.data.files.folder_walk import Walk, find_files
from dlpractice.data.files.index_items import FileKind
from dlpractice.data.naming.class_names import is_text, nfc, settle_spelling
from dlpractice.data.naming.file_endings import count_endings
from dlpractice.errors import DataError
from dlpractice.paths import is_folder
from dlpractice.recipes.inference.enrolment_index import Enrolment
from dlpractice.recipes.oneshot.comparer import Comparer

UNKNOWN = "unknown"
"""What is answered of an image that is like no class."""


def enrol(saved: Comparer, support: Path) -> Enrolment:
    """Embeds the classes of a folder.

    A class is a folder of examples, whose embeddings are averaged (Snell et al. 2017), or a file directly in
    `support`, named without its ending. Below alphabets, it is called `alphabet/class`.

    Raises DataError where there are no classes, two of a name, or files that cannot be read, all of them
    named.
    """
    classes = find_classes(support, saved.note.files)
    paths = [str(support / path) for inside in classes.values() for path in inside]
    embedded = list(saved.embed(saved.load(paths)))
    bad = [f"  {image.path}: {image.error}" for image, embedding in embedded if embedding is None]
    if bad:
        raise DataError(
            f"{len(bad)} of {len(paths)} examples in {support} cannot be used:\n" + "\n".join(bad),
            "repair or remove them",
        )
    rows = iter([embedding for _, embedding in embedded if embedding is not None])
    means = [np.mean([next(rows) for _ in inside], axis=0) for inside in classes.values()]
    return Enrolment(tuple(classes), np.stack(means).astype(np.float32))


def find_classes(support: Path, kind: FileKind) -> dict[str, list[str]]:
    """The classes of a folder, sorted by name, each with its files, relative to `support`.

    Raises DataError: see `enrol`.
    """
    if not is_folder(support):
        raise DataError(f"there is no folder {support}", "name a folder with examples of each class")
    found: dict[str, list[PurePosixPath]] = {}
    examples, others = find_files(support, kind)
    paths = [PurePosixPath(path) for path in examples]
    names = [path.stem if len(path.parts) == 1 else path.parent.as_posix() for path in paths]
    spelling = settle_spelling(names)
    for name, path in zip(names, paths, strict=True):
        found.setdefault(spelling[name], []).append(path)
    if not found:
        there = count_endings(others)
        raise DataError(
            f"{support} holds no {kind.noun}" + (f"; there are {there}" if there else ""),
            "put an example of each class there, or a folder of them",
        )
    _refuse_unusable(support, kind, found)
    return {name: [path.as_posix() for path in found[name]] for name in sorted(found, key=nfc)}


def _refuse_unusable(support: Path, kind: FileKind, found: dict[str, list[PurePosixPath]]) -> None:
    """Raises DataError for all that would leave a class out or mix two without a word."""
    used = {path.parts[0] for paths in found.values() for path in paths}
    entries = [entry.name for entry in Walk(support).entries(support)]
    if idle := [name for name in entries if name not in used]:
        raise DataError(
            f"{support} holds what is no example of a class: {', '.join(idle)}",
            f"every folder needs {kind.noun}; move other files away",
        )
    twice = [
        f"{name} ({', '.join(map(str, paths))})"
        for name, paths in found.items()
        if len(paths) > 1 and any(len(path.parts) == 1 for path in paths)
    ]
    if twice:
        raise DataError(
            f"{support} has two classes of one name: {'; '.join(twice)}", "put each class into a folder"
        )
    if unreadable := [name for name in found if not is_text(name)]:
        raise DataError(
            f"{support} has a class whose name is no readable text: {unreadable[0]!r}",
            "rename its folder or file",
        )
    if UNKNOWN in found:
        raise DataError(
            f"{support} has a class called {UNKNOWN}, which is what an image of no class is called",
            "rename it",
        )
