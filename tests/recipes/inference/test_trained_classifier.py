"""A classifier gives the same answers wherever it is kept, and refuses what it is not."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from dlpractice.errors import DlpError, ModelError
from dlpractice.recipes.inference.abstention import choose_abstention
from dlpractice.recipes.inference.trained_classifier import TrainedClassifier, load_classifier


@pytest.fixture(scope="module")
def classifier(finished_run: Path) -> TrainedClassifier:
    return load_classifier(finished_run)


def test_a_file_gives_what_its_run_gives(
    classifier: TrainedClassifier, finished_run: Path, tmp_path: Path
) -> None:
    shutil.copy(finished_run / "model.keras", tmp_path / "mine.keras")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    alone = load_classifier(tmp_path / "mine.keras")
    assert alone.class_names == classifier.class_names
    assert alone.calibration == classifier.calibration
    found = classifier.probabilities(pixels)
    np.testing.assert_allclose(alone.probabilities(pixels), found, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    # Rows do not depend on how many there are.
    np.testing.assert_allclose(classifier.probabilities(pixels[:1].astype(np.float32)), found[:1], atol=1e-6)


@pytest.mark.parametrize("name", ["a.onnx", "a.tflite", "a.keras", "a", "a.h5"])
def test_what_is_no_model_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DlpError, match="a"):
        load_classifier(tmp_path / name)
    (tmp_path / name).write_bytes(b"no model")
    with pytest.raises(DlpError) as caught:
        load_classifier(tmp_path / name)
    assert name in caught.value.message


def test_a_saved_model_that_would_write_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    note = '{"class_names": ["a"], "input": {"image_size": 8, "decoded_size": 8, "colour": "colour", '
    note += '"resize": "crop", "background": "#ffffff", "decoding": ""}}'
    (tmp_path / "assets" / "dlpractice.json").write_text(note)
    (tmp_path / "saved_model.pb").write_bytes(b"\x0a\x09WriteFile")
    with pytest.raises(ModelError, match="WriteFile"):
        load_classifier(tmp_path)


def test_the_surest_share_is_answered(classifier: TrainedClassifier) -> None:
    assert choose_abstention(classifier, None, None) is None
    whole = choose_abstention(classifier, None, 1.0)
    assert whole is not None and whole.selection is not None and whole.selection.coverage == 1
    half = choose_abstention(classifier, None, 0.5)
    assert half is not None and half.selection is not None and half.threshold >= whole.threshold
    assert 0.5 <= half.selection.coverage < 1
    asked = choose_abstention(classifier, half.threshold, None)
    assert asked is not None and asked.selection == half.selection
    old = TrainedClassifier(classifier.infer, classifier.class_names, classifier.look, None)
    unknown = choose_abstention(old, 0.7, None)
    assert unknown is not None and unknown.selection is None
    with pytest.raises(ModelError, match="not known"):
        choose_abstention(old, None, 0.7)
