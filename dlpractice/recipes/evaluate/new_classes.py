"""`dlp evaluate` with a one-shot run: its net on one-shot tasks from classes that may be new to it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlpractice.data.examples import UNKNOWN_DRAWER, Examples
from dlpractice.data.files.index_items import RECORDINGS
from dlpractice.data.oneshot.own_classes import Reading, read_class_folders
from dlpractice.data.oneshot.query_files import load_queries
from dlpractice.data.sets.omniglot import read_omniglot
from dlpractice.errors import DataError
from dlpractice.evaluation.oneshot_tasks import answer
from dlpractice.evaluation.protocols import folder_tasks, lake_20, lake_extended
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.oneshot.embedding_answers import EmbeddingScorer, embed
from dlpractice.recipes.oneshot.examinations import WAYS, within_alphabets
from dlpractice.recipes.oneshot.results import (
    ORDER_SEED,
    TASK_SEED,
    Protocol,
    describe_answers,
    name_protocol,
)
from dlpractice.recipes.oneshot.saved_siamese import SavedSiamese, load_siamese
from dlpractice.runs.directory import RunDirectory

_MORE_SHOTS = 5
_EPISODES = 400


@dataclass(frozen=True)
class Exercise:
    """Tasks on some examples, the headline first, and the files that could not be used."""

    examples: Examples
    protocols: tuple[Protocol, ...]
    unreadable: tuple[dict[str, str], ...] = ()


def run(run: RunDirectory, source: str, progress: Progress | None = None) -> dict[str, Any]:
    """Accuracy on 20-way tasks within alphabets, or of all classes there are, if fewer; with one shot, and
    with five where there are enough examples; and what could not be read.

    Supports and queries are by different drawers where they are known, as the run's config finds them in file
    names. Warns of images that the net was trained on.

    Args:
        source: what `read_class_folders` reads; or `omniglot`, whose evaluation alphabets no run is trained
            on, for its published tasks.

    Raises:
        DataError: no classes, or too few examples for a task.
        ModelError: the run's net cannot be loaded.
    """
    progress = progress or Silent()
    saved = load_siamese(run)
    exercise = read_exercise(run, saved, source, progress)
    examples = exercise.examples
    if seen := count_trained_on(run, examples):
        progress.warn(f"{seen} of {len(examples)} images are ones that the net was trained on")
    progress.stage("embedding", len(examples), "images")
    scorer = EmbeddingScorer(
        embed(saved.forward, examples, saved.image_size), saved.siamese.similarity, examples.alphabets
    )
    progress.advance(len(examples))
    progress.stage("answering", len(exercise.protocols), "protocols")
    results: dict[str, dict[str, Any]] = {}
    for protocol in exercise.protocols:
        results[protocol.name] = describe_answers(answer(protocol.tasks, scorer, ORDER_SEED), examples)
        progress.advance()
    headline = exercise.protocols[0]
    return {
        "accuracy": results[headline.name],
        "protocol": describe_protocol(headline),
        "results": results,
        "unreadable": list(exercise.unreadable),
    }


def read_exercise(run: RunDirectory, saved: SavedSiamese, source: str, progress: Progress) -> Exercise:
    """The examples of `source`, as the net's training images were read, and the tasks on them.

    Raises DataError: see `run`.
    """
    if source == "omniglot":
        return _read_omniglot(saved, progress)
    if source == "glyphs":
        raise DataError(
            "glyphs are generated for training, and every run on them is tested on alphabets of its own",
            f"see the results of {run.path}, or name a folder, or omniglot",
        )
    note = saved.note
    drawer_pattern = run.config_tree()["data"]["drawer_pattern"]
    read = read_class_folders(source, Reading(note.look, note.colour, drawer_pattern, "skip"), progress)
    unreadable = [{"path": bad.path, "error": bad.reason} for bad in read.audit.unusable]
    examples = read.examples
    if any(RECORDINGS.fits(path) != (note.kind == "recordings") for path in examples.paths):
        raise DataError(
            f"{source} holds {'images' if note.kind == 'recordings' else 'recordings'}, and the run compares "
            f"{'recordings' if note.kind == 'recordings' else 'images'}",
            "name a folder of what the run was trained on",
        )
    if note.kind == "drawings":
        examples, bad = _draw_again(saved, read.root, examples)
        unreadable += bad
    return Exercise(examples, tuple(_plan_folder(examples, progress)), tuple(unreadable))


def _read_omniglot(saved: SavedSiamese, progress: Progress) -> Exercise:
    if saved.note.colour != "grey":
        raise DataError("omniglot has no colour, and the run compares images in colour", "name a folder")
    omniglot = read_omniglot(progress)
    examples = omniglot.evaluation
    published = Protocol("lake-20", examples, lake_20(omniglot.runs), within=True)
    extended = Protocol("lake-extended", examples, lake_extended(examples, TASK_SEED), within=True)
    return Exercise(examples, (published, extended))


def _draw_again(saved: SavedSiamese, root: Path, examples: Examples) -> tuple[Examples, list[dict[str, str]]]:
    """The examples as drawings, as data/oneshot/ink.py makes them, and those that show none."""
    loaded = list(load_queries([str(root / path) for path in examples.paths], saved.note))
    kept = [image.pixels for image in loaded if image.pixels is not None]
    places = np.flatnonzero([image.pixels is not None for image in loaded])
    bad = [
        {"path": path, "error": image.error}
        for path, image in zip(examples.paths, loaded, strict=True)
        if image.pixels is None
    ]
    if not kept:
        raise DataError(f"no image in {root} shows a drawing", f"{bad[0]['path']}: {bad[0]['error']}")
    return replace(examples.select(places), pixels=np.stack(kept)), bad


def _plan_folder(examples: Examples, progress: Progress) -> Iterator[Protocol]:
    yield name_protocol(examples, within_alphabets(examples), 1)
    try:
        tasks = folder_tasks(examples, ways=WAYS, shots=_MORE_SHOTS, episodes=_EPISODES, seed=TASK_SEED)
    except DataError as error:
        progress.say(f"no {_MORE_SHOTS}-shot tasks: {error.message}")
    else:
        yield name_protocol(examples, tasks, _MORE_SHOTS)


def describe_protocol(protocol: Protocol) -> str:
    """What was asked, in one line."""
    known = (protocol.examples.drawers != UNKNOWN_DRAWER).all()
    queries = sum(len(task.queries) for task in protocol.tasks)
    return ", ".join(
        [
            protocol.name,
            "by different drawers" if known else "drawers unknown",
            f"{len(protocol.tasks):,} tasks of {queries:,} queries in all",
        ]
    )


def count_trained_on(run: RunDirectory, examples: Examples) -> int:
    """How many of the examples the run was trained on, by the hash of their file or of their pixels.

    Omniglot's splits hold hashes of packed pixels, and generated ones those of plain pixels.
    """
    trained_on = {row["sha256"] for row in run.splits() if row["split"] == "train"}
    hashes = (
        {digest, _hash(pixels), _hash(np.packbits(pixels >= 128))}
        for digest, pixels in zip(examples.sha256, iter(examples.pixels), strict=True)
    )
    return sum(bool(trained_on & found) for found in hashes)


def _hash(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()
