"""Exported files do what the run does, for those who have neither this package nor TensorFlow."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from dlpractice.errors import ModelError, RunError
from dlpractice.models.model_file import write_model
from dlpractice.models.precision import set_precision
from dlpractice.recipes.export import export
from dlpractice.recipes.export.proof import find_failing
from dlpractice.recipes.export.writers import FORMATS, Source
from dlpractice.recipes.inference.trained_classifier import load_classifier
from dlpractice.recipes.run.model_note import ClassifierNote
from dlpractice.recipes.run.saved_model import load_note, load_saved
from dlpractice.runs.directory import RunDirectory

NAMES = {"onnx": "net.onnx", "litert": "net.tflite", "savedmodel": "net", "keras": "net.keras"}
Exported = dict[str, tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="module")
def exported(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The finished run in each format, and what was found."""
    folder, run = tmp_path_factory.mktemp("exported"), RunDirectory.read(finished_run)
    return {
        kind: (folder / name, export.run(run, kind, output=folder / name)) for kind, name in NAMES.items()
    }


@pytest.mark.parametrize("kind", NAMES)
def test_a_file_gives_what_its_run_gives(kind: str, exported: Exported, finished_run: Path) -> None:
    path, document = exported[kind]
    ours, theirs = load_classifier(finished_run), load_classifier(path)
    assert (theirs.class_names, theirs.calibration) == (ours.class_names, ours.calibration)
    assert theirs.look == ours.look
    for count in (1, 5):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 32, 32, 3), np.uint8)
        np.testing.assert_allclose(theirs.probabilities(pixels), ours.probabilities(pixels), atol=1e-5)
    assert document["images"] == 16
    assert document["largest_difference"] < 1e-5
    right = RunDirectory.read(finished_run).summary()["results"]["val_accuracy"]["value"]
    assert document["accuracy_before"]["value"] == document["accuracy_after"]["value"] == right
    assert document["equal_answers"]["value"] == 1
    assert document["milliseconds_after"] > 0
    assert document["bytes_after"] == sum(f.stat().st_size for f in [path, *path.rglob("*")] if f.is_file())


def read_code(path: Path) -> str:
    found = re.search(r"```python\n(.*?)```", path.with_name(f"{path.name}.md").read_text(), re.S)
    assert found
    return found[1]


def test_the_readme_works_without_this_package(
    exported: Exported, finished_run: Path, tiny_data: Path, tmp_path: Path
) -> None:
    with Image.open(tiny_data / "warm" / "00.png") as image:
        image.save(tmp_path / "photo.jpg", quality=100, subsampling=0)
    for kind in ("onnx", "litert"):
        (tmp_path / exported[kind][0].name).symlink_to(exported[kind][0])
    blocked = "import sys\nsys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'dlpractice')))\n"
    code = "\n".join([blocked, read_code(exported["onnx"][0]), read_code(exported["litert"][0])])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    classifier = load_classifier(finished_run)
    ((_, probabilities),) = classifier.classify([str(tmp_path / "photo.jpg")])
    assert probabilities is not None
    for line in done.stdout.splitlines():
        name, share = line.split()
        assert name == classifier.class_names[probabilities.argmax()]
        assert float(share) == pytest.approx(probabilities.max(), abs=1e-3)
    assert len(done.stdout.splitlines()) == 2


def test_what_stands_in_an_onnx_file(exported: Exported) -> None:
    import onnx

    proto = onnx.load(str(exported["onnx"][0]))
    described = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*proto.graph.input, *proto.graph.output)
    }
    assert described == {"images": ["N", 32, 32, 3], "probabilities": ["N", 2]}
    metadata = {prop.key: prop.value for prop in proto.metadata_props}
    assert metadata["Image.BitmapPixelFormat"] == "Rgb8"
    assert metadata["Image.NominalPixelRange"] == "NominalRange_0_255"
    assert json.loads(metadata["class_names"]) == ["cold", "warm"]


@pytest.mark.parametrize(
    ("kind", "quantize"),
    [("onnx", "float16"), ("onnx", "int8"), ("litert", "dynamic"), ("litert", "int8")],
)
def test_a_quantised_file(kind: str, quantize: str, finished_run: Path, tmp_path: Path) -> None:
    path = tmp_path / NAMES[kind]
    document = export.run(RunDirectory.read(finished_run), kind, quantize, path, most_lost=1.0)
    assert load_classifier(path).class_names == ("cold", "warm")
    assert 0 < document["largest_difference"] < 0.5
    assert document["equal_answers"]["value"] >= 0.7


def test_what_is_not_good_enough_is_not_kept(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "compare", _distort(export.compare))
    for kind, name in (("litert", "a.tflite"), ("savedmodel", "a")):
        with pytest.raises(export.ExportRefused, match="differs by"):
            export.run(RunDirectory.read(finished_run), kind, output=tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def _distort(compare: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda before, after, asked: compare(before, lambda pixels: after(pixels // 2), asked)


def test_what_is_good_enough() -> None:
    found: dict[str, Any] = {
        "largest_difference": 1e-6,
        "equal_answers": {"value": 1.0},
        "accuracy_difference": {"value": -0.02},
    }
    assert find_failing(found, False, 0.01) == ""
    assert "2.0 points" in find_failing(found, True, 0.01)
    assert find_failing(found, True, 0.02) == ""
    assert "differs" in find_failing(found | {"largest_difference": float("nan")}, False, 0.01)
    assert "same" in find_failing(found | {"equal_answers": {"value": 0.9}}, False, 0.01)


def test_what_cannot_be_exported(finished_run: Path, finished_oneshot_run: Path, tmp_path: Path) -> None:
    run = RunDirectory.read(finished_run)
    (tmp_path / "there.onnx").write_text("mine")
    for kind, quantize, name, message in (
        ("keras", "int8", "a.keras", "not written as int8"),
        ("onnx", None, "a.tflite", "does not end in"),
        ("onnx", None, "there.onnx", "is there already"),
    ):
        with pytest.raises(RunError, match=message):
            export.run(run, kind, quantize, tmp_path / name)
    with pytest.raises(ModelError):
        export.run(RunDirectory.read(finished_oneshot_run), "onnx", output=tmp_path / "b.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["there.onnx"]
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"\x08\x07\x12")
    with pytest.raises(ModelError, match=r"damaged\.onnx"):
        load_classifier(damaged)
    with pytest.raises(ModelError, match="no provider"):
        load_classifier(damaged, ["NoSuchProvider"])


def test_a_net_that_computes_in_half_precision_is_exported_whole(finished_run: Path, tmp_path: Path) -> None:
    half = shutil.copytree(finished_run, tmp_path / "half")
    saved = load_saved(RunDirectory.read(half))
    note = load_note(half / "model.keras", ClassifierNote, "dlp finetune")
    assert note is not None
    set_precision(saved.model, "bfloat16")
    write_model(saved.model, note.model_dump(mode="json"), half / "model.keras")
    environment = json.loads((half / "environment.json").read_text())
    (half / "environment.json").write_text(json.dumps(environment | {"precision": "bfloat16"}))
    document = export.run(RunDirectory.read(half), "keras", output=tmp_path / "net.keras")
    assert document["largest_difference"] < 1e-6
    assert {layer.compute_dtype for layer in load_saved(RunDirectory.read(half)).model.layers} > {"float32"}
    assert {layer.compute_dtype for layer in keras.models.load_model(tmp_path / "net.keras").layers} == {
        "float32"
    }


@pytest.mark.parametrize("kind", ["onnx", "litert"])
def test_numbers_outside_of_the_graph_are_no_inputs(kind: str, finished_run: Path, tmp_path: Path) -> None:
    """Keras's Normalization, which stands in front of VGG16, keeps its mean and variance so."""
    saved = load_saved(RunDirectory.read(finished_run))
    note = load_note(finished_run / "model.keras", ClassifierNote, "dlp finetune")
    assert note is not None
    images = keras.Input((32, 32, 3), name="images")
    scaled = keras.layers.Normalization(mean=[104.0, 117.0, 124.0], variance=[4.0, 9.0, 16.0])(images)
    pooled = keras.layers.GlobalAveragePooling2D()(scaled)
    model = keras.Model(images, keras.layers.Dense(2, activation="softmax")(pooled))
    path = tmp_path / NAMES[kind]
    source = Source(replace(saved, model=model), note, finished_run / "model.keras", np.zeros(0, np.uint8))
    FORMATS[kind].write(source, path, None)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    expected = np.asarray(model(pixels.astype(np.float32), training=False))
    np.testing.assert_allclose(load_classifier(path).infer(pixels), expected, atol=1e-5)
