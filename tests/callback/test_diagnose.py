"""`Diagnose` inside `model.fit`: what it records, what it says, and that the training stays the same."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

import dlpractice
from dlpractice.callback.diagnose import Diagnose
from dlpractice.diagnosis.logs.reading import read_log
from dlpractice.diagnosis.verdict import Diagnosis, diagnose
from dlpractice.errors import RunError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(128, 8)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(np.int32)

Layers = Sequence[keras.layers.Layer]


def make(
    *layers: keras.layers.Layer,
    loss: Any = "sparse_categorical_crossentropy",
    rate: float = 0.003,
    **options: Any,
) -> keras.Model:
    """A net of two hidden layers, or of `layers`; its weights are the same each time."""
    keras.utils.set_random_seed(3)
    dense = keras.layers.Dense
    model = keras.Sequential(layers or [dense(16, "relu"), dense(16, "relu"), dense(2, "softmax")])
    model.compile(keras.optimizers.Adam(rate), loss, **{"jit_compile": False} | options)
    return model


def fit(
    folder: Path, model: keras.Model, *data: Any, stop_on: Any = None, **options: Any
) -> keras.callbacks.History:
    recording = Diagnose(folder, stop_on=stop_on)
    return model.fit(*(data or (X, Y)), **{"epochs": 2, "verbose": 0} | options, callbacks=[recording])


def judge(folder: Path) -> Diagnosis:
    return diagnose(read_log(folder, {}))


def document(folder: Path, name: str = "diagnostics.json") -> Any:
    return json.loads((folder / name).read_text())


def noisy_net() -> keras.Model:
    """A net in which everything is drawn or measured: dropout, normalisation, noise."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input((8,))
    hidden = keras.layers.GaussianNoise(0.1)(inputs)
    hidden = keras.layers.Dense(8, "relu", kernel_regularizer="l2")(hidden)
    hidden = keras.layers.Dropout(0.3)(keras.layers.BatchNormalization()(hidden))
    model = keras.Model(inputs, keras.layers.Dense(2, "softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_the_training_ends_with_the_same_bits_as_without(tmp_path: Path) -> None:
    options: dict[str, Any] = {"epochs": 3, "validation_split": 0.25, "verbose": 0, "batch_size": 20}
    plain, watched = noisy_net(), noisy_net()
    before = plain.fit(X, Y, **options).history
    recording = Diagnose(tmp_path / "run", one_batch=True)
    assert watched.fit(X, Y, **options, callbacks=[recording]).history == before
    for one, two in zip(plain.variables, watched.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    for one, two in zip(plain.optimizer.variables, watched.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    batch = document(tmp_path / "run")["start"]["one_batch"]
    assert batch["after"] < batch["before"] and 0 < batch["steps"] <= 100


def test_what_is_recorded_is_what_a_naive_training_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The oracle is a step of gradient descent by hand, on the one batch there is."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.layers.Dense(2, "softmax", kernel_regularizer=keras.regularizers.L2(0.1))]
    )
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.build((None, 8))
    kernel, bias = model.get_weights()
    fit(tmp_path / "run", model, X, Y, batch_size=128, shuffle=False, epochs=1)

    raw = np.exp(X @ kernel + bias)
    shares = raw / raw.sum(axis=1, keepdims=True)
    loss = -np.log(shares[np.arange(128), Y]).mean() + 0.1 * (kernel**2).sum()
    wrong = (shares - np.eye(2)[Y]) / 128
    by_kernel, by_bias = X.T @ wrong + 0.2 * kernel, wrong.sum(axis=0)
    size = np.sqrt((by_kernel**2).sum() + (by_bias**2).sum())
    start = document(tmp_path / "run")["start"]
    (layer,) = start["layers"]
    assert start["loss"] == pytest.approx(loss, rel=1e-5)
    assert layer["gradient_norm"] == pytest.approx(size, rel=1e-4)
    assert start["inputs"] == {"layer": layer["name"]} | {
        key: pytest.approx(value, rel=1e-5)
        for key, value in (("low", X.min()), ("high", X.max()), ("mean", X.mean()), ("std", X.std()))
    }
    (epoch,) = document(tmp_path / "run")["epochs"]
    moved = epoch["layers"][0]["update_ratio"]
    assert moved == pytest.approx(0.5 * size / np.linalg.norm(kernel), rel=1e-4)
    assert "Insufficient evidence" in capsys.readouterr().out


def test_a_healthy_training_is_left_alone(tmp_path: Path) -> None:
    x = np.concatenate([X, X[::-1], -X, -X[::-1]])
    y = (x[:, 0] + x[:, 1] > 0).astype(np.int32)
    fit(
        tmp_path / "run",
        make(metrics=["accuracy"]),
        x,
        y,
        epochs=8,
        validation_data=(x, y),
        stop_on="warning",
    )
    found = judge(tmp_path / "run")
    assert found.worse_than("warning") == []
    assert found.record.finished and found.record.epochs == 8
    assert set(found.record.curves) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
    assert document(tmp_path / "run", "summary.json")["verdict"] == found.verdict


def dead_net() -> keras.Model:
    low = keras.initializers.Constant(-50.0)
    dense = keras.layers.Dense
    return make(dense(16, "relu", bias_initializer=low), dense(2, "softmax"))


FAULTS: dict[str, tuple[Callable[[], keras.Model], Any, Any]] = {
    "learning rate too high": (lambda: make(rate=30.0), X, Y),
    "dead ReLUs": (dead_net, X, Y),
    "inputs unscaled": (make, 100 * X + 100, Y),
    "last layer and loss do not match": (
        lambda: make(keras.layers.Dense(2), loss="sparse_categorical_crossentropy"),
        X,
        Y,
    ),
    "targets out of reach": (
        lambda: make(keras.layers.Dense(1, "sigmoid"), loss="binary_crossentropy"),
        X,
        Y + 1,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_first_or_second(name: str, tmp_path: Path) -> None:
    build, x, y = FAULTS[name]
    fit(tmp_path / "run", build(), x, y, epochs=6)
    found = judge(tmp_path / "run")
    assert name in [finding.name for finding in found.findings][:2]


@pytest.mark.parametrize(
    ("loss", "layer", "y"),
    [
        (keras.losses.BinaryCrossentropy(from_logits=True), keras.layers.Dense(1, "tanh"), Y),
        ("categorical_crossentropy", keras.layers.Dense(2, "relu"), np.eye(2)[Y]),
        ("binary_crossentropy", keras.layers.Dense(1, "softmax"), Y),
        ("mse", keras.layers.Dense(1, "softmax"), Y),
    ],
)
@pytest.mark.filterwarnings("ignore:.*softmax over axis -1")
def test_a_last_layer_that_does_not_fit_stops_the_training(
    loss: Any, layer: keras.layers.Layer, y: NDArray[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is seen before the first step: nothing is learnt from the epochs that would follow."""
    history = fit(tmp_path / "run", make(layer, loss=loss), X, y, epochs=50, stop_on="error")
    assert len(history.epoch) == 1
    assert "Diagnose stops the training: last layer and loss do not match" in capsys.readouterr().err
    assert "stopped the training: last layer" in judge(tmp_path / "run").record.notes[-1]
    assert document(tmp_path / "run", "summary.json")["stopped"].startswith("last layer")


def test_without_stop_on_a_hopeless_training_goes_on(tmp_path: Path) -> None:
    history = fit(tmp_path / "run", make(keras.layers.Dense(2, "relu")), epochs=3)
    assert len(history.epoch) == 3


def test_stop_on_is_checked() -> None:
    with pytest.raises(ValueError, match="stop_on"):
        Diagnose(stop_on="never")  # type: ignore[arg-type]


def generate() -> Any:
    while True:
        yield X[:32], Y[:32]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return X[32 * index : 32 * index + 32], Y[32 * index : 32 * index + 32]


DATA: dict[str, tuple[Sequence[Any], dict[str, Any], bool]] = {
    "sample weights": ((X, Y), {"sample_weight": np.ones(128)}, False),
    "class weights": ((X, Y), {"class_weight": {0: 1.0, 1: 2.0}}, False),
    "validation split": ((X, Y), {"validation_split": 0.5}, True),
    "tf.data": ((tf.data.Dataset.from_tensor_slices((X, Y)).batch(32),), {}, True),
    "PyDataset": ((Batches(),), {}, True),
    "generator": ((generate(),), {"steps_per_epoch": 2}, True),
}


@pytest.mark.parametrize("kind", DATA)
def test_any_kind_of_data_is_recorded(kind: str, tmp_path: Path) -> None:
    data, options, classes = DATA[kind]
    fit(tmp_path / "run", make(), *data, shuffle=False, **options)
    start = document(tmp_path / "run")["start"]
    assert start["examples"] == 32
    assert all(layer["gradient_norm"] > 0 for layer in start["layers"])
    # The loss of guessing is known where nothing weights the examples.
    assert ("classes" in start) == classes
    assert judge(tmp_path / "run").record.notes == ()


def test_a_generator_gives_no_batch_more_than_without(tmp_path: Path) -> None:
    """What is looked at is trained on; nothing is left out, and nothing is taken twice."""
    taken: list[int] = []

    def count() -> Any:
        for number in range(6):
            taken.append(number)
            yield X[:32] + number, Y[:32]

    fit(tmp_path / "run", make(), count(), steps_per_epoch=3, epochs=2, shuffle=False)
    assert taken == list(range(6))
    metrics = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    assert [line.split(",")[2] for line in metrics[1:]] == ["3", "6"]


def test_several_inputs_and_outputs_are_recorded_as_far_as_they_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left, right = keras.Input((8,), name="left"), keras.Input((8,), name="right")
    hidden = keras.layers.Dense(4, "relu", name="hidden")(keras.layers.Concatenate()([left, right]))
    outputs = {"a": keras.layers.Dense(1, name="a")(hidden), "b": keras.layers.Dense(1, name="b")(hidden)}
    model = keras.Model({"left": left, "right": right}, outputs)
    model.compile("adam", {"a": "mse", "b": "mae"})
    fit(tmp_path / "run", model, {"left": X, "right": X}, {"a": X[:, :1], "b": X[:, 1:2]})
    start = document(tmp_path / "run")["start"]
    assert "output" not in start and start["inputs"]["layer"] == "hidden"
    assert [layer["name"] for layer in start["layers"]] == ["hidden", "a", "b"]
    assert "of several outputs" in capsys.readouterr().err
    assert any("of several outputs" in note for note in judge(tmp_path / "run").record.notes)


class Own(keras.Model):  # type: ignore[misc]
    """A model without a graph, whose weights come with its first call."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.last = keras.layers.Dense(4, "relu"), keras.layers.Dense(2, "softmax")

    def call(self, x: Any) -> Any:
        return self.last(self.inner(x))


class OwnStep(Own):
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def test_a_model_that_is_a_class_is_looked_into(tmp_path: Path) -> None:
    model = Own()
    model.compile("adam", "sparse_categorical_crossentropy")
    fit(tmp_path / "run", model)
    start = document(tmp_path / "run")["start"]
    assert [layer["activation"] for layer in start["layers"]] == ["relu", "softmax"]
    assert start["output"]["activation"] == "softmax" and start["layers"][0]["gradient_norm"] > 0


def test_a_step_of_its_own_has_no_gradients_to_record(tmp_path: Path) -> None:
    model = OwnStep()
    model.compile("adam", "sparse_categorical_crossentropy")
    fit(tmp_path / "run", model)
    start = document(tmp_path / "run")["start"]
    assert "gradient_norm" not in start["layers"][0] and "dead" in start["layers"][0]
    found = judge(tmp_path / "run")
    assert any("train_step of its own" in note for note in found.record.notes)
    assert "gradients out of range" not in [finding.name for finding in found.findings]


def test_several_steps_at_once_have_no_updates_to_record(tmp_path: Path) -> None:
    fit(tmp_path / "run", make(steps_per_execution=3))
    assert document(tmp_path / "run")["epochs"][0]["layers"][0]["update_ratio"] is None
    assert any("several steps" in note for note in judge(tmp_path / "run").record.notes)


def test_under_a_strategy_the_metrics_are_recorded(tmp_path: Path) -> None:
    with tf.distribute.MirroredStrategy(["/cpu:0"]).scope():
        model = make()
    fit(tmp_path / "run", model)
    record = read_log(tmp_path / "run", {})
    assert (record.steps, record.diagnostics) == (8, None)
    assert any("tf.distribute" in note for note in record.notes)


class Broken(Own):
    """Can be trained, but not called outside of that."""

    def call(self, x: Any, training: bool = False) -> Any:
        if not hasattr(x, "graph") and self.built:
            raise RuntimeError("only in a graph")
        return super().call(x)


def test_a_net_that_cannot_be_looked_at_is_trained_nevertheless(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Broken()
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    assert len(fit(tmp_path / "run", model).epoch) == 2
    assert "only in a graph" in capsys.readouterr().err
    assert any("only in a graph" in note for note in judge(tmp_path / "run").record.notes)


def test_fit_twice_goes_on_in_the_same_folder(tmp_path: Path) -> None:
    model, recording = make(), Diagnose(tmp_path / "run")
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[recording])
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[recording])
    model.fit(X, Y, initial_epoch=4, epochs=5, verbose=0, callbacks=[recording])
    record = read_log(tmp_path / "run", {})
    assert record.curves["loss"].at == (1, 2, 3, 4, 5)
    assert any("called 3 times" in note for note in record.notes)
    rows = document(tmp_path / "run")["epochs"]
    assert [(row["stage"], row["epoch"]) for row in rows][-1] == ("fit 3", 5)


def test_a_folder_holds_one_training(tmp_path: Path) -> None:
    recording = Diagnose(tmp_path / "run")
    make().fit(X, Y, verbose=0, callbacks=[recording])
    before = (tmp_path / "run" / "metrics.csv").read_bytes()
    with pytest.raises(RunError, match="another model"):
        make().fit(X, Y, verbose=0, callbacks=[recording])
    with pytest.raises(RunError, match="in use"):
        fit(tmp_path / "run", make())
    assert (tmp_path / "run" / "metrics.csv").read_bytes() == before


def test_a_training_that_was_cut_off_can_be_read(tmp_path: Path) -> None:
    def cut(epoch: int, logs: Any) -> None:
        raise KeyboardInterrupt

    recording = Diagnose(tmp_path / "run")
    end = keras.callbacks.LambdaCallback(on_epoch_end=cut)
    with pytest.raises(KeyboardInterrupt):
        make().fit(X, Y, epochs=3, verbose=0, callbacks=[recording, end])
    record = read_log(tmp_path / "run", {})
    assert not record.finished and len(record.curves["loss"]) == 1


ON_JAX = """
import sys
import keras, numpy as np
from dlpractice import Diagnose

x = np.random.default_rng(0).normal(size=(96, 8)).astype("float32")
y = (x[:, 0] > 0).astype("int32")

def train(*callbacks):
    # keras.utils.set_random_seed would import TensorFlow.
    first, last = keras.initializers.HeNormal(seed=1), keras.initializers.HeNormal(seed=2)
    layers = keras.layers
    model = keras.Sequential([
        layers.Dense(8, "relu", kernel_initializer=first),
        layers.Dropout(0.2, seed=3),
        layers.BatchNormalization(),
        layers.Dense(2, kernel_initializer=last),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    options = {"epochs": 2, "validation_split": 0.25, "shuffle": False, "verbose": 0}
    history = model.fit(x, y, **options, callbacks=list(callbacks))
    return history.history, model.get_weights()

plain, weights = train()
again, same = train(Diagnose(sys.argv[1]))
assert plain == again, (plain, again)
assert all((one == two).all() for one, two in zip(weights, same, strict=True))
assert "tensorflow" not in sys.modules
"""


def test_the_package_alone_brings_no_keras() -> None:
    code = "import sys, dlpractice; assert 'keras' not in sys.modules; dlpractice.Diagnose; import keras"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300, capture_output=True)
    with pytest.raises(AttributeError, match="no attribute 'Diagnosis'"):
        dlpractice.Diagnosis  # noqa: B018


def test_jax_records_the_same_and_needs_no_tensorflow(tmp_path: Path) -> None:
    environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tmp_path / "run")],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Last layer and loss do not match: the last layer ends in linear" in " ".join(done.stdout.split())
    start = document(tmp_path / "run")["start"]
    assert start["layers"][0]["gradient_norm"] > 0 and start["inputs"]["std"] == pytest.approx(1, abs=0.2)
    assert 0 < document(tmp_path / "run")["epochs"][1]["layers"][0]["update_ratio"] < 0.1
    assert document(tmp_path / "run", "training.json")["backend"] == "jax"
