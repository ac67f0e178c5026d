"""Enrolled classes in one file, bound to the net that has embedded them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.array_files import read_arrays
from dlpractice.errors import DataError, ModelError, PathError
from dlpractice.paths import exists, is_folder
from dlpractice.recipes.run.model_note import Comparison
from dlpractice.whole_files import replacing

SCHEMA = 1
_FORMAT = "dlpractice one-shot index"
_KEYS = frozenset({"format", "schema", "model", "class_names", "embeddings"})


@dataclass(frozen=True)
class Enrolment:
    """Classes to name a query by. embeddings: (K, D) float32, of several examples of a class their mean."""

    class_names: tuple[str, ...]
    embeddings: NDArray[np.float32]


def write_index(path: Path, enrolment: Enrolment, model: str, comparison: Comparison) -> None:
    """Keeps an enrolment as .npz: names, embeddings, a number for the layout, `model`, the sha256 of the net
    that they come from, and as JSON how they are compared, and from which similarity on a class is known.

    Raises DataError where `path` is something else than such an index, and WriteError where it cannot be
    written.
    """
    refuse_foreign(path)
    with replacing(path, durable=True) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            format=np.array(_FORMAT),
            schema=np.array(SCHEMA),
            model=np.array(model),
            class_names=np.array(enrolment.class_names),
            embeddings=enrolment.embeddings,
            comparison=np.array(comparison.model_dump_json()),
        )


def read_index(path: Path, model: str) -> Enrolment:
    """The enrolment that `write_index` kept.

    Raises:
        DataError: the file is absent, damaged, no such index, or one of another layout.
        ModelError: it was made with another net than that of sha256 `model`.
    """
    arrays = _read_arrays(path)
    if (schema := arrays["schema"].tolist()) != SCHEMA:
        raise DataError(
            f"{path} has the layout {schema} of an index; known here is {SCHEMA}", "enrol the classes again"
        )
    names, embeddings = arrays["class_names"], arrays["embeddings"]
    fits = embeddings.ndim == 2 and names.shape == embeddings.shape[:1] and len(names) > 0
    if not fits or names.dtype.kind != "U" or embeddings.dtype != np.float32:
        raise DataError(f"{path} is a damaged index", "enrol the classes again")
    if arrays["model"].tolist() != model:
        raise ModelError(
            f"{path} was made with another run's net, whose embeddings cannot be compared with this one's",
            "name the run that made it, or enrol the classes again with --support",
        )
    return Enrolment(tuple(names.tolist()), embeddings)


def refuse_foreign(path: Path) -> None:
    """Refuses a path at which no index can be kept.

    Raises:
        DataError: its folder does not exist, or something else than an index lies there.
    """
    if not is_folder(path.parent):
        raise DataError(f"there is no folder {path.parent} to keep an index in", "make it, or name another")
    if exists(path):
        try:
            _read_arrays(path)
        except DataError as error:
            raise DataError(
                f"{path} is there, and is no index: it is kept as it is", "give another name"
            ) from error


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    if not exists(path):
        raise DataError(f"there is no index {path}", "make it with --support and --save-index")
    try:
        arrays = read_arrays(path)
    except PathError as error:
        raise DataError(
            f"{path} is no index of enrolled classes, or a damaged one: {error.reason}",
            "enrol the classes again",
        ) from error
    if not arrays.keys() >= _KEYS or arrays["format"].tolist() != _FORMAT:
        raise DataError(f"{path} is no index of enrolled classes", "make one with --support and --save-index")
    return arrays
