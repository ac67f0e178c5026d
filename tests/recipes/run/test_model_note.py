"""What a run leaves, in the hands of somebody who has Keras and not this package."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlpractice.models.classifier import Design, build_classifier
from dlpractice.models.model_file import write_model
from dlpractice.models.precision import set_precision
from dlpractice.recipes.oneshot.saved_siamese import load_siamese
from dlpractice.recipes.run.model_note import ClassifierNote, SiameseNote
from dlpractice.recipes.run.saved_model import load_saved
from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.strategies import plan_strategy
from dlpractice.runs.directory import RunDirectory

# The three ways of preprocessing, a net with branches, one of nested models, one with dropout in its head.
NETS = [
    ("vgg16", "linear@block1", "bfloat16"),
    ("mobilenetv2", "linear@block2", "float32"),
    ("convnexttiny", "linear@block1", "float32"),
]

DEEP = {f"{name}-{strategy}" for name, strategy, _ in NETS[1:]}

# Python finds the package wherever it is installed; here it must not.
PLAIN = """
import json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "dlpractice":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
try:
    import dlpractice
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("the package is here")

import keras
import numpy as np

found = {"backend": keras.backend.backend()}
for path in sys.argv[1:]:
    model = keras.models.load_model(path)
    with np.load(path.replace(".keras", ".npz")) as file:
        inputs = [file[name] for name in sorted(file.files)]
    # Whole numbers, called; and floats, as `predict` takes them.
    given = inputs if len(inputs) > 1 else inputs[0]
    found[path] = [keras.ops.convert_to_numpy(model(given)).tolist()]
    if len(inputs) > 1:
        floats = [array.astype("float32") for array in inputs]
        found[path].append(model.predict(floats, verbose=0).tolist())
print(json.dumps(found))
"""


def wake(net: keras.Model, images: Any) -> None:
    """Takes batch normalisation's statistics from `images`: without, random weights let activations fade."""
    for layer in net.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    net(images.astype(np.float32), training=True)


@pytest.fixture(scope="module")
def saved(
    tmp_path_factory: pytest.TempPathFactory, finished_run: Path, finished_oneshot_run: Path
) -> dict[str, Any]:
    """Paths of model files, each beside its inputs, and the probabilities that the program has for them."""
    folder, rng, wanted = tmp_path_factory.mktemp("plain"), np.random.default_rng(0), {}

    def keep(path: Path, probabilities: Any, *inputs: Any) -> None:
        wanted[str(path)] = np.asarray(probabilities).tolist()
        np.savez(path.with_suffix(".npz"), *inputs)

    images = rng.integers(0, 256, (4, 32, 32, 3), np.uint8)
    for name, strategy, precision in NETS:
        keras.utils.set_random_seed(1)
        row = BACKBONES[name]
        plan = plan_strategy(strategy, len(row.blocks), pretrained=False)
        net = build_classifier(row, plan, 3, 32, Design(None, hidden=(4,), dropout=0.5, width=0.25))
        wake(net.model, images)
        if plan.block is not None:
            net.standardise_features([np.asarray(net.front([f"pooled{plan.block}"])(images * 1.0))])
        set_precision(net.model, precision)
        path = folder / f"{name}-{strategy}.keras"
        write_model(net.model, {}, path)
        keep(path, net.model(images * 1.0, training=False), images)
    for run in (finished_run, finished_oneshot_run):
        (folder / f"{run.name}.keras").write_bytes((run / "model.keras").read_bytes())
    keep(
        folder / f"{finished_run.name}.keras",
        load_saved(RunDirectory.read(finished_run)).forward()(images),
        images,
    )
    siamese = load_siamese(RunDirectory.read(finished_oneshot_run)).siamese
    pair = rng.integers(0, 256, (2, 4, *siamese.encoder.input_shape[1:]), np.uint8)
    keep(
        folder / f"{finished_oneshot_run.name}.keras",
        siamese.model(list(pair.astype(np.float32)), training=False),
        *pair,
    )
    return wanted


BACKENDS = [name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_plain_keras_gives_the_same_probabilities(saved: dict[str, Any], backend: str) -> None:
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": backend}
    quiet["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # XLA compiles in a third less time so
    # JAX compiles each layer: there it is one net with a frozen part, and the two runs.
    paths = [path for path in saved if backend == "tensorflow" or Path(path).stem not in DEEP]
    done = subprocess.run(
        [sys.executable, "-I", "-c", PLAIN, *paths], env=quiet, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("backend") == backend
    assert list(found) == paths
    for path, answers in found.items():
        # Half precision is rounded by each backend in its own places.
        halved = next((precision for *net, precision in NETS if Path(path).stem == "-".join(net)), "float32")
        atol = {"float32": 1e-5, "float16": 0.01, "bfloat16": 0.05}[halved]
        for answer in answers:
            np.testing.assert_allclose(answer, saved[path], atol=atol, err_msg=path)


def test_nothing_in_the_files_is_of_this_package(saved: dict[str, Any]) -> None:
    def modules(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["module"]} if isinstance(value.get("module"), str) else set()
            return own.union(*map(modules, value.values()))
        return set().union(*map(modules, value)) if isinstance(value, list) else set()

    for path in saved:
        with zipfile.ZipFile(path) as file:
            config = json.loads(file.read("config.json"))
        assert {name.partition(".")[0] for name in modules(config)} <= {"keras", "builtins"}, path


def test_a_file_says_what_to_do_before_and_after(finished_run: Path, finished_oneshot_run: Path) -> None:
    notes = []
    for run in (finished_run, finished_oneshot_run):
        with zipfile.ZipFile(run / "model.keras") as file:
            notes.append(json.loads(file.read("metadata.json"))["dlpractice"])
    classifier = ClassifierNote.model_validate(notes[0])
    assert classifier.class_names == ("cold", "warm")
    seen = {"kind": "images", "image_size": 32, "decoded_size": 32, "colour": "colour"}
    assert notes[0]["input"].items() >= {**seen, "resize": "stretch", "background": "#ffffff"}.items()
    assert "antialiasing" in classifier.input.decoding
    siamese = SiameseNote.model_validate(notes[1])
    assert (siamese.input.image_size, siamese.input.colour) == (16, "grey")
    assert siamese.similarity == "Cosine" and siamese.settings == {"scale": 10.0}
    assert (
        siamese.verdict.threshold
        == json.loads((finished_oneshot_run / "summary.json").read_text())["threshold"]["value"]
    )
    for run, note in zip((finished_run, finished_oneshot_run), notes, strict=True):
        assert json.loads((run / "summary.json").read_text())["input"] == note["input"]


def test_the_lines_of_the_docs_do_it(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "predict.md").read_text(encoding="utf-8")
    loading, reading = (
        block.split("```")[0].replace("RUN", str(finished_run)) for block in page.split("```python")[1:]
    )
    names = {"pixels": np.zeros((2, 32, 32, 3), np.uint8)}
    exec(loading, names)
    assert names["probabilities"].shape == (2, 2)
    capsys.readouterr()
    exec(reading, names)
    assert capsys.readouterr().out.startswith("['cold', 'warm'] {'kind': 'images', 'image_size': 32,")


FORMER = Path(__file__).with_name("former_models")


def make_former_run(finished: Path, name: str, folder: Path) -> RunDirectory:
    """A run directory whose net was saved with the layers of 0.1: see the layers in `former_layers`."""
    folder.mkdir()
    (folder / "config.yaml").write_bytes((finished / "config.yaml").read_bytes())
    (folder / "environment.json").write_bytes((finished / "environment.json").read_bytes())
    (folder / "model.keras").write_bytes((FORMER / f"{name}.keras").read_bytes())
    return RunDirectory.read(folder)


def test_models_of_earlier_versions_are_read(
    finished_run: Path, finished_oneshot_run: Path, tmp_path: Path
) -> None:
    wanted = json.loads((FORMER / "probabilities.json").read_text())
    rng = np.random.default_rng(0)
    saved = load_saved(make_former_run(finished_run, "classifier", tmp_path / "classifier"))
    assert saved.class_names == ("cat", "dog")
    assert (saved.look.image_size, saved.look.resize, saved.look.background) == (8, "crop", "#808080")
    pixels = rng.integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    np.testing.assert_allclose(saved.forward()(pixels), wanted["classifier"], atol=1e-6)
    siamese = load_siamese(make_former_run(finished_oneshot_run, "siamese", tmp_path / "siamese"))
    assert (
        siamese.threshold == 1.5 and siamese.note.look.resize == "pad" and siamese.note.look.image_size == 16
    )
    pair = list(rng.integers(0, 256, (2, 2, 8, 8, 1)).astype(np.float32))
    np.testing.assert_allclose(siamese.siamese.model(pair), wanted["siamese"], atol=1e-6)
