"""`import dlpractice as dlp`: the same answers as the commands give, from Python."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dlpractice as dlp
from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.errors import ConfigError, DataError, DlpError, RunError
from dlpractice.python import replies
from dlpractice.recipes.inference.trained_classifier import load_classifier
from dlpractice.recipes.predict import classification
from dlpractice.recipes.run.saved_model import load_saved


def sections(config: Finetune | Oneshot) -> dict[str, Any]:
    """The settings of a config as a caller gives them, without its source."""
    tree = config.model_dump(mode="json", exclude_unset=True)
    del tree["command"], tree["data"]["source"]
    return tree


@pytest.fixture(scope="module")
def classifier(finished_run: Path) -> Any:
    return dlp.load(finished_run)


@pytest.fixture
def photos(tiny_data: Path) -> list[str]:
    return [str(tiny_data / name / "03.png") for name in ("warm", "cold")]


def test_importing_costs_no_tensorflow() -> None:
    code = (
        "import sys, dlpractice as dlp\n"
        "dlp.finetune, dlp.oneshot, dlp.load, dlp.diagnose\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert {'finetune', 'load', 'Diagnose'} <= set(dir(dlp))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_stub_names_what_is_there() -> None:
    stub = Path(dlp.__file__).with_suffix(".pyi").read_text()
    named = {line.rpartition(" as ")[2] for line in stub.splitlines() if " as " in line}
    assert named == set(dlp._PLACES)
    assert all(callable(getattr(dlp, name)) for name in named)


def test_a_training_is_that_of_the_command(
    tiny_config: Finetune,
    tiny_data: Path,
    finished_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = dlp.finetune(tiny_data, run_dir=tmp_path / "r", progress=False, **sections(tiny_config))
    assert found.path == tmp_path / "r"
    assert capsys.readouterr().err == ""
    for name in ("predictions.csv", "splits.csv", "config.yaml"):
        assert (found.path / name).read_bytes() == (finished_run / name).read_bytes()
    assert found.results["test_accuracy"] == dlp.load(finished_run).results["test_accuracy"]
    assert [row["epoch"] for row in found.metrics] == [1, 2, 3]
    with pytest.raises(RunError, match="already holds"):
        dlp.finetune(tiny_data, run_dir=tmp_path / "r", **sections(tiny_config))


def test_settings_are_checked_as_a_config_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"training\.epochs"):
        dlp.finetune("photos", training={"epoch": 3})
    with pytest.raises(ConfigError, match="needs data"):
        dlp.oneshot(seed=1)
    with pytest.raises(ConfigError, match="cannot be"):
        dlp.finetune("photos", seed=object())
    with pytest.raises(ConfigError, match="run_dir"):
        dlp.finetune("photos", resume=True)
    with pytest.raises(DataError, match="no folder or file photos"):
        dlp.finetune("photos", run_dir=tmp_path / "r", strategy="scratch", progress=False)


def test_predictions_are_those_of_the_command(
    classifier: Any, finished_run: Path, photos: list[str], tmp_path: Path
) -> None:
    found = classifier.predict([*photos, str(tmp_path / "none.png")], top=1)
    wanted = list(classification.run(load_classifier(finished_run), photos, 1))
    assert list(found)[:2] == wanted
    assert "error" in found[2] and found.labels == [row["predicted"] for row in wanted] + [None]
    assert classifier.predict(photos, min_confidence=1.0).labels == ["unsure", "unsure"]
    probabilities = classifier.predict_probabilities(photos)
    assert classifier.class_names == ("cold", "warm")
    np.testing.assert_allclose(probabilities.max(axis=1), [row["confidence"] for row in found[:2]], atol=1e-6)
    with pytest.raises(DataError, match=r"none\.png"):
        classifier.predict_probabilities([str(tmp_path / "none.png")])


def test_arrays_are_what_files_are(classifier: Any, photos: list[str]) -> None:
    arrays = [np.asarray(Image.open(path)) for path in photos]
    wanted = classifier.predict_probabilities(photos)
    np.testing.assert_array_equal(classifier.predict_probabilities(arrays), wanted)
    np.testing.assert_array_equal(classifier.predict_probabilities(np.stack(arrays)), wanted)
    np.testing.assert_array_equal(classifier.predict_probabilities(arrays[0]), wanted[:1])
    assert [row["path"] for row in classifier.predict(arrays)] == ["0", "1"]
    grey = arrays[0][:, :, 0]
    np.testing.assert_array_equal(
        classifier.predict_probabilities(grey), classifier.predict_probabilities(np.stack([grey] * 3, axis=2))
    )
    greys = np.stack([grey] * 2)
    assert classifier.predict_probabilities(greys).shape == (2, 2)
    for bad in (arrays[0] / 255, np.zeros((4, 4, 4), np.uint8), arrays[0].astype(int) * 2, ["x"]):
        with pytest.raises(DataError):
            classifier.predict_probabilities([bad])
    with pytest.raises(DataError, match="mixed"):
        classifier.predict([photos[0], arrays[0]])


def test_features_are_what_the_last_layer_sees(classifier: Any, photos: list[str]) -> None:
    features = classifier.embed(photos)
    assert features.shape[0] == 2 and features.dtype == np.float32
    kernel, bias = load_saved(classifier.run).model.get_layer("logits").get_weights()
    own = features @ kernel + bias
    own = np.exp(own - own.max(axis=1, keepdims=True))
    temperature = classifier._loaded.calibration.temperature
    wanted = classifier.predict_probabilities(photos)
    softened = (own / own.sum(axis=1, keepdims=True)) ** (1 / temperature)
    np.testing.assert_allclose(softened / softened.sum(axis=1, keepdims=True), wanted, atol=1e-5)


def test_an_evaluation_and_its_table(classifier: Any, tiny_data: Path) -> None:
    found = classifier.evaluate(tiny_data, progress=False)
    assert found.accuracy["n"] == 80
    confusion = np.array(found.document["confusion"])
    assert found.accuracy["value"] == pytest.approx(confusion.trace() / 80)


def test_a_net_that_compares(finished_oneshot_run: Path, tiny_alphabets: Path) -> None:
    comparer = dlp.load(finished_oneshot_run)
    alphabet = next(path for path in sorted(tiny_alphabets.iterdir()))
    files = sorted(str(path) for path in alphabet.rglob("*.png"))
    found = comparer.predict(files[:2], support=alphabet)
    assert len(found) == 2 and set(found[0]) >= {"predicted", "confidence", "known"}
    embeddings = comparer.embed(files[:3])
    assert embeddings.shape[0] == 3
    np.testing.assert_array_equal(comparer.embed(files[1]), embeddings[1:2])
    assert comparer.compare(files[0], files[0])["same"] is True
    assert comparer.results


def test_a_history_is_diagnosed(finished_run: Path) -> None:
    rising = {"loss": [1.0, 0.5, 0.2, 0.1, 0.05] * 4, "val_loss": [1.0, 0.8, 0.9, 1.3, 1.9] * 4}
    found = dlp.diagnose(rising)
    assert found.verdict and found.document["kind"] == "Keras history"

    history = SimpleNamespace(history={name: np.array(values) for name, values in rising.items()})
    assert dlp.diagnose(history).verdict == found.verdict
    assert dlp.diagnose(finished_run).document["run"] == str(finished_run)
    with pytest.raises(RunError):
        dlp.diagnose({"epochs": [1, 2]})


def test_tables_name_the_package_that_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)  # type: ignore[arg-type]
    with pytest.raises(DlpError, match="pandas"):
        replies.Rows(({"a": 1},)).to_pandas()


def test_tables() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    rows = replies.Predictions(({"path": "a", "predicted": "cat"}, {"path": "b", "error": "no image"}))
    assert json.loads(rows.to_pandas().to_json(orient="records")) == [
        {"path": "a", "predicted": "cat", "error": None},
        {"path": "b", "predicted": None, "error": "no image"},
    ]
    both = replies.Evaluation(
        {}, {"per_class": {"cat": {"f1": {"value": 1.0}}, "dog": {"f1": {"value": 0.5}}}}
    )
    assert both.to_pandas().to_dict("list") == {"name": ["cat", "dog"], "f1.value": [1.0, 0.5]}


def test_the_notebook_runs(
    tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its cells in order, as Jupyter would run them; the training is made shorter."""
    pytest.importorskip("pandas", reason="pandas is not installed")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((Path(__file__).parents[2] / "docs" / "python.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    for cell in cells:
        shorter = cell.replace('"epochs": 8', '"epochs": 1').replace('"fraction": 0.2', '"fraction": 0.05')
        exec(shorter, names)
    assert "training scratch: epoch 1/1" in capsys.readouterr().err
    assert names["digits"].path.is_relative_to(Path("runs/finetune"))
