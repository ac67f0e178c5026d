"""What a trainer is given for one stage: the net, the settings, the examinations, and where results go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.progress import Progress
from dlpractice.training.batches.supply import Supply
from dlpractice.training.checkpoints import Checkpoints
from dlpractice.training.devices.compile_choice import Compilation
from dlpractice.training.forward import losses_and_predictions
from dlpractice.training.rate_finder import RangeTest
from dlpractice.training.steps import Loss

Scores = tuple[float, float]
"""A loss and an accuracy, both in inference mode."""


class Examination(Protocol):
    """What a net is asked. The trainer hands the questions of all examinations to the device at once, so
    that it does not wait while one of them is scored."""

    @property
    def questions(self) -> Sequence[Supply]:
        """The inputs of the net."""
        ...

    def score(self, answers: Sequence[NDArray[np.float32]]) -> Scores:
        """Scores the net's outputs for each of the questions."""
        ...


@dataclass(frozen=True)
class Subject:
    """The net that a stage trains.

    Args:
        model: everything that is trained or kept.
        loss: what a step lowers.
        scored: the model whose forward pass the examinations call; its weights are weights of `model`.
        is_pretrained: from a variable of `model` to whether it came with pretrained values.
        keep_start: whether the weights at the start of the stage count as an epoch's: if no epoch is better
            than they are, the stage ends with them.
    """

    model: keras.Model
    loss: Loss
    scored: keras.Model
    is_pretrained: Callable[[Any], bool]
    keep_start: bool = False


@dataclass(frozen=True)
class Settings:
    """How a stage is trained. The config's schema says which values are allowed.

    Args:
        learning_rate: of fresh layers, per step; with "auto", the learning-rate finder chooses it.
        pretrained_rate: the learning rate of pretrained layers as a share of `learning_rate`.
        warmup: in epochs.
        patience: epochs without improvement after which training ends; None for all `epochs`.
        accumulation_steps: the number of parts in which each batch is computed, one after another.
        compiled: whether XLA compiles the steps and the forward passes; with "auto", whichever is faster.
        monitor: the best epoch is the one with the lowest `val_loss`, or with the highest `val_accuracy`.
    """

    epochs: int
    learning_rate: float | Literal["auto"]
    pretrained_rate: float = 0.1
    optimiser: str = "adamw"
    weight_decay: float = 0.0
    schedule: str = "cosine"
    warmup: float = 0.0
    patience: int | None = None
    precision: str = "float32"
    accumulation_steps: int = 1
    compiled: Literal["auto"] | bool = False
    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"


@dataclass(frozen=True)
class Examinations:
    """What is measured after every epoch, all of it in inference mode.

    Args:
        train_sample: on training examples that are not augmented.
        validation: on the validation split.
    """

    train_sample: Examination
    validation: Examination


@dataclass(frozen=True)
class Outputs:
    """Where the results of a stage go.

    Args:
        record: takes the row of metrics.csv of each epoch.
        progress: shows the user how far training is.
        callbacks: callbacks of Keras, called as `fit` calls them; the numbers of a step are waited for when
            they are asked for.
        note_compilation: takes the stage's name and whether its steps are compiled, before the first one.
        note_expected: takes the stage's name and the range of seconds that it will take, after a few steps.
        note_range: takes what the learning-rate finder saw, where it was asked.
    """

    checkpoints: Checkpoints
    record: Callable[[Mapping[str, object]], None]
    progress: Progress
    callbacks: Sequence[keras.callbacks.Callback] = ()
    note_compilation: Callable[[str, Compilation], None] = lambda stage, choice: None
    note_range: Callable[[RangeTest], None] = lambda test: None
    note_expected: Callable[[str, tuple[float, float]], None] = lambda stage, expected: None


@dataclass(frozen=True)
class Labelled:
    """An examination by classification: `rows` of N inputs and their (N,) int64 `labels`."""

    rows: Supply
    labels: NDArray[np.int64]

    @property
    def questions(self) -> tuple[Supply]:
        """The rows."""
        return (self.rows,)

    def score(self, answers: Sequence[NDArray[np.float32]]) -> Scores:
        """The mean cross-entropy, in nats, and the accuracy of logits."""
        losses, predicted = losses_and_predictions(answers[0], self.labels)
        return float(losses.mean()), float((predicted == self.labels).mean())
