"""The recorder: what it records is what is there, and the training is left as it was.

Two logical CPUs are made in a process of their own: see tests/training/devices/test_placement.py.
"""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.progress import Silent
from dlpractice.training.assignment import Examinations, Labelled, Outputs, Settings, Subject
from dlpractice.training.batches.feed import Feed
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.checkpoints import Checkpoints, Position
from dlpractice.training.devices.placement import Devices, place
from dlpractice.training.diagnostics.recording import Probe, Recorder, compile_gradients
from dlpractice.training.loop import Trainer
from dlpractice.training.randomness import seed_everything
from dlpractice.training.steps import classification_loss

SETTINGS = Settings(epochs=3, learning_rate=0.01, schedule="constant")
SHAPE = (6, 6, 2)


class Store:
    """diagnostics.json in memory."""

    def __init__(self) -> None:
        self.document: dict[str, Any] | None = None

    def read(self) -> dict[str, Any] | None:
        return self.document

    def write(self, document: Mapping[str, object]) -> None:
        self.document = dict(document)


class Stopping(Silent):
    """Ends the run as if by Ctrl-C after so many steps, with a checkpoint of that step."""

    def __init__(self, after: int) -> None:
        self.left = after

    def batch(self, epoch: int, epochs: int, step: int, steps: int, images: int) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


def images(count: int = 48, seed: int = 0) -> Labelled:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    centres = np.random.default_rng(9).normal(size=(3, *SHAPE))
    rows = (centres[labels] + rng.normal(size=(count, *SHAPE))).astype(np.float32)
    return Labelled(Streamed(rows), labels)


def build(precision: str = "float32", bias: float = 0.0) -> keras.Model:
    """A convolution, statistics, dropout: everything that a forward pass in training changes."""
    inputs, policy = keras.Input(SHAPE), {"float32": "float32"}.get(precision, f"mixed_{precision}")
    x = keras.layers.Conv2D(4, 3, dtype=policy, name="conv")(inputs)
    x = keras.layers.BatchNormalization(dtype=policy, name="norm")(x)
    x = keras.layers.Flatten(dtype=policy)(keras.layers.Activation("relu", dtype=policy, name="relu")(x))
    hidden = keras.layers.Dense(8, activation="relu", name="hidden", dtype=policy)
    x = keras.layers.Dropout(0.3, seed=1, dtype=policy)(hidden(x))
    hidden.bias.assign(np.full(8, bias, np.float32))
    return keras.Model(inputs, keras.layers.Dense(3, name="logits", dtype="float32")(x))


def prepare(
    folder: Path,
    store: Store | None,
    *,
    devices: Devices = 1,
    precision: str = "float32",
    stop_after: int = 0,
    change: Callable[[keras.Model], None] | None = None,
) -> Trainer:
    """A trainer with a recorder, or without one where there is no store."""
    seed_everything(3)
    placement = place(devices)
    with placement.strategy.scope():
        model = build(precision)
    if change is not None:
        change(model)
    train, validation = images(), images(20, seed=1)
    feed = Feed(train.rows, train.labels, np.ones(3, np.float32), batch_size=16, seed=3)
    loss = classification_loss(model)
    callbacks = []
    if store is not None:
        batch = [np.asarray(part) for part in next(iter(feed.batches(0)))]
        probe = Probe(batch, model, model.inputs, batch[0], lambda output: {"high": output.max()}, 0.0, {})
        callbacks = [Recorder("scratch", probe, loss, placement, precision, store.read, store.write)]
    return Trainer(
        "scratch",
        Subject(model, loss, model, lambda variable: False),
        SETTINGS,
        feed,
        Examinations(train, validation),
        placement,
        Outputs(Checkpoints(folder, 1e9), lambda row: None, Stopping(stop_after), callbacks),
    )


def state(trainer: Trainer) -> list[NDArray[Any]]:
    """Weights, statistics, generators, optimisers and the best epoch, as a checkpoint holds them."""
    return [value for group in trainer._arrays().values() for value in group]


def make_recorder(store: Store) -> Recorder:
    """One that is called by hand."""
    model = build()
    probe = Probe((), model, model.inputs, None, lambda output: {}, None, {})
    loss = classification_loss(model)
    recorder = Recorder("scratch", probe, loss, place(1), "float32", store.read, store.write)
    recorder.set_model(model)
    return recorder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an undisturbed run records."""
    prepare(tmp_path_factory.mktemp("whole"), store := Store()).train(Position())
    assert store.document is not None
    return store.document


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_training_is_the_same_bit_for_bit(tmp_path: Path, precision: str) -> None:
    plain = prepare(tmp_path / "plain", None, precision=precision)
    watched = prepare(tmp_path / "watched", store := Store(), precision=precision)
    plain.train(Position())
    watched.train(Position())
    for ours, theirs in zip(state(plain), state(watched), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert store.document is not None
    assert [row["epoch"] for row in store.document["epochs"]] == [1, 2, 3]
    start = store.document["start"]
    assert 0.3 < start["loss"] < 4
    assert start["one_batch"]["after"] < 0.5 * start["one_batch"]["before"]
    for row in store.document["epochs"]:
        layers = {layer["name"]: layer for layer in row["layers"]}
        assert list(layers) == ["conv", "norm", "relu", "hidden", "logits"]
        trained = [layer for layer in layers.values() if layer["trained"]]
        assert [layer["name"] for layer in trained] == ["conv", "norm", "hidden", "logits"]
        assert all(layer["gradient_norm"] > 0 and 1e-4 < layer["update_ratio"] < 1 for layer in trained)
        assert "gradient_norm" not in layers["relu"]
        assert 0 <= layers["hidden"]["dead"] <= 1


@pytest.mark.parametrize("stop_after", [2, 3])
def test_a_run_that_was_stopped_records_the_same(
    whole: dict[str, Any], tmp_path: Path, stop_after: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path / "cut", cut := Store(), stop_after=stop_after).train(Position())
    again = prepare(tmp_path / "cut", cut)
    position, saved = Checkpoints(tmp_path / "cut", 0).read() or (None, None)
    assert position is not None
    again.train(position, saved)
    assert cut.document == whole


def test_a_run_that_was_killed_after_an_epoch_records_the_same(whole: dict[str, Any], tmp_path: Path) -> None:
    """The checkpoint is older than what was recorded, and lies behind the epoch's first step."""
    store = Store()
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path, store, stop_after=2).train(Position())
    checkpoints = Checkpoints(tmp_path, 1e9, writes=False)
    position, saved = checkpoints.read() or (Position(), None)
    going_on = prepare(tmp_path, store, stop_after=2)
    going_on._outputs = replace(going_on._outputs, checkpoints=checkpoints)
    with pytest.raises(KeyboardInterrupt):
        going_on.train(position, saved)
    position, saved = checkpoints.read() or (Position(), None)
    assert (position.epoch, position.step) == (0, 2)
    prepare(tmp_path, store).train(position, saved)
    assert store.document == whole


def test_epochs_that_are_repeated_replace_what_was_recorded(whole: dict[str, Any], tmp_path: Path) -> None:
    head, store = whole["epochs"][0] | {"stage": "head"}, Store()
    stale = whole["epochs"][1] | {"output": None}
    store.document = {"start": {"loss": 42.0}, "epochs": [head, stale]}
    prepare(tmp_path, store).train(Position())
    assert store.document == {"start": {"loss": 42.0}, "epochs": [head, *whole["epochs"]]}


def test_steps_that_move_nothing_are_recorded_as_such() -> None:
    store = Store()
    recorder = make_recorder(store)
    recorder.on_epoch_begin(0)
    for batch in (0, 1):  # gradients that are only added up
        recorder.on_train_batch_begin(batch)
        recorder.on_train_batch_end(batch)
    assert store.document is not None
    assert set(store.document["step"]["update_ratios"].values()) == {0.0}
    again = make_recorder(store)  # taken up in the middle of it
    kernel = again.model.get_layer("logits").kernel
    again.on_epoch_begin(0)
    again.on_train_batch_begin(2)
    kernel.assign(kernel * 1.5)
    again.on_train_batch_end(2)
    again.on_train_batch_begin(3)
    kernel.assign(kernel * 3)
    again.on_train_batch_end(3)
    ratios = store.document["step"]["update_ratios"]
    assert ratios["logits"] == pytest.approx(0.5, rel=1e-5)
    assert ratios["conv"] == 0


def test_a_long_run_is_recorded_at_a_hundred_epochs() -> None:
    recorder = make_recorder(Store())
    recorder.set_params({"epochs": 1000})
    assert [epoch for epoch in range(1000) if recorder._is_recorded(epoch)] == [0, *range(9, 1000, 10)]
    recorder.set_params({"epochs": 7})
    assert all(recorder._is_recorded(epoch) for epoch in range(7))


def compare_devices(folder: Path) -> dict[str, Any]:
    """Run in a process with two CPUs: whether recording changes a training on both, and what is recorded on
    one and on both."""

    def train(name: str, store: Store | None, devices: int, **how: Any) -> Trainer:
        trainer = prepare(folder / name, store, devices=devices, **how)
        trainer.train(Position())
        return trainer

    plain, watched = train("plain", None, 2), train("watched", Store(), 2)
    pairs = zip(state(plain), state(watched), strict=True)
    same, one, two = all(np.array_equal(ours, theirs) for ours, theirs in pairs), Store(), Store()
    # Replicas normalise by their own part of a batch and draw their own dropout: compared without either.
    train("one", one, 1, change=be_plain)
    train("two", two, 2, change=be_plain)
    return {"same": same, "one": one.document, "two": two.document}


def be_plain(model: keras.Model) -> None:
    model.get_layer("norm").trainable = False
    next(layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)).rate = 0.0


TWO_DEVICES = """
import json, runpy, sys
from pathlib import Path
print(json.dumps(runpy.run_path(sys.argv[1])["compare_devices"](Path(sys.argv[2])), default=float))
"""


def test_several_devices_are_left_alone_too_and_record_what_one_does(
    run_on_devices: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    found = run_on_devices(2, TWO_DEVICES, __file__, str(tmp_path))
    assert found["same"]
    one, two = found["one"], found["two"]
    assert one["start"]["loss"] == pytest.approx(two["start"]["loss"], rel=1e-5)
    for ours, theirs in zip(one["epochs"][-1]["layers"], two["epochs"][-1]["layers"], strict=True):
        for key in ("gradient_norm", "weight_norm", "update_ratio", "dead"):
            if key in ours:
                assert ours[key] == pytest.approx(theirs[key], rel=1e-2)


def test_frozen_layers_have_no_gradient_to_report(tmp_path: Path) -> None:
    def freeze(model: keras.Model) -> None:
        for name in ("conv", "norm"):
            model.get_layer(name).trainable = False

    prepare(tmp_path, store := Store(), change=freeze).train(Position())
    assert store.document is not None
    layers = {layer["name"]: layer for layer in store.document["epochs"][0]["layers"]}
    assert layers["conv"] == {"name": "conv", "kind": "Conv2D", "activation": "linear", "trained": False}
    assert layers["relu"]["dead"] < 1
    assert store.document["start"]["inputs"]["layer"] == "hidden"


def test_the_faults_of_a_net_that_cannot_learn_are_seen(tmp_path: Path) -> None:
    def kill(model: keras.Model) -> None:
        model.get_layer("hidden").bias.assign(np.full(8, -100, np.float32))

    prepare(tmp_path, store := Store(), change=kill).train(Position())
    assert store.document is not None
    layers = {layer["name"]: layer for layer in store.document["epochs"][-1]["layers"]}
    assert layers["hidden"]["dead"] == 1
    assert layers["hidden"]["bias_mean"] == pytest.approx(-100, rel=1e-3)
    assert layers["conv"]["gradient_norm"] == 0
    batch = store.document["start"]["one_batch"]
    assert batch["steps"] == 100
    assert batch["after"] > 0.9 * batch["before"]


@pytest.mark.parametrize("scale", [1.0, 1024.0])
def test_gradients_are_those_of_finite_differences(scale: float) -> None:
    placement = place(1)
    seed_everything(0)
    with placement.strategy.scope():
        inputs = keras.Input((6,))
        model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(inputs))
    rng = np.random.default_rng(0)
    batch = (
        rng.normal(size=(9, 6)).astype(np.float32),
        np.eye(3, dtype=np.float32)[np.arange(9) % 3],
        np.ones(9, np.float32),
    )
    measure = compile_gradients(model, classification_loss(model), placement, scale)
    bias, step = model.get_layer("logits").bias, 1e-2
    _, gradients = measure(batch)
    losses = []
    for shift in (step, -step):
        bias.assign([shift, 0, 0])
        losses.append(float(measure(batch)[0]))
    assert gradients[1][0] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-2)


def test_gradients_too_small_for_float16_are_not_lost() -> None:
    placement = place(1)
    with placement.strategy.scope():
        inputs = keras.Input((1,))
        hidden = keras.layers.Dense(1, use_bias=False, dtype="mixed_float16", kernel_initializer="ones")
        model = keras.Model(inputs, hidden(inputs))
    batch = (np.ones((1, 1), np.float32),)

    def loss(values: Any) -> Any:
        return keras.ops.sum(keras.ops.cast(model(values, training=True), "float32")) * 1e-8

    (lost,) = compile_gradients(model, loss, placement)(batch)[1]
    (kept,) = compile_gradients(model, loss, placement, 1024.0)(batch)[1]
    assert lost[0, 0] == 0
    assert kept[0, 0] == pytest.approx(1e-8, rel=0.01)
