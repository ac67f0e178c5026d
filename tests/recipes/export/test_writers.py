"""Nets written in each format, held against Keras's own answers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlpractice.data.files.decoding import Look
from dlpractice.models.encoders import build_encoder, shrink_first
from dlpractice.models.precision import set_precision
from dlpractice.recipes.export.usage_note import describe_classifier
from dlpractice.recipes.export.writers import FORMATS, Source
from dlpractice.recipes.inference.finished_net import load_net
from dlpractice.recipes.inference.graph_files import LABELS_FILE
from dlpractice.recipes.inference.trained_classifier import load_classifier
from dlpractice.recipes.run.model_note import ClassifierNote, Comparison, Curve, EncoderNote, describe_input

NAMES = {"onnx": "net.onnx", "litert": "net.tflite", "savedmodel": "net", "keras": "net.keras"}


def ask(source: Source) -> tuple[np.ndarray, np.ndarray]:
    side, channels = source.model.input_shape[2:]
    pixels = np.random.default_rng(1).integers(0, 256, (5, side, side, channels), np.uint8)
    return pixels, np.asarray(source.model(pixels.astype(np.float32), training=False))


@pytest.mark.parametrize("kind", NAMES)
def test_every_layer_is_written_in_every_format(kind: str, tiny_source: Source, tmp_path: Path) -> None:
    FORMATS[kind].write(tiny_source, tmp_path / NAMES[kind], None)
    pixels, expected = ask(tiny_source)
    classifier = load_classifier(tmp_path / NAMES[kind])
    for count in (1, 5):
        np.testing.assert_allclose(classifier.infer(pixels[:count]), expected[:count], atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "quantize"),
    [("onnx", "float16"), ("onnx", "dynamic"), ("onnx", "int8"), ("litert", "float16"), ("litert", "int8")],
)
def test_a_quantised_file(kind: str, quantize: str, tiny_source: Source, tmp_path: Path) -> None:
    FORMATS[kind].write(tiny_source, tmp_path / NAMES[kind], quantize)
    pixels, expected = ask(tiny_source)
    found = load_classifier(tmp_path / NAMES[kind]).infer(pixels)
    assert 0 < np.abs(found - expected).max() < 0.1


@pytest.mark.parametrize("kind", ["onnx", "litert", "savedmodel"])
def test_encoders_shrink_what_files_are_decoded_to(kind: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    encoder = build_encoder("conv4", image_size=16, channels=1, width=0.1)
    shrink = np.kron(np.eye(16, dtype=np.float32), np.full((1, 2), 0.5, np.float32))  # means of two
    note = EncoderNote(
        input=describe_input(Look(32), 32, "grey"),
        comparison=Comparison(
            similarity="Cosine",
            settings={},
            verdict=Curve(slope=1, intercept=0, threshold=0, false_accept_rate=0.1),
        ),
        model="sha",
    )
    source = Source(shrink_first(encoder, shrink), note, (), np.zeros(0, np.uint8))
    FORMATS[kind].write(source, tmp_path / NAMES[kind], None)
    net: Any = load_net(tmp_path / NAMES[kind])
    pixels, expected = ask(source)
    np.testing.assert_allclose(net.embed_pixels(pixels), expected, rtol=1e-3, atol=1e-5)
    small = pixels.reshape(5, 16, 2, 16, 2, 1).mean(axis=(2, 4))
    np.testing.assert_allclose(expected, np.asarray(encoder(small)), rtol=1e-3, atol=1e-5)


def test_a_net_that_computes_in_half_precision_is_exported_whole(tiny_source: Source, tmp_path: Path) -> None:
    half = replace(tiny_source, model=keras.models.clone_model(tiny_source.model))
    half.model.set_weights(tiny_source.model.get_weights())
    set_precision(half.model, "bfloat16")
    FORMATS["keras"].write(half, tmp_path / "net.keras", None)
    model = keras.models.load_model(tmp_path / "net.keras")
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    pixels, expected = ask(tiny_source)
    np.testing.assert_allclose(np.asarray(model(pixels.astype(np.float32))), expected, atol=1e-6)


def test_each_class_is_a_line_of_labels_whatever_its_name(tiny_source: Source) -> None:
    named = replace(tiny_source, class_names=("a\nb", "c d", "\x1b[0m"))
    assert named.files[LABELS_FILE].splitlines() == ["a\\nb", "c d", "\\x1b[0m"]
    note = ClassifierNote(input=tiny_source.note.input, class_names=named.class_names)
    readme = describe_classifier("onnx", "net.onnx", note)
    assert "a\\nb, c d, \\x1b[0m" in readme and "\x1b" not in readme
