"""Files of pretrained tensors by other hands, read into the order and the layouts of Keras's layers."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from dlpractice.errors import ModelError, PathError
from dlpractice.models.model_bounds import refuse_giant_weights
from dlpractice.models.torch_pickle import read_torch
from dlpractice.paths import is_file

Tensors = list[NDArray[np.float32]]

_CLASSIFIER = "_fc."
_COUNTER = ".num_batches_tracked"
# Kernels are OIHW in ONNX and PyTorch. Depthwise ones have a single input there; in Keras the channels are
# its inputs.
_HWIO, _HWOI = (2, 3, 1, 0), (2, 3, 0, 1)


def read_tensors(path: Path) -> Tensors:
    """The tensors of a file whose name says its format: `.onnx`, `.pth`, or else a Keras weights file.

    Raises:
        PathError: the file cannot be read.
        ModelError: there is none, or it is none of its format.
    """
    if not is_file(path):
        raise ModelError(f"{path}: no such weights file", "check model.weights, or use `imagenet`")
    readers = {".onnx": _read_onnx, ".pth": _read_torch}
    return readers.get(path.suffix, _read_h5)(path)


def _read_h5(path: Path) -> Tensors:
    """The tensors of a Keras weights file in layer order."""
    try:
        refuse_giant_weights(path)
        with h5py.File(path, "r") as file:
            return [
                np.asarray(file[layer][weight], dtype=np.float32)
                for layer in _names(file.attrs["layer_names"])
                for weight in _names(file[layer].attrs["weight_names"])
            ]
    except Exception as error:  # whatever is in the place of names and arrays
        reason = error.reason if isinstance(error, PathError) else error
        raise ModelError(f"{path}: not a Keras weights file ({reason})", "download it again") from error


def _names(values: Sequence[bytes | str]) -> Iterator[str]:
    return (value.decode() if isinstance(value, bytes) else value for value in values)


def _read_onnx(path: Path) -> Tensors:
    """Kernels and biases of the first 13 convolutions of an ONNX graph, which are those of VGG16."""
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
            tensors += [kernel.transpose(_HWIO).astype(np.float32), bias.astype(np.float32)]
    except Exception as error:  # protobuf and onnx raise many kinds for a damaged file
        raise ModelError(
            f"{path}: not a readable ONNX file ({error})", "install the package again"
        ) from error
    return tensors


def _read_torch(path: Path) -> Tensors:
    """The tensors of an EfficientNet-Lite, in Keras's order and without its classifier."""
    return [
        _turn(name, tensor)
        for name, tensor in read_torch(path).items()
        if not name.startswith(_CLASSIFIER) and not name.endswith(_COUNTER)
    ]


def _turn(name: str, tensor: NDArray[np.generic]) -> NDArray[np.float32]:
    axes = None if tensor.ndim != 4 else _HWOI if "depthwise" in name else _HWIO
    return np.ascontiguousarray(tensor if axes is None else tensor.transpose(axes), np.float32)
