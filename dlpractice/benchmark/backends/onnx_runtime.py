"""Runs a Keras net in ONNX Runtime on the CPU. tf2onnx converts it, which needs TensorFlow as the backend."""

from __future__ import annotations

from importlib import metadata
from math import prod
from typing import Any

import keras

from dlpractice.benchmark.device.backend import Compiled
from dlpractice.benchmark.models.throughput import input_shape

# tf2onnx copies constants in each of its passes over a graph: with all of VGG16's 528 MiB among them it took
# more than 23 GiB. Weights of so many bytes are inputs of the graph while it is converted, and become
# constants of the finished one; smaller ones, normalisation above all, it can fold into its operations.
_LARGE = 1 << 20


def convert(net: keras.Model, batch: int) -> bytes:
    """The ONNX file of `net` for batches of one size: images (N, S, S, C) float32 -> outputs (N, K).

    batch: N.

    Errors that tf2onnx or TensorFlow raise for a net that they cannot convert are passed on as they are.
    """
    import tensorflow as tf
    from onnx.numpy_helper import from_array
    from tf2onnx.convert import from_function

    trained = len(net.trainable_variables)
    variables = {f"weight_{number}": one for number, one in enumerate(_variables(net))}
    large = {name: one for name, one in variables.items() if 4 * prod(one.shape) >= _LARGE}

    def call(images: Any, *given: Any) -> Any:
        values = {name: one.value for name, one in variables.items()} | dict(zip(large, given, strict=True))
        held = list(values.values())
        return net.stateless_call(held[:trained], held[trained:], images, training=False)[0]

    signature = [tf.TensorSpec(input_shape(net, batch), "float32", name="images")]
    signature += [tf.TensorSpec(one.shape, one.dtype, name=name) for name, one in large.items()]
    model, _ = from_function(tf.function(call, autograph=False), input_signature=signature)
    for name, variable in large.items():
        model.graph.initializer.append(from_array(keras.ops.convert_to_numpy(variable.value), name))
    images_alone = [one for one in model.graph.input if one.name not in large]
    del model.graph.input[:]
    model.graph.input.extend(images_alone)
    return bytes(model.SerializeToString())


def open_session(model: bytes, threads: int) -> Compiled:
    """The net of an ONNX file, ready to be called on the CPU with an array of images.

    A call returns its outputs, an array, once they are computed. Its `how` is the execution provider.

    model: the bytes of the file.
    threads: how many threads one operation may use.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (images,) = session.get_inputs()
    return Compiled(lambda batch: session.run(None, {images.name: batch})[0], session.get_providers()[0])


def conversion_bytes(net: keras.Model) -> int:
    """About how much of the host's memory converting and running `net` takes, activations not counted.

    It counts six copies of the weights: they are in Keras, in the graph, in the file, and in the session,
    which lays them out anew.
    """
    return 6 * 4 * int(net.count_params())


def versions() -> dict[str, str]:
    """The versions of ONNX Runtime and of the packages that convert nets for it."""
    return {package: metadata.version(package) for package in ("onnxruntime", "onnx", "tf2onnx")}


def _variables(net: keras.Model) -> list[Any]:
    return [*net.trainable_variables, *net.non_trainable_variables]
