"""A net written in the formats of other runtimes, each with its note inside.

All take `images`, (N, S, S, C) float32 in 0..255, N free, and give the output that the note names:
`probabilities`, (N, K) float32, or `embeddings`, (N, D) float32.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from dlpractice.models.model_file import write_model
from dlpractice.models.precision import computing_in
from dlpractice.printable import printable_name
from dlpractice.recipes.export.litert_metadata import add_metadata
from dlpractice.recipes.inference.graph_files import INPUT, LABELS_FILE, NOTE_FILE, NOTE_KEY, ExportedNote
from dlpractice.whole_files import scratch_folder
from dlpractice.write_failures import OF_DISKS, translating

_OPSET = 17
SAMPLES = 100
"""The images that int8 is told about."""


@dataclass(frozen=True)
class Source:
    """What is exported.

    class_names: of the places of the output, () where they have none. samples: (n, S, S, C) uint8 training
    images, by which int8 finds the range of each activation.
    """

    model: keras.Model
    note: ExportedNote
    class_names: tuple[str, ...]
    samples: NDArray[np.uint8]

    @property
    def files(self) -> dict[str, str]:
        """What stands beside a net in formats that keep files, by name."""
        files = {NOTE_FILE: self.note.model_dump_json()}
        if self.class_names:
            files[LABELS_FILE] = "".join(f"{printable_name(name)}\n" for name in self.class_names)
        return files

    def sign(self) -> Any:
        """The net as a function of TensorFlow with named inputs and outputs."""
        model = self.model
        shape = (None, *model.input_shape[1:])
        return tf.function(
            lambda images: {self.note.output: model(images, training=False)},
            input_signature=[tf.TensorSpec(shape, tf.float32, name=INPUT)],
            autograph=False,
        )

    def freeze(self) -> Any:
        """`sign` with all numbers inside the graph.

        LiteRT's converter leaves out weights that are variables, and ONNX's takes numbers from outside, as
        Keras's Normalization has them, for inputs.
        """
        signed = self.sign()
        frozen = convert_variables_to_constants_v2(signed.get_concrete_function())
        return tf.function(
            lambda images: {self.note.output: frozen(images)[0]},
            input_signature=signed.input_signature,
            autograph=False,
        )

    def sample_batches(self) -> Iterator[NDArray[np.float32]]:
        """The samples, one at a time."""
        for pixels in self.samples:
            yield pixels[np.newaxis].astype(np.float32)


def write_keras(source: Source, path: Path, quantize: str | None) -> None:
    """The run's net, which plain Keras loads; in float32 as in other formats, whatever it was trained in."""
    with computing_in(source.model, "float32"):
        write_model(source.model, source.note.model_dump(mode="json"), path)


def write_onnx(source: Source, path: Path, quantize: str | None) -> None:
    """ONNX, float32 but for what is quantised: weights alone (`dynamic`, `float16`), or activations too."""
    import onnx
    import tf2onnx

    with computing_in(source.model, "float32"):
        frozen = source.freeze()
        proto, _ = tf2onnx.convert.from_function(frozen, input_signature=frozen.input_signature, opset=_OPSET)
    if quantize is not None:
        proto = _quantize_onnx(source, proto, quantize)
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    named = {
        "Image.BitmapPixelFormat": "Rgb8" if source.note.input.colour == "colour" else "Gray8",
        "Image.ColorSpaceGamma": "SRGB",
        "Image.NominalPixelRange": "NominalRange_0_255",
        NOTE_KEY: source.note.model_dump_json(),
    }
    if source.class_names:
        named["class_names"] = json.dumps(source.class_names)
    onnx.helper.set_model_props(proto, named)
    proto.producer_name = "dlpractice"
    onnx.checker.check_model(proto)
    onnx.save(proto, str(path))


def _quantize_onnx(source: Source, proto: Any, quantize: str) -> Any:
    import onnx
    from onnxruntime import quantization

    if quantize == "float16":
        from onnxruntime.transformers.float16 import convert_float_to_float16
        from onnxruntime.transformers.onnx_model import OnnxModel

        halved = OnnxModel(convert_float_to_float16(proto, keep_io_types=True))
        halved.topological_sort()  # what casts the input was put last
        return halved.model
    with scratch_folder() as folder:
        plain, small = folder / "plain.onnx", folder / "small.onnx"
        onnx.save(proto, str(plain))
        if quantize == "dynamic":
            quantization.quantize_dynamic(plain, small, weight_type=quantization.QuantType.QUInt8)
        else:
            reader = _Reader(source.sample_batches())
            quantization.quantize_static(plain, small, reader, per_channel=True)
        return onnx.load(str(small))


class _Reader:
    """Samples as ONNX Runtime's quantisation asks for them."""

    def __init__(self, batches: Iterator[NDArray[np.float32]]) -> None:
        self._batches = batches

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next sample, None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


def write_litert(source: Source, path: Path, quantize: str | None) -> None:
    """LiteRT's file with its metadata, and the note and the names of the classes packed behind it."""
    with computing_in(source.model, "float32"), scratch_folder() as folder:
        module = tf.Module()
        module.infer = source.freeze()
        tf.saved_model.save(module, str(folder), signatures=module.infer)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        if quantize is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if quantize == "int8":
            converter.representative_dataset = lambda: ([batch] for batch in source.sample_batches())
        converted = converter.convert()
    path.write_bytes(add_metadata(converted, source.note.input, source.note.output, source.files))


def write_saved_model(source: Source, path: Path, quantize: str | None) -> None:
    """A SavedModel with the signature `serving_default`; the note and the classes' names are its assets."""
    with computing_in(source.model, "float32"), scratch_folder() as folder:
        module, assets = tf.Module(), []
        for name, text in source.files.items():
            (folder / name).write_text(text, errors="surrogateescape")
            assets.append(tf.saved_model.Asset(str(folder / name)))
        module.model, module.assets = source.model, assets
        with translating(path, OF_DISKS):
            tf.saved_model.save(module, str(path), signatures=source.sign())


@dataclass(frozen=True)
class Format:
    """A row of FORMATS. ending: of its file; "" for a folder. quantizations: what `--quantize` may be."""

    title: str
    ending: str
    quantizations: tuple[str, ...]
    write: Callable[[Source, Path, str | None], None]


FORMATS = {
    "onnx": Format("ONNX", ".onnx", ("dynamic", "float16", "int8"), write_onnx),
    "litert": Format("LiteRT", ".tflite", ("dynamic", "float16", "int8"), write_litert),
    "savedmodel": Format("SavedModel", "", (), write_saved_model),
    "keras": Format("Keras", ".keras", (), write_keras),
}
