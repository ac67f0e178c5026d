"""The loop against a plain Keras `fit`, and against itself when it is stopped and taken up again."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.progress import Silent
from dlpractice.training.assignment import Examination, Examinations, Labelled, Outputs, Settings, Subject
from dlpractice.training.batches.feed import Feed
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.checkpoints import Checkpoints, Position
from dlpractice.training.devices.placement import place
from dlpractice.training.forward import compile_forward, forward_each
from dlpractice.training.loop import Trainer
from dlpractice.training.optimisers.schedules import Schedule
from dlpractice.training.randomness import seed_everything
from dlpractice.training.steps import classification_loss

SETTINGS = Settings(epochs=4, learning_rate=0.01, schedule="cosine", weight_decay=0.01)


def blobs(size: int = 60, seed: int = 0) -> Labelled:
    """Three noisy classes in eight dimensions."""
    rng = np.random.default_rng(seed)
    labels = np.arange(size) % 3
    centres = np.random.default_rng(99).normal(size=(3, 8))
    return Labelled(Streamed((centres[labels] + rng.normal(size=(size, 8))).astype(np.float32)), labels)


VALIDATION = blobs(30, seed=1)


def make_model(dropout: float = 0.3) -> keras.Model:
    inputs = keras.Input((8,))
    x = keras.layers.Dense(16, activation="relu")(inputs)
    x = keras.layers.Dropout(dropout)(keras.layers.BatchNormalization()(x))
    return keras.Model(inputs, keras.layers.Dense(3)(x))


class Recorder(Silent):
    """Sends this process SIGINT after a given number of steps."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.steps, self.interrupt_after = 0, interrupt_after

    def batch(self, epoch: int, epochs: int, step: int, steps: int, images: int) -> None:
        self.steps += 1
        if self.steps == self.interrupt_after:
            os.kill(os.getpid(), signal.SIGINT)


class Scripted:
    """An examination that answers what it is told, epoch after epoch."""

    def __init__(self, scores: list[tuple[float, float]]) -> None:
        self._scores = iter(scores)

    questions = ()

    def score(self, answers: list[Any]) -> tuple[float, float]:
        return next(self._scores)


def make_trainer(
    folder: Path,
    settings: Settings = SETTINGS,
    *,
    progress: Silent | None = None,
    record: Callable[[Mapping[str, Any]], None] = lambda row: None,
    validation: Examination = VALIDATION,
    callbacks: list[Any] | None = None,
    interval: float = 1e9,
    dropout: float = 0.3,
    noise: float = 0.0,
    keep_start: bool = False,
) -> Trainer:
    seed_everything(7)
    placement = place()
    train = blobs()
    if noise:
        train = Labelled(train.rows, np.random.default_rng(5).permutation(train.labels))
    with placement.strategy.scope():
        model = make_model(dropout)
    return Trainer(
        "head",
        Subject(model, classification_loss(model), model, lambda variable: False, keep_start),
        settings,
        Feed(train.rows, train.labels, np.ones(3, np.float32), batch_size=16, seed=3),
        Examinations(train, validation),
        placement,
        Outputs(
            Checkpoints(folder, interval),
            record,
            progress or Silent(),
            callbacks or [],
        ),
    )


def weights(trainer: Trainer) -> list[NDArray[Any]]:
    return [variable.numpy() for variable in trainer.model.variables]


def test_training_learns_and_reports_what_it_measured(tmp_path: Path) -> None:
    rows: list[Mapping[str, Any]] = []
    trainer = make_trainer(tmp_path, replace(SETTINGS, epochs=20), record=rows.append)
    position = trainer.train(Position())
    assert [row["epoch"] for row in rows] == list(range(1, 21))
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    assert rows[-1]["accuracy"] > 0.8
    best = min(rows, key=lambda row: row["val_loss"])
    assert position.best_epoch == best["epoch"] - 1
    # The best epoch is what the model holds in the end, and a plain Keras forward pass measures the same.
    logits = trainer.model.predict(VALIDATION.rows.rows, verbose=0)
    assert (logits.argmax(1) == VALIDATION.labels).mean() == pytest.approx(best["val_accuracy"])
    loss = keras.losses.sparse_categorical_crossentropy(VALIDATION.labels, logits, from_logits=True)
    assert float(np.mean(loss)) == pytest.approx(best["val_loss"], rel=1e-4)


def test_a_step_is_that_of_fit(tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=1, schedule="constant", optimiser="sgd", weight_decay=0.0)
    trainer = make_trainer(tmp_path, settings, dropout=0.0)
    twin = keras.models.clone_model(trainer.model)
    twin.set_weights(trainer.model.get_weights())
    optimiser = keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True)
    twin.compile(optimiser, keras.losses.CategoricalCrossentropy(from_logits=True))
    for inputs, targets, _ in trainer.feed.batches(0):
        twin.train_on_batch(inputs, targets)
    trainer.train(Position())
    for ours, theirs in zip(trainer.model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_the_same_seed_gives_the_same_bits(tmp_path: Path) -> None:
    first, second = make_trainer(tmp_path / "a"), make_trainer(tmp_path / "b")
    first.train(Position())
    second.train(Position())
    for ours, theirs in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("steps", [1, 4, 6])
def test_an_interrupted_stage_goes_on_bit_for_bit(tmp_path: Path, steps: int) -> None:
    whole_rows: list[Mapping[str, Any]] = []
    whole = make_trainer(tmp_path / "whole", record=whole_rows.append)
    whole.train(Position())

    rows: list[Mapping[str, Any]] = []
    stopped = make_trainer(tmp_path / "cut", record=rows.append, progress=Recorder(interrupt_after=steps))
    with pytest.raises(KeyboardInterrupt):
        stopped.train(Position())
    saved = Checkpoints(tmp_path / "cut", 0).read()
    assert saved is not None
    position, arrays = saved
    assert (position.optimiser_steps, position.step) == (steps, steps % 4 or 4)
    resumed = make_trainer(tmp_path / "cut", record=rows.append)
    resumed.train(position, arrays)
    for ours, theirs in zip(weights(resumed), weights(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    kept = ("epoch", "step", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy")
    assert [[row[key] for key in kept] for row in rows] == [[row[key] for key in kept] for row in whole_rows]


@pytest.mark.parametrize("steps", [3, 4, 5])
def test_a_stage_that_crashed_goes_on_from_its_last_checkpoint(tmp_path: Path, steps: int) -> None:
    class Crashing(Silent):
        def batch(self, epoch: int, epochs: int, step: int, steps_: int, images: int) -> None:
            if 4 * (epoch - 1) + step == steps + 1:  # whose checkpoint is not written yet
                raise MemoryError

    whole = make_trainer(tmp_path / "whole")
    whole.train(Position())
    with pytest.raises(MemoryError):
        make_trainer(tmp_path / "cut", progress=Crashing(), interval=0.0).train(Position())
    saved = Checkpoints(tmp_path / "cut", 0).read()
    assert saved is not None
    assert (saved[0].optimiser_steps, saved[0].epoch, saved[0].step) == (steps, steps // 4, steps % 4)
    resumed = make_trainer(tmp_path / "cut")
    resumed.train(*saved)
    for ours, theirs in zip(weights(resumed), weights(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def make_convolutional(folder: Path, progress: Silent) -> Trainer:
    """50 images in batches of 17, 17 and 16."""
    seed_everything(7)
    placement, rng = place(), np.random.default_rng(0)
    images, labels = rng.normal(size=(50, 8, 8, 3)).astype(np.float32), np.arange(50) % 3
    with placement.strategy.scope():
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, activation="relu")(inputs))
        model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x)))
    return Trainer(
        "scratch",
        Subject(model, classification_loss(model), model, lambda variable: False),
        Settings(epochs=2, learning_rate=0.01),
        Feed(Streamed(images), labels, np.ones(3, np.float32), batch_size=17, seed=3),
        Examinations(*(Labelled(Streamed(images[:n]), labels[:n]) for n in (20, 33))),
        placement,
        Outputs(Checkpoints(folder, 1e9), lambda row: None, progress),
    )


def test_batches_of_two_sizes_are_gone_on_with_bit_for_bit(tmp_path: Path) -> None:
    whole = make_convolutional(tmp_path / "whole", Silent())
    whole.train(Position())
    with pytest.raises(KeyboardInterrupt):  # the batch of 16 comes next, before any of 17
        make_convolutional(tmp_path / "cut", Recorder(interrupt_after=2)).train(Position())
    saved = Checkpoints(tmp_path / "cut", 0).read()
    assert saved is not None
    resumed = make_convolutional(tmp_path / "cut", Silent())
    resumed.train(*saved)
    for ours, theirs in zip(weights(resumed), weights(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_interrupt_in_the_last_evaluation_is_not_lost(tmp_path: Path) -> None:
    class Late(Silent):
        def epoch(self, row: Mapping[str, object], is_best: bool) -> None:
            if row["epoch"] == SETTINGS.epochs:
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        make_trainer(tmp_path, progress=Late()).train(Position())
    saved = Checkpoints(tmp_path, 0).read()
    assert saved is not None
    assert saved[0].finished


def test_a_finished_stage_is_not_trained_again(tmp_path: Path) -> None:
    first = make_trainer(tmp_path)
    first.train(Position())
    saved = Checkpoints(tmp_path, 0).read()
    assert saved is not None
    again = make_trainer(tmp_path, progress=(counted := Recorder()))
    again.train(*saved)
    assert counted.steps == 0
    for ours, theirs in zip(weights(again), weights(first), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_patience_ends_training_that_no_longer_improves(tmp_path: Path) -> None:
    rows: list[Mapping[str, Any]] = []
    trainer = make_trainer(tmp_path, replace(SETTINGS, epochs=200, patience=3), record=rows.append, noise=1)
    position = trainer.train(Position())
    assert position.waited == 3
    assert len(rows) == position.best_epoch + 1 + 3 < 200


def test_plateau_lowers_the_rate_and_the_rate_is_reported(tmp_path: Path) -> None:
    rows: list[Mapping[str, Any]] = []
    make_trainer(
        tmp_path, replace(SETTINGS, epochs=40, schedule="plateau"), record=rows.append, noise=1
    ).train(Position())
    rates = [row["learning_rate"] for row in rows]
    assert rates[0] == 0.01
    assert rates[-1] <= 0.003
    assert sorted(rates, reverse=True) == rates


def test_a_loss_that_is_not_a_number_ends_the_stage_and_is_recorded(tmp_path: Path) -> None:
    warnings: list[str] = []
    progress = Silent()
    progress.warn = warnings.append  # type: ignore[method-assign]
    rows: list[Mapping[str, Any]] = []
    settings = replace(SETTINGS, learning_rate=1e30, optimiser="sgd", epochs=10)
    make_trainer(tmp_path, settings, record=rows.append, progress=progress).train(Position())
    assert len(rows) < 10
    assert not np.isfinite(rows[-1]["loss"])
    assert "not a number" in warnings[0]


def test_the_finder_chooses_a_rate_and_leaves_no_trace(tmp_path: Path) -> None:
    said: list[str] = []
    progress = Silent()
    progress.say = said.append  # type: ignore[method-assign]
    found = make_trainer(tmp_path / "a", replace(SETTINGS, learning_rate="auto"), progress=progress)
    position = found.train(Position())
    assert f"head: the learning-rate finder chose {position.learning_rate:.2g}" in said
    assert 1e-5 < position.learning_rate < 0.2
    told = make_trainer(tmp_path / "b", replace(SETTINGS, learning_rate=position.learning_rate))
    told.train(Position())
    for ours, theirs in zip(weights(found), weights(told), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_callbacks_of_keras_are_driven(tmp_path: Path) -> None:
    seen: list[str] = []

    class Witness(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            seen.append(f"begin {self.params['epochs']}")

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            seen.append(f"epoch {epoch}")

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            seen.append(f"batch {batch}")

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert np.isfinite(float(logs["loss"]))
            seen.append(f"end of batch {batch}")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            assert all(isinstance(value, float) for value in logs.values())
            seen.append(f"end of epoch {epoch} {sorted(logs)[-1]}")
            self.model.stop_training = epoch == 1

        def on_train_end(self, logs: Any = None) -> None:
            seen.append("end")

    board = keras.callbacks.TensorBoard(tmp_path / "board", write_graph=False)
    make_trainer(tmp_path, callbacks=[Witness(), board]).train(Position())
    batches = [line for step in range(4) for line in (f"batch {step}", f"end of batch {step}")]
    epochs = [
        ["epoch 0", *batches, "end of epoch 0 val_loss"],
        ["epoch 1", *batches, "end of epoch 1 val_loss"],
    ]
    assert seen == ["begin 4", *epochs[0], *epochs[1], "end"]
    assert list((tmp_path / "board").rglob("events.out.tfevents.*"))


def test_the_user_is_told_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[object, ...]] = []

    class Witness(Silent):
        def stage(self, name: str, total: int, unit: str) -> None:
            told.append((name, total, unit))

        def batch(self, epoch: int, epochs: int, step: int, steps: int, images: int) -> None:
            told.append((epoch, epochs, step, steps, images))

        def epoch(self, row: Mapping[str, object], is_best: bool) -> None:
            told.append((row["epoch"], is_best))

    scores = Scripted([(0.5, 0.5), (0.6, 0.5)])
    make_trainer(tmp_path, replace(SETTINGS, epochs=2), progress=Witness(), validation=scores).train(
        Position()
    )
    first, second = ([(epoch, 2, step, 4, 15) for step in range(1, 5)] for epoch in (1, 2))
    assert told == [("training head", 2, "epochs"), *first, (1, True), *second, (2, False)]


def test_a_row_counts_steps_and_tells_rate_and_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(100.0, 4.0)  # is read before an epoch, after its last step, and after its evaluation
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    rows: list[Mapping[str, Any]] = []
    make_trainer(tmp_path, replace(SETTINGS, warmup=1.0), record=rows.append).train(Position())
    schedule = Schedule("cosine", steps=16, warmup_steps=4)
    for number, row in enumerate(rows, 1):
        assert (row["stage"], row["epoch"], row["step"]) == ("head", number, 4 * number)
        assert (row["seconds"], row["images_per_second"]) == (8.0, 60 / 4)
        assert row["learning_rate"] == 0.01 * schedule.factor(4 * number - 1)


def test_score_is_cross_entropy_and_accuracy() -> None:
    model = make_model(0.0)
    data = blobs(50)
    loss, accuracy = data.score(forward_each(compile_forward(model, place()), data.questions))
    logits = model.predict(data.rows.rows, verbose=0)
    entropy = keras.losses.sparse_categorical_crossentropy(data.labels, logits, from_logits=True)
    assert loss == pytest.approx(float(np.mean(entropy)), rel=1e-5)
    assert accuracy == (logits.argmax(1) == data.labels).mean()


def test_weights_that_were_trained_before_have_to_be_beaten(tmp_path: Path) -> None:
    settings = replace(SETTINGS, learning_rate=10.0, optimiser="sgd")
    spoilt = make_trainer(tmp_path / "a", settings, keep_start=True)
    start = weights(spoilt)
    assert spoilt.train(Position()).best_epoch == -1
    for ours, theirs in zip(weights(spoilt), start, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    improved = make_trainer(tmp_path / "b", keep_start=True)
    assert improved.train(Position()).best_epoch >= 0


@pytest.mark.parametrize(("monitor", "best", "lowest"), [("val_loss", 2, 0.3), ("val_accuracy", 1, -0.9)])
def test_the_best_epoch_is_by_what_is_monitored(
    tmp_path: Path, monitor: Literal["val_loss", "val_accuracy"], best: int, lowest: float
) -> None:
    # The third epoch has the lowest loss, the second the highest accuracy, which the fourth only equals.
    scores = [(0.9, 0.5), (0.8, 0.9), (0.3, 0.6), (0.4, 0.9)]
    after: list[list[NDArray[Any]]] = []
    trainer = make_trainer(
        tmp_path,
        replace(SETTINGS, monitor=monitor, patience=3),
        record=lambda row: after.append(weights(trainer)),
        validation=Scripted(scores),
    )
    position = trainer.train(Position())
    assert (position.best_epoch, position.lowest, position.waited) == (best, lowest, 3 - best)
    for ours, theirs in zip(weights(trainer), after[best], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_loss_beyond_any_use_is_said_when_it_happens_and_once(tmp_path: Path) -> None:
    told: list[str] = []

    class Listener(Silent):
        def epoch(self, row: Mapping[str, object], is_best: bool) -> None:
            told.append(f"epoch {row['epoch']}")

        def warn(self, message: str) -> None:
            told.append(message)

    trainer = make_trainer(tmp_path, progress=Listener(), validation=Scripted([(1.0, 0.3)] * 4))
    losses = [(999.0, 0.3), (1e33, 0.3), (1e34, 0.3), (1.0, 0.3)]
    trainer._examinations = Examinations(Scripted(losses), trainer._examinations.validation)
    trainer.train(Position())
    assert [line[:9] for line in told] == ["epoch 1", "epoch 2", "head: the", "epoch 3", "epoch 4"]
    assert "the training loss is 1e+33 after epoch 2" in told[2]
