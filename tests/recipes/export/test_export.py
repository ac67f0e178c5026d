"""Exported files do what the run does, for those who have neither this package nor TensorFlow."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from dlpractice.errors import ModelError, RunError, WriteError
from dlpractice.recipes.export import classifier_subject, export
from dlpractice.recipes.export.proof import find_failing
from dlpractice.recipes.inference.finished_net import load_net
from dlpractice.recipes.inference.trained_classifier import TrainedClassifier, load_classifier
from dlpractice.recipes.predict import identification
from dlpractice.runs.directory import RunDirectory

KINDS = ("onnx", "litert", "savedmodel", "keras")
Exported = dict[str, tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="module")
def trained(finished_run: Path) -> TrainedClassifier:
    return load_classifier(finished_run)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_gives_what_its_run_gives(
    kind: str, exported: Exported, trained: TrainedClassifier, finished_run: Path
) -> None:
    path, document = exported[kind]
    theirs = load_classifier(path)
    assert (theirs.class_names, theirs.calibration) == (trained.class_names, trained.calibration)
    assert theirs.look == trained.look
    for count in (1, 5):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 32, 32, 3), np.uint8)
        np.testing.assert_allclose(theirs.probabilities(pixels), trained.probabilities(pixels), atol=1e-5)
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


def test_the_readmes_work_without_this_package(
    exported: Exported,
    exported_encoder: Callable[..., Any],
    trained: TrainedClassifier,
    tiny_data: Path,
    tiny_alphabets: Path,
    tmp_path: Path,
) -> None:
    with Image.open(tiny_data / "warm" / "00.png") as image:
        image.convert("RGBA").save(tmp_path / "photo.png")
    drawing = sorted(sorted(tiny_alphabets.glob("*/*"))[2].iterdir())[1]
    (tmp_path / "query.png").write_bytes(drawing.read_bytes())
    script = ["import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'dlpractice')))"]
    for kind in ("onnx", "litert"):
        for path in (exported[kind][0], exported_encoder(kind)[0]):
            moved = read_code(path).replace(f'"{path.name}', f'"{path}').replace("photo.jpg", "photo.png")
            script.append(moved)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ((_, probabilities),) = trained.classify([str(tmp_path / "photo.png")])
    assert probabilities is not None
    path = exported_encoder("onnx")[0]
    net: Any = load_net(path)
    (row,) = identification.identify(net, [str(tmp_path / "query.png")], index=Path(f"{path}.npz"))
    answers = [line.split() for line in done.stdout.splitlines()]
    expected = [
        (trained.class_names[probabilities.argmax()], probabilities.max()),
        (row["predicted"], row["confidence"]),
    ] * 2
    assert [name for name, _ in answers] == [name for name, _ in expected]
    np.testing.assert_allclose([float(share) for _, share in answers], [p for _, p in expected], atol=1e-4)


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


def test_what_is_not_good_enough_is_not_kept(
    copying: None, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier_subject, "compare", _distort(classifier_subject.compare))
    with pytest.raises(export.ExportRefused, match="differs by"):
        export.run(RunDirectory.read(finished_run), "litert", output=tmp_path / "a.tflite")
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


def test_what_is_refused_before_anything_is_read(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "prepare_classifier", None)  # whoever asks for it fails
    run = RunDirectory.read(finished_run)
    for name in ("there.onnx", "b.onnx.md", "c.onnx.npz"):
        (tmp_path / name).write_text("mine")
    for kind, quantize, name, message in (
        ("keras", "int8", "a.keras", "not written as int8"),
        ("onnx", None, "a.tflite", "does not end in"),
        ("onnx", None, "there.onnx", "is there already"),
        ("onnx", None, "b.onnx", r"b\.onnx\.md is there already"),
        ("onnx", None, "c.onnx", r"c\.onnx\.npz is there already"),
        ("onnx", None, "none/a.onnx", "there is no folder .*none to write"),
        ("savedmodel", None, "none/a", "there is no folder .*none to write"),
        ("savedmodel", None, "there.onnx/a", "there is no folder .*there.onnx to write"),
    ):
        with pytest.raises(RunError, match=message):
            export.run(run, kind, quantize, tmp_path / name)
    with pytest.raises(RunError, match="takes no examples"):
        export.run(run, "onnx", output=tmp_path / "a.onnx", support=tmp_path)

    def refuse(**_: Any) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(WriteError, match=rf"cannot write {tmp_path}/a\.onnx: Permission denied"):
        export.run(run, "onnx", output=tmp_path / "a.onnx")
    assert len(list(tmp_path.iterdir())) == 3


def test_damaged_files_and_unknown_providers_are_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"\x08\x07\x12")
    with pytest.raises(ModelError, match=r"damaged\.onnx"):
        load_classifier(damaged)
    with pytest.raises(ModelError, match="no provider"):
        load_classifier(damaged, ["NoSuchProvider"])


@pytest.mark.parametrize("kind", ["onnx", "savedmodel"])
def test_a_full_disk_is_one_error_and_leaves_nothing(kind: str, finished_run: Path, small_disk: Path) -> None:
    path = small_disk / ("net" if kind == "savedmodel" else f"net{export.FORMATS[kind].ending}")
    with pytest.raises(WriteError, match=rf"cannot write {path}.*: No space left"):
        export.run(RunDirectory.read(finished_run), kind, output=path)
    assert [found.name for found in small_disk.rglob("*")] == ["filled"]


def test_a_disk_that_fills_up_with_the_readme_keeps_no_net(
    copying: None, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(text: str) -> Callable[[Path], object]:
        def write(path: Path) -> None:
            path.write_text(text[:10])
            raise OSError(28, "No space left on device")

        return write

    monkeypatch.setattr(classifier_subject, "write_text", fill)
    with pytest.raises(WriteError, match=r"net\.onnx\.md: No space left"):
        export.run(RunDirectory.read(finished_run), "onnx", output=tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def test_keras_files_are_those_of_plain_keras(exported: Exported) -> None:
    model = keras.models.load_model(exported["keras"][0])
    assert {type(layer).__module__.split(".")[0] for layer in model.layers} == {"keras"}
