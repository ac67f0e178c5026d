"""TensorBoard event files, read without TensorFlow.

An event file is a sequence of records: the length (uint64), its checksum (uint32), the bytes, their checksum
(uint32), all little-endian; the bytes are an `Event` protocol buffer. Scalars stand in `simple_value`
(PyTorch, TensorFlow 1) or in a tensor (TensorFlow 2).
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/io/record_writer.cc
"""

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlpractice.diagnosis.logs.columns import assign, recognise
from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.record import Curve, Record
from dlpractice.errors import RunError
from dlpractice.runs.directory import CONFIG

_PATTERN = "*tfevents*"
_LENGTH, _CHECKSUM = 8, 4
_DT_FLOAT, _DT_DOUBLE = 1, 2
_SPLITS = ("train", "training", "val", "valid", "validation", "eval", "dev")


def find_event_files(folder: Path) -> list[Path]:
    """The event files in `folder` and below it."""
    return sorted(folder.rglob(_PATTERN))


def find_file(path: Path) -> Path | None:
    """`path` itself, where it is named like an event file."""
    return path if path.is_file() and path.match(_PATTERN) else None


def find_folder(path: Path) -> Path | None:
    """`path`, where event files lie in it or below it; not where one is of a run directory of ours."""
    files = find_event_files(path) if path.is_dir() else []
    return path if files and not any(_is_in_run(file, path) for file in files) else None


def _is_in_run(file: Path, folder: Path) -> bool:
    """Whether a run directory of ours, in `folder` or below it, holds `file`."""
    return any((parent / CONFIG).is_file() for parent in file.parents if parent.is_relative_to(folder))


def read_path(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of an event file, or of all those in a folder; raises RunError as `read_events` does."""
    if path.is_dir():
        return read_events(path, find_event_files(path), mapping)
    return read_events(path.parent, [path], mapping)


def read_events(folder: Path, files: Sequence[Path], mapping: Mapping[str, str]) -> Record:
    """The record of one run's event files.

    Keras writes them to `train/` and `validation/`. The folder's name then becomes part of the column's, as
    in `train/epoch_loss`. Where a step was logged twice, the later value counts.

    Raises:
        RunError: several runs under `folder`, a file that holds no events, or no loss among the scalars.
    """
    runs = {file.parent.parent if file.parent.name in _SPLITS else file.parent for file in files}
    if len(runs) > 1:
        raise RunError(f"{folder} holds the event files of several runs", f"name one, such as {min(runs)}")
    columns: dict[str, dict[int, float]] = defaultdict(dict)
    # Names end in a time stamp and a counter, so that sorting by name goes on with the latest file.
    for file in sorted(files, key=lambda file: file.name):
        prefix = f"{file.parent.name}/" if file.parent.name in _SPLITS else ""
        for tag, step, value in _read_scalars(file):
            columns[tag if _names_split(tag) else prefix + tag][step] = value
    chosen = assign(columns, mapping, str(folder))
    if not chosen:
        raise RunError(
            f"{folder} has no loss or accuracy among its scalars; it has {', '.join(columns) or 'none'}",
            "map them with --column, such as --column val_loss=TAG",
        )
    curves = {curve: _curve(columns[name]) for curve, name in chosen.items()}
    unused = tuple(name for name in columns if name not in chosen.values())
    return Record(path=str(folder), kind="TensorBoard event files", curves=curves, unused=unused)


def _names_split(tag: str) -> bool:
    return (recognise(tag) or "").startswith("val_")


def _curve(values: Mapping[int, float]) -> Curve:
    shift = 1 if min(values) == 0 else 0
    steps = sorted(values)
    return Curve(tuple(float(step + shift) for step in steps), tuple(values[step] for step in steps))


def _read_scalars(file: Path) -> Iterator[tuple[str, int, float]]:
    """Tag, step and value of each scalar, in the order of writing."""
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
                yield value.tag, int(event.step), number


def _read_frames(file: Path) -> Iterator[bytes]:
    """The records; the last one may be cut off, as in a file that is being written."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise RunError(f"cannot read {file}: {error.strerror}", "check that the file is readable") from error
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
