"""Training whose steps and forward passes XLA compiles, against the same without XLA, and gone on with."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.layers.dropout import PhiloxDropout
from dlpractice.layers.normalisation import FusedBatchNormalization
from dlpractice.progress import Silent
from dlpractice.training.assignment import Examinations, Labelled, Outputs, Settings, Subject
from dlpractice.training.batches.feed import Feed
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.checkpoints import Checkpoints, Position
from dlpractice.training.devices.compile_choice import Compilation
from dlpractice.training.devices.placement import place
from dlpractice.training.loop import Trainer
from dlpractice.training.randomness import seed_everything
from dlpractice.training.steps import classification_loss


class Witness(Silent):
    """Copies `checkpoints` after the third step, before that is in it, and keeps what is warned of."""

    def __init__(self, checkpoints: Path) -> None:
        self.checkpoints, self.warnings = checkpoints, list[str]()

    def batch(self, epoch: int, epochs: int, step: int, steps: int, images: int) -> None:
        if step == 3:
            shutil.copytree(self.checkpoints, self.checkpoints / "after-two")

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def make_net(images: Any) -> Any:
    """Batch normalisation, two poolings, one of them in a net inside, and dropout."""
    x = keras.layers.Conv2D(3, 3, padding="same", use_bias=False)(images)
    x = keras.layers.ReLU()(FusedBatchNormalization(momentum=0.5)(x))
    x = keras.layers.MaxPooling2D(3, 2, padding="same")(x)
    x = keras.Sequential([keras.layers.MaxPooling2D(2)])(x)
    return PhiloxDropout(0.2, seed=1)(x)


def train(
    folder: Path, compiled: bool, net: Callable[[Any], Any] = make_net
) -> tuple[list[NDArray[Any]], Compilation, list[str]]:
    """The weights after an epoch of three steps, of 5, 4 and 4 images, and what was chosen and warned of.

    It goes on from the checkpoint in `folder` if there is one.
    """
    seed_everything(7)
    placement, rng = place(), np.random.default_rng(0)
    with placement.strategy.scope():
        inputs = keras.Input((8, 8, 2))
        model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(net(inputs))))
    rows, labels = Streamed(rng.normal(size=(13, 8, 8, 2)).astype(np.float32)), np.arange(13) % 3
    choices: dict[str, Compilation] = {}
    checkpoints, witness = Checkpoints(folder, 0.0), Witness(folder)
    trainer = Trainer(
        "head",
        Subject(model, classification_loss(model), model, lambda variable: False),
        Settings(epochs=1, learning_rate=0.01, optimiser="sgd", compiled=compiled),
        Feed(rows, labels, np.ones(3, np.float32), batch_size=5, seed=3),
        Examinations(Labelled(rows, labels), Labelled(rows, labels)),
        placement,
        Outputs(checkpoints, lambda row: None, witness, note_compilation=choices.__setitem__),
    )
    trainer.train(*(checkpoints.read() or (Position(),)))
    return model.get_weights(), choices["head"], witness.warnings


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[NDArray[Any]]]:
    """The folder of a compiled training, and its weights."""
    folder = tmp_path_factory.mktemp("compiled")
    weights, choice, warnings = train(folder, True)
    assert choice == Compilation(True, {}) and not warnings
    return folder, weights


def test_an_epoch_ends_with_the_same_weights(
    compiled: tuple[Path, list[NDArray[Any]]], tmp_path: Path
) -> None:
    weights, choice, _ = train(tmp_path, False)
    assert not choice.compiled
    for ours, theirs in zip(compiled[1], weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def test_a_training_that_is_taken_up_again_ends_with_the_same_bits(
    compiled: tuple[Path, list[NDArray[Any]]],
) -> None:
    folder, wanted = compiled
    weights, choice, _ = train(folder / "after-two", True)
    assert choice.compiled
    for ours, theirs in zip(weights, wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_xla_cannot_compile_is_named(tmp_path: Path) -> None:
    bicubic = keras.layers.Resizing(4, 4, interpolation="bicubic", name="small")
    _, choice, warnings = train(tmp_path, True, bicubic)
    assert not choice.compiled
    (warning,) = warnings
    assert warning == f"head: hardware.compile: not compiled, since {choice.obstacle}"
    assert re.fullmatch(r"XLA has no kernel for \S+/small\w*/resize/ResizeBicubic", choice.obstacle)
