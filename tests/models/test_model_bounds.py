"""Files of models that ask for more than they hold."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import pytest

from dlpractice.errors import DlpError, PathError
from dlpractice.models.model_bounds import refuse_giant, refuse_giant_weights
from dlpractice.models.tensor_files import read_tensors
from dlpractice.models.weights import load_weights
from dlpractice.registry.backbones import BACKBONES


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    images = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(4, 3)(keras.layers.ZeroPadding2D(1)(images))
    net = keras.Model(images, keras.layers.Dense(2)(keras.layers.Flatten()(features)))
    path = tmp_path_factory.mktemp("model") / "model.keras"
    net.save(path)
    return path


def rewrite(saved: Path, target: Path, name: str, content: bytes, packing: int = zipfile.ZIP_STORED) -> Path:
    """The saved file with other content in the entry `name`."""
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(target, "w", packing) as written:
        for one in source.namelist():
            written.writestr(one, content if one == name else source.read(one))
    return target


def edit(saved: Path, layer: str, key: str, value: Any) -> bytes:
    """The config of the saved net, with another value in a layer of this class."""
    with zipfile.ZipFile(saved) as source:
        document = json.loads(source.read("config.json"))
    (found,) = (one for one in document["config"]["layers"] if one["class_name"] == layer)
    found["config"][key] = value
    return json.dumps(document).encode()


def test_a_net_as_it_was_saved_is_not_refused(saved: Path) -> None:
    refuse_giant(saved)


@pytest.mark.parametrize(
    ("layer", "key", "value", "reason"),
    [
        ("InputLayer", "batch_shape", [None, 10**6, 10**6, 3], "layer input_layer.* asks for larger images"),
        ("ZeroPadding2D", "padding", [[10**6, 0], [0, 0]], "asks for larger images"),
        ("Dense", "units", 10**9, "its layers ask for 1,024,000,000,432 bytes of weights"),
        ("Conv2D", "filters", 10**9, "bytes of weights"),
        ("Conv2D", "kernel_size", [10**5, 10**5], "bytes of weights"),
    ],
)
def test_sizes_that_were_edited_are_refused(
    saved: Path, tmp_path: Path, layer: str, key: str, value: Any, reason: str
) -> None:
    path = rewrite(saved, tmp_path / "model.keras", "config.json", edit(saved, layer, key, value))
    with pytest.raises(PathError, match=reason):
        refuse_giant(path)


def test_packed_zeros_are_refused_in_the_zip_and_in_the_weights(saved: Path, tmp_path: Path) -> None:
    zeros = io.BytesIO()
    with h5py.File(zeros, "w") as file:
        file.create_dataset("a", (2**28,), "f4", chunks=(2**20,), compression="gzip", fillvalue=0)
    for content, packing, reason in (
        (bytes(2**27), zipfile.ZIP_DEFLATED, "would grow to 134,"),
        (zeros.getvalue(), zipfile.ZIP_STORED, "its weights would grow from .* to 1,073,741,824"),
    ):
        path = rewrite(saved, tmp_path / "model.keras", "model.weights.h5", content, packing)
        with pytest.raises(PathError, match=reason):
            refuse_giant(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff", b"null"])
def test_a_damaged_config_is_named_or_left_to_keras(saved: Path, tmp_path: Path, content: bytes) -> None:
    path = rewrite(saved, tmp_path / "model.keras", "config.json", content)
    if content == b"null":
        refuse_giant(path)
    else:
        with pytest.raises(PathError, match=r"model\.keras: its entry config\.json is damaged"):
            refuse_giant(path)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as written:
        written.writestr("config.json", "{}")
    with pytest.raises(PathError, match=r"it has no entry model\.weights\.h5"):
        refuse_giant(tmp_path / "model.keras")


def write_weights(path: Path, kind: str) -> Path:
    """An HDF5 file that asks for more than it holds, or is none."""
    with h5py.File(path, "w") as file:
        if kind == "packed":
            file.create_dataset("a", (2**28,), "f4", chunks=(2**20,), compression="gzip", fillvalue=0)
        elif kind == "external":
            file.create_dataset("a", (4,), "u1", external=[("/etc/hostname", 0, 4)])
        elif kind == "linked":
            file["a"] = h5py.ExternalLink("other.h5", "a")
        elif kind == "virtual":
            layout = h5py.VirtualLayout((4,), "f4")
            layout[:] = h5py.VirtualSource("other.h5", "a", (4,))
            file.create_virtual_dataset("a", layout)
        else:
            file["a"] = list(range(100))
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:600])
    elif kind in ("", "text"):
        path.write_bytes(kind.encode())
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("packed", "its weights would grow from .* to 1,073,741,824"),
        *((kind, "a lies in another file") for kind in ("external", "linked", "virtual")),
        *((kind, "no intact HDF5 file") for kind in ("cut", "", "text")),
    ],
)
def test_weights_of_the_users_own_are_bounded_wherever_they_are_read(
    tmp_path: Path, kind: str, reason: str
) -> None:
    """The net that they are for is not looked at before."""
    path = write_weights(tmp_path / "own.h5", kind)
    row = BACKBONES["mobilenetv2"]
    for read in (refuse_giant_weights, read_tensors, lambda path: load_weights(object(), row, str(path))):
        with pytest.raises(DlpError, match=rf"own\.h5.*{reason}"):
            read(path)


def test_a_net_that_grows_is_refused_as_weights(saved: Path, tmp_path: Path) -> None:
    content = write_weights(tmp_path / "a.h5", "packed").read_bytes()
    path = rewrite(saved, tmp_path / "own.keras", "model.weights.h5", content)
    with pytest.raises(PathError, match=r"own\.keras: its weights would grow"):
        load_weights(object(), BACKBONES["mobilenetv2"], str(path))
