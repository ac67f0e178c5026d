"""A classifier written in the formats of other runtimes, each with its note inside.

All take `images`, (N, S, S, 3) float32 in 0..255, N free, and give `probabilities`, (N, K) float32.
"""

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from dlpractice.models.model_file import write_model
from dlpractice.models.precision import computing_in
from dlpractice.recipes.inference.graph_files import INPUT, LABELS_FILE, NOTE_FILE, NOTE_KEY, OUTPUT
from dlpractice.recipes.run.model_note import ClassifierNote
from dlpractice.recipes.run.saved_model import SavedModel
from dlpractice.whole_files import scratch_folder

_OPSET = 17


@dataclass(frozen=True)
class Source:
    """What is exported.

    file: the .keras file that `saved` was read from. samples: (n, S, S, 3) uint8 training images, by which
    int8 finds the range of each activation.
    """

    saved: SavedModel
    note: ClassifierNote
    file: Path
    samples: NDArray[np.uint8]

    def sign(self) -> Any:
        """The net as a function of TensorFlow with named inputs and outputs."""
        model = self.saved.model
        shape = (None, *model.input_shape[1:])
        return tf.function(
            lambda images: {OUTPUT: model(images, training=False)},
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
            lambda images: {OUTPUT: frozen(images)[0]},
            input_signature=signed.input_signature,
            autograph=False,
        )

    def sample_batches(self) -> Iterator[NDArray[np.float32]]:
        """The samples, one at a time."""
        for pixels in self.samples:
            yield pixels[np.newaxis].astype(np.float32)


def write_keras(source: Source, path: Path, quantize: str | None) -> None:
    """The run's net, which plain Keras loads; in float32 as in other formats, whatever it was trained in."""
    with computing_in(source.saved.model, "float32"):
        write_model(source.saved.model, source.note.model_dump(mode="json"), path)


def write_onnx(source: Source, path: Path, quantize: str | None) -> None:
    """ONNX, float32 but for what is quantised: weights alone (`dynamic`, `float16`), or activations too."""
    import onnx
    import tf2onnx

    with computing_in(source.saved.model, "float32"):
        frozen = source.freeze()
        proto, _ = tf2onnx.convert.from_function(frozen, input_signature=frozen.input_signature, opset=_OPSET)
    if quantize is not None:
        proto = _quantize_onnx(source, proto, quantize)
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    named = {
        "Image.BitmapPixelFormat": "Rgb8",
        "Image.ColorSpaceGamma": "SRGB",
        "Image.NominalPixelRange": "NominalRange_0_255",
        "class_names": json.dumps(source.note.class_names),
        NOTE_KEY: source.note.model_dump_json(),
    }
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
    """LiteRT's file, with the note and the names of the classes behind it, as a zip that `unzip` reads."""
    with computing_in(source.saved.model, "float32"), scratch_folder() as folder:
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
        path.write_bytes(converter.convert())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(LABELS_FILE, "\n".join(source.note.class_names) + "\n")
        archive.writestr(NOTE_FILE, source.note.model_dump_json())


def write_saved_model(source: Source, path: Path, quantize: str | None) -> None:
    """A SavedModel with the signature `serving_default`; the note and the classes' names are its assets."""
    with computing_in(source.saved.model, "float32"), scratch_folder() as folder:
        labels, note = folder / LABELS_FILE, folder / NOTE_FILE
        labels.write_text("\n".join(source.note.class_names) + "\n", errors="surrogateescape")
        note.write_text(source.note.model_dump_json())
        module = tf.Module()
        module.model, module.assets = (
            source.saved.model,
            [tf.saved_model.Asset(str(f)) for f in (labels, note)],
        )
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
