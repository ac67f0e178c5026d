"""Nets that other runtimes compute, as `dlp export` writes them: ONNX, LiteRT and TensorFlow's SavedModel.

Each is read together with the note that stands in it, see `recipes.run.model_note`.
"""

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from dlpractice.errors import DlpError, ModelError
from dlpractice.paths import find_below, is_file, is_folder, read_file, status
from dlpractice.recipes.run.model_note import ClassifierNote, EncoderNote

ExportedNote = ClassifierNote | EncoderNote
Read = tuple[ExportedNote, Callable[[NDArray[np.generic]], NDArray[np.float32]]]
"""The note, and the net from (n, S, S, C) pixels in 0..255 to (n, K) probabilities or (n, D) embeddings."""

INPUT = "images"
NOTE_KEY, NOTE_FILE, LABELS_FILE = "dlpractice", "dlpractice.json", "labels.txt"
INSTALL = 'pip install "dlpractice[export]"'
_GRAPH = "saved_model.pb"
_MOST_BYTES = 2**31
_MOST_NOTE = 16 << 20

# What a graph of TensorFlow can do besides computing. Our own have none of it.
_REFUSED = (b"ReadFile", b"WriteFile", b"PyFunc", b"PyFuncStateless", b"EagerPyFunc", b"MatchingFiles")


def read_onnx(path: Path, providers: Sequence[str] = ()) -> Read:
    """A net for ONNX Runtime.

    Raises:
        ModelError: see `trained_classifier.load_classifier`.
    """
    runtime = _import("onnxruntime", path)
    chosen = list(providers) or ["CPUExecutionProvider"]
    if unknown := [name for name in chosen if name not in runtime.get_available_providers()]:
        raise ModelError(
            f"ONNX Runtime has no provider {', '.join(unknown)} here",
            f"it has {', '.join(runtime.get_available_providers())}",
        )
    with _reading(path):
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        session = runtime.InferenceSession(str(path), options, providers=chosen)
        note = _parse(path, session.get_modelmeta().custom_metadata_map.get(NOTE_KEY, ""))
        return note, lambda pixels: session.run([note.output], {INPUT: pixels.astype(np.float32)})[0]


def read_litert(path: Path) -> Read:
    """A net for LiteRT. Raises as `read_onnx` does."""
    runtime = _import("ai_edge_litert.interpreter", path)
    with _reading(path):
        with zipfile.ZipFile(path) as files:
            if files.getinfo(NOTE_FILE).file_size > _MOST_NOTE:
                raise ValueError("its note is too large")
            note = _parse(path, files.read(NOTE_FILE))
        runner = runtime.Interpreter(model_content=read_file(path, _MOST_BYTES)).get_signature_runner()
        return note, lambda pixels: runner(**{INPUT: pixels.astype(np.float32)})[note.output]


def read_graph(path: Path, providers: Sequence[str] = ()) -> Read | None:
    """The net in a file or folder of one of these formats; None where there is none.

    Raises ModelError as the readers do.
    """
    if is_saved_model(path):
        return read_saved_model(path)
    if not is_file(path):
        return None
    if path.suffix.lower() == ".onnx":
        return read_onnx(path, providers)
    return read_litert(path) if path.suffix.lower() == ".tflite" else None


def is_saved_model(path: Path) -> bool:
    """Whether the folder `path` holds a SavedModel."""
    return is_file(path / _GRAPH)


def read_saved_model(path: Path) -> Read:
    """A net for TensorFlow; one that would do more than compute is refused. Raises as `read_onnx` does."""
    import tensorflow as tf

    with _reading(path):
        note = _parse(path, read_file(path / "assets" / NOTE_FILE, _MOST_NOTE))
        graph = read_file(path / _GRAPH, _MOST_BYTES)
        if found := [name.decode() for name in _REFUSED if name in graph]:
            raise ValueError(f"it reads or writes files, or runs code: {', '.join(found)}")
        loaded = tf.saved_model.load(str(path))
        sign = loaded.signatures["serving_default"]

        def infer(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
            assert loaded is not None  # the signature alone does not keep its variables
            return np.asarray(sign(**{INPUT: tf.constant(pixels, tf.float32)})[note.output])

        return note, infer


def measure_bytes(path: Path) -> int:
    """The size of a file, or of all files in the folder of a SavedModel."""
    return (
        sum(status(file).st_size for file in find_below(path, "*"))
        if is_folder(path)
        else status(path).st_size
    )


def _import(name: str, path: Path) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise ModelError(f"{path} needs the package {name.partition('.')[0]}", INSTALL) from error


def _parse(path: Path, text: str | bytes) -> ExportedNote:
    if not text:
        raise ModelError(f"{path} says nothing of its classes and its input", "export it with `dlp export`")
    found = json.loads(text)
    is_encoder = isinstance(found, dict) and found.get("task") == "embedding"
    return (EncoderNote if is_encoder else ClassifierNote).model_validate(found)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What goes wrong while a file is read, of which each runtime has kinds of its own, is a ModelError."""
    try:
        yield
    except ValidationError as error:
        raise ModelError(f"{path} is no net of `dlp export`", "name one, or a run") from error
    except DlpError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: cannot be loaded ({reason})", "export the run again") from error
