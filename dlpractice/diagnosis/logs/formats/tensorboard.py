"""TensorBoard event files, read without TensorFlow.

An event file is a sequence of records: the length (uint64), its checksum (uint32), the bytes, their checksum
(uint32), all little-endian; the bytes are an `Event` protocol buffer. Scalars stand in `simple_value`
(PyTorch, TensorFlow 1) or in a tensor (TensorFlow 2).
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/io/record_writer.cc
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlpractice.diagnosis.logs.columns import recognise, split_words
from dlpractice.diagnosis.logs.folders import find_latest
from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import tabulate_events
from dlpractice.diagnosis.logs.texts.text import name_foreign
from dlpractice.diagnosis.record import Record
from dlpractice.errors import RunError
from dlpractice.paths import find_below, is_file, is_folder, read_file
from dlpractice.runs.directory import CONFIG

_PATTERN = "*tfevents*"
_LENGTH, _CHECKSUM = 8, 4
_MOST_BYTES = 2**32
_DT_FLOAT, _DT_DOUBLE = 1, 2
_SPLITS = ("train", "training", "val", "valid", "validation", "eval", "evaluation", "dev", "test", "testing")
_HPARAMS = re.compile(r"^\d{10}(\.\d+)?$")
"""The folder that `add_hparams` and Hugging Face's trainer write beside the log: a time in seconds."""
_KIND = "TensorBoard event files"
_HINT = "map them with --column, such as --column val_loss=TAG"


def find_event_files(folder: Path) -> list[Path]:
    """The event files in `folder` and below it."""
    return find_below(folder, _PATTERN)


def find_file(path: Path) -> Path | None:
    """`path` itself, where it is named like an event file."""
    return path if is_file(path) and path.match(_PATTERN) else None


def find_folder(path: Path) -> Path | None:
    """`path`, where event files lie in it or below it; not where one is of a run directory of ours."""
    files = find_event_files(path) if is_folder(path) else []
    return path if files and not any(_is_in_run(file, path) for file in files) else None


def _is_in_run(file: Path, folder: Path) -> bool:
    """Whether a run directory of ours, in `folder` or below it, holds `file`."""
    return any(is_file(parent / CONFIG) for parent in file.parents if parent.is_relative_to(folder))


def read_path(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of an event file, or of all those in a folder; raises RunError as `read_events` does."""
    if is_folder(path):
        return read_events(path, find_event_files(path), mapping)
    return read_events(path.parent, [path], mapping)


def read_events(folder: Path, files: Sequence[Path], mapping: Mapping[str, str]) -> Record:
    """The record of one run's event files.

    Keras writes them to `train/` and `validation/`, and PyTorch's `add_scalars` to `Loss_train/`. The
    folder's name then becomes part of the column's, as in `train/epoch_loss`. Folders without scalars, and
    those that `add_hparams` makes for single numbers, are passed over.

    Raises:
        RunError: several runs under `folder`, a file that holds no events, or no loss among the scalars.
    """
    apart = [file for file in files if not _HPARAMS.match(file.parent.name)] or list(files)
    scalars = {file: list(_read_scalars(file)) for file in apart}
    full = [file for file in apart if scalars[file]] or apart
    runs: dict[Path, list[Path]] = {}
    for file in full:
        runs.setdefault(_find_run(folder, file.parent), []).append(file)
    notes: tuple[str, ...] = ()
    if len(runs) > 1:
        latest = find_latest(runs)
        if latest is None:
            raise RunError(f"{folder} holds the event files of several runs", _name_runs(folder, runs))
        notes = (f"of {len(runs)} runs beside each other {latest.name} was read",)
        runs = {latest: runs[latest]}
    (run,) = runs
    events = sorted(
        (
            (time, _name_column(run, file, tag), step, value)
            for file in runs[run]
            for time, tag, step, value in scalars[file]
        ),
        key=lambda event: event[0],
    )
    table = tabulate_events(str(run), _KIND, (event[1:] for event in events), notes=notes, hint=_HINT)
    return interpret(table, mapping)


def _find_run(folder: Path, holder: Path) -> Path:
    """The folder of the run whose event files lie in `holder`: above folders that are named after splits, and
    after a metric and a split."""
    run = holder
    if run != folder and _names_split(run.name):
        run = run.parent
        if run != folder and recognise(run.name) is not None:
            run = run.parent
    return run


def _names_split(name: str) -> bool:
    words = split_words(name)
    return bool(words) and words[-1] in _SPLITS and (len(words) == 1 or recognise(name) is not None)


def _name_column(run: Path, file: Path, tag: str) -> str:
    """The tag, after the folder between the run and the file, unless the tag says its split itself."""
    between = file.parent.relative_to(run).as_posix()
    says = recognise(tag)
    return tag if between == "." or (says is not None and says.split) else f"{between}/{tag}"


def _name_runs(folder: Path, runs: Mapping[Path, Sequence[Path]]) -> str:
    named = [str(run if run != folder else runs[run][0]) for run in sorted(runs)]
    return f"name one: {', '.join(named[:5])}{', ...' if len(named) > 5 else ''}"


def _read_scalars(file: Path) -> Iterator[tuple[float, str, int, float]]:
    """Time in seconds, tag, step and value of each scalar, in the order of writing."""
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    for content in _read_frames(file):
        try:
            event = Event.FromString(content)
        except DecodeError as error:
            raise RunError(f"{file} holds no TensorBoard events: {error}", "restore the file") from None
        for value in event.summary.value:
            number = _read_value(value)
            if number is not None:
                yield float(event.wall_time), value.tag, int(event.step), number


def _read_frames(file: Path) -> Iterator[bytes]:
    """The records; the last one may be cut off, as in a file that is being written."""
    content = read_file(file, _MOST_BYTES)
    if (found := name_foreign(content[:64])) is not None and "Git LFS" in found[0]:
        raise RunError(f"{file} is {found[0]}", found[1])
    place = 0
    while place + _LENGTH + _CHECKSUM <= len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        start = place + _LENGTH + _CHECKSUM
        if start + length + _CHECKSUM > len(content):
            return
        yield content[start : start + length]
        place = start + length + _CHECKSUM


def _read_value(value: Any) -> float | None:
    """A scalar's value; None for images, histograms, text and the like."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor") or value.tensor.tensor_shape.dim:
        return None
    tensor = value.tensor
    kinds = {_DT_FLOAT: (np.float32, tensor.float_val), _DT_DOUBLE: (np.float64, tensor.double_val)}
    if tensor.dtype not in kinds:
        return None
    kind, values = kinds[tensor.dtype]
    if tensor.tensor_content:
        return float(np.frombuffer(tensor.tensor_content, kind)[0])
    return float(values[0]) if values else None


FORMAT = Format(
    name="TensorBoard event files",
    words="a folder of TensorBoard event files",
    recognised_by="a file with `tfevents` in its name, or a folder with such files in it or below it",
    places=(Place(10, find_file), Place(50, find_folder)),
    read=read_path,
)
