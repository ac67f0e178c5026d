"""What tools for LiteRT read of a model: its metadata, a flatbuffer, and the files packed behind it.

The layout is metadata_schema.fbs of TensorFlow Lite Support, version 1.1.0: a table's fields are numbered
in the order in which they stand there, and a union takes two numbers, of its kind and of its content. The
package that writes it, tflite-support 0.4.4, wants Protocol Buffers 3, and TensorFlow wants a later one.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from dlpractice.recipes.inference.graph_files import INPUT, LABELS_FILE, NOTE_FILE
from dlpractice.recipes.run.model_note import InputNote

_IDENTIFIER, _BUFFER = b"M001", "TFLITE_METADATA"
_PARSER = "1.0.0"
"""The oldest reader that knows all fields which are written here."""
_DESCRIPTION_FILE, _LABELS_OF_AXIS = 1, 2
_FEATURES, _IMAGE, _NORMALIZATION = 1, 2, 1
_RGB, _GREY = 1, 2


@dataclass(frozen=True)
class _Byte:
    value: int


@dataclass(frozen=True)
class _Whole:
    value: int


_Table = dict[int, Any]
"""By their numbers, the fields of a table: strings, float32 arrays, tables, lists of tables, and numbers."""


def add_metadata(model: bytes, taken: InputNote, output: str, files: Mapping[str, str]) -> bytes:
    """A LiteRT model with its metadata in it, and with `files` packed behind it as a zip.

    Args:
        output: the name of its only output.
        files: text by name; LABELS_FILE, where it is there, names the places of the output's last axis.
    """
    packed = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(_describe(taken, output, tuple(files)), np.uint8)
    entry = schema.MetadataT()
    entry.name, entry.buffer = _BUFFER, len(packed.buffers)
    packed.buffers.append(buffer)
    packed.metadata = [*(packed.metadata or ()), entry]
    whole = io.BytesIO(flatbuffer_utils.convert_object_to_bytearray(packed))
    with zipfile.ZipFile(whole, "a") as archive:
        for name, text in files.items():
            archive.writestr(name, text.encode(errors="surrogateescape"))
    return whole.getvalue()


def _describe(taken: InputNote, output: str, files: Sequence[str]) -> bytes:
    """ModelMetadata as the flatbuffer of a file."""
    side, is_grey = _Whole(taken.image_size), taken.colour == "grey"
    image = {0: _Byte(_GREY if is_grey else _RGB), 1: {0: side, 1: side}}
    unchanged = {0: np.zeros(1, np.float32), 1: np.ones(1, np.float32)}
    images = {
        0: INPUT,
        1: f"{'Grey' if is_grey else 'RGB'} from 0 to 255, resized by `{taken.resize}`: {taken.decoding}.",
        3: {0: _Byte(_IMAGE), 1: image},
        4: [{0: _Byte(_NORMALIZATION), 1: unchanged}],
        5: {0: np.full(1, 255, np.float32), 1: np.zeros(1, np.float32)},
    }
    labels = {0: LABELS_FILE, 1: "The names of the classes, in order.", 2: _Byte(_LABELS_OF_AXIS)}
    outputs: _Table = {0: output, 3: {0: _Byte(_FEATURES), 1: {}}}
    if LABELS_FILE in files:
        outputs[6] = [labels]
    note = {0: NOTE_FILE, 1: "What the model takes and gives, as JSON.", 2: _Byte(_DESCRIPTION_FILE)}
    model = {0: "dlpractice", 3: [{2: [images], 3: [outputs]}], 6: [note], 7: _PARSER}
    builder = flatbuffers.Builder()
    builder.Finish(_write(builder, model), _IDENTIFIER)
    return bytes(builder.Output())


def _write(builder: Any, value: Any) -> int:
    """Writes a value that lies outside of the table which holds it, and returns where."""
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, np.ndarray):
        return int(builder.CreateNumpyVector(value))
    if isinstance(value, list):
        places = [_write(builder, one) for one in value]
        builder.StartVector(4, len(places), 4)
        for place in reversed(places):
            builder.PrependUOffsetTRelative(place)
        return int(builder.EndVector())
    inside = {
        number: field if isinstance(field, _Byte | _Whole) else _write(builder, field)
        for number, field in value.items()
    }
    builder.StartObject(max(value, default=-1) + 1)
    for number, field in inside.items():
        if isinstance(field, _Byte):
            builder.PrependInt8Slot(number, field.value, 0)
        elif isinstance(field, _Whole):
            builder.PrependUint32Slot(number, field.value, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(number, field, 0)
    return int(builder.EndObject())
