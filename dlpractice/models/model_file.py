"""A trained net as one file: in Keras's own layers alone, and with a note of how to use it.

Plain Keras loads the file on any backend, without this package. The note stands in the file's
`metadata.json`, beside what Keras itself notes there, under the name of this package:

    import json, zipfile
    with zipfile.ZipFile("model.keras") as file:
        note = json.loads(file.read("metadata.json"))["dlpractice"]
"""

import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from dlpractice.layers.dropout import PhiloxDropout
from dlpractice.layers.normalisation import FusedBatchNormalization
from dlpractice.whole_files import replacing
from dlpractice.zip_files import naming_archive, open_zip, read_entry

_METADATA = "metadata.json"
_KEY = "dlpractice"
_MOST_BYTES = 64 << 20

_TWINS = {
    FusedBatchNormalization: keras.layers.BatchNormalization,
    PhiloxDropout: keras.layers.Dropout,
}
"""Layers of ours that only train otherwise than Keras's own."""

Note = Mapping[str, Any]
"""What JSON can hold about a net: what it takes, and what its outputs mean."""


def write_model(model: keras.Model, note: Note, path: Path) -> None:
    """Saves a graph of layers, with its weights and `note`. It keeps the precision that it is set to.

    path: the file, whose name ends in `.keras`.

    Raises:
        WriteError: it cannot be written.
    """
    with replacing(path, durable=True) as whole:
        bare = whole.with_name(f"bare-{path.name}")
        copy_plainly(model).save(bare)
        _add_note(bare, note, whole)


def copy_plainly(model: keras.Model) -> keras.Model:
    """The same net with the same weights, with layers of Keras's own in place of ours.

    Layers of other packages, and of ours that Keras has no twin of, stay as they are.
    """

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind = _TWINS.get(type(layer), type(layer))
        return kind.from_config(layer.get_config())

    twin = keras.models.clone_model(model, clone_function=copy)
    twin.set_weights(model.get_weights())
    return twin


def read_note(path: Path) -> Note | None:
    """The note of a file; None where it has none, as files of earlier versions and of others have not.

    Raises:
        PathError: the file is damaged, or no model file.
    """
    with open_zip(path) as file:
        content = read_entry(path, file, _METADATA, _MOST_BYTES)
    with naming_archive(path, _METADATA):
        found = json.loads(content)
    note = found.get(_KEY) if isinstance(found, dict) else None
    return note if isinstance(note, dict) else None


def _add_note(bare: Path, note: Note, path: Path) -> None:
    with zipfile.ZipFile(bare) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            copied = zipfile.ZipInfo(entry.filename, entry.date_time)
            if entry.filename == _METADATA:
                target.writestr(copied, json.dumps(json.loads(source.read(entry)) | {_KEY: note}))
                continue
            with source.open(entry) as reader, target.open(copied, "w", force_zip64=True) as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
