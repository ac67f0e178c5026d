"""`dlp predict` with a one-shot run: which of a few shown classes is this, and are these two the same?"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.files.folder_walk import Walk, find_files
from dlpractice.data.files.index_items import FileKind
from dlpractice.data.naming.class_names import is_text, nfc, settle_spelling
from dlpractice.data.naming.file_endings import count_endings
from dlpractice.errors import DataError
from dlpractice.paths import is_folder
from dlpractice.recipes.oneshot.saved_siamese import SavedSiamese, load_siamese
from dlpractice.recipes.predict.enrolment_index import Enrolment, read_index, refuse_foreign, write_index
from dlpractice.runs.directory import RunDirectory

UNKNOWN = "unknown"
_TOP = 5

Floats = NDArray[np.float32]


def identify(
    run: RunDirectory,
    paths: Sequence[str],
    support: Path | None = None,
    index: Path | None = None,
    save_index: Path | None = None,
) -> list[dict[str, Any]]:
    """One row per image, files and the images below folders, in order: which of the enrolled classes it is.

    A row has path, predicted, confidence in [0, 1], known, `top`, the five likeliest classes, and
    `threshold`, the confidence below which an image is unknown; or path and error. Confidence is the
    probability that image and class are the same, where both answers were equally likely beforehand: those
    of several classes do not add up to 1. An image that is less similar to all classes than the threshold
    which the run chose on validation pairs is predicted to be `unknown`, with the confidence of the likeliest
    class. The threshold is that for a pair of single images: the mean of several examples is nearer to most
    images of its class, so that fewer of these are unknown.

    Args:
        support: a folder whose classes are enrolled, see `enrol`. index: what `save_index` has kept before;
            one of the two.
        save_index: a file that keeps what `support` gives.

    Raises:
        DataError: classes cannot be enrolled, or an index cannot be read or written.
        ModelError: the run's net cannot be loaded, or is not the one that made `index`.
    """
    if save_index is not None:
        refuse_foreign(save_index)
    saved = load_siamese(run)
    if support is not None and index is None:
        enrolment = enrol(saved, support)
    elif index is not None and support is None:
        enrolment = read_index(index, saved.digest)
    else:
        raise ValueError("expected either a support folder or an index")
    if save_index is not None:
        write_index(save_index, enrolment, saved.digest)
    threshold = float(saved.judge(np.array([saved.threshold], np.float32))[0])
    rows: list[dict[str, Any]] = []
    for image, embedding in saved.embed(saved.load(paths)):
        if embedding is None:
            rows.append({"path": image.path, "error": image.error})
        else:
            found = _name(saved, embedding, enrolment)
            rows.append({"path": image.path, **found, "threshold": threshold, **image.describe_note()})
    return rows


def _name(saved: SavedSiamese, embedding: Floats, enrolment: Enrolment) -> dict[str, Any]:
    similarities = saved.compare(embedding[np.newaxis], enrolment.embeddings)[0]
    confidences = saved.judge(similarities)
    ranked = (-similarities).argsort(kind="stable")[:_TOP]
    top = [{"label": enrolment.class_names[k], "confidence": float(confidences[k])} for k in ranked]
    known = bool(similarities[ranked[0]] >= saved.threshold)
    return {
        "predicted": top[0]["label"] if known else UNKNOWN,
        "confidence": top[0]["confidence"],
        "known": known,
        "top": top,
    }


def enrol(saved: SavedSiamese, support: Path) -> Enrolment:
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


def compare(run: RunDirectory, first: str, second: str) -> dict[str, Any]:
    """Whether two images are of the same class; the answer does not depend on their order.

    `score` and `threshold` are probabilities of "same", where both answers were equally likely beforehand;
    `same` says whether the score reaches the threshold, which the run chose on validation pairs. `similarity`
    is in the net's own unit.

    Raises DataError where an image cannot be read, and ModelError where the run's net cannot be loaded.
    """
    saved = load_siamese(run)
    # One by one: rounding may depend on the place in a batch, and the answer would on the order.
    loaded = [pair for path in (first, second) for pair in saved.embed(saved.load([path]))]
    if bad := [f"  {image.path}: {image.error}" for image, embedding in loaded if embedding is None]:
        raise DataError("an image cannot be compared:\n" + "\n".join(bad), "give two images")
    embeddings = [embedding[np.newaxis] for _, embedding in loaded if embedding is not None]
    similarity = np.asarray(saved.siamese.similarity(embeddings))
    score, threshold = saved.judge(np.append(similarity, np.float32(saved.threshold)))
    return {
        "paths": [first, second],
        "same": bool(similarity[0] >= saved.threshold),
        "score": float(score),
        "similarity": float(similarity[0]),
        "threshold": float(threshold),
    }
