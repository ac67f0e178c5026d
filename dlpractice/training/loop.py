"""One stage of training, step by step, on any placement.

The loop replaces Keras's `fit`. Under `tf.distribute`, `fit` weighs uneven batches wrongly, crashes with a
batch that has fewer examples than there are replicas, cannot be resumed inside an epoch, and does not run on
several machines. Callbacks of Keras are called as `fit` calls them.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from numpy.typing import NDArray

from dlpractice.errors import RunError
from dlpractice.training.agreement import Agreement
from dlpractice.training.assignment import Examination, Examinations, Outputs, Scores, Settings, Subject
from dlpractice.training.batches.feed import Batches
from dlpractice.training.checkpoints import Arrays, Position
from dlpractice.training.computation import Computation
from dlpractice.training.devices.compile_choice import Compilation
from dlpractice.training.devices.placement import Placement
from dlpractice.training.forward import Forward, forward_each
from dlpractice.training.interruption import deferring_interrupts
from dlpractice.training.lazy_logs import LazyLogs
from dlpractice.training.optimisers.loss_scale import scale_for
from dlpractice.training.optimisers.optimisers import Group, build_groups
from dlpractice.training.optimisers.schedules import Plateau, Schedule
from dlpractice.training.pace import Pace, describe_seconds
from dlpractice.training.rate_finder import find_learning_rate
from dlpractice.training.steps import TrainStep

EXPLODED = 1e3
"""A loss that is finite, and yet beyond any use: to guess among 1,000 classes costs 7, and losses of pairs
are of the order of 1 where a net has learnt nothing yet."""


class Trainer:
    """Trains a model through one stage, and can stop at any step and go on from there."""

    def __init__(
        self,
        name: str,
        subject: Subject,
        settings: Settings,
        feed: Batches,
        examinations: Examinations,
        placement: Placement,
        outputs: Outputs,
    ) -> None:
        """Makes the optimisers.

        Args:
            name: what the stage is called in metrics.csv and in messages.
            feed: the batches of training.
        """
        self.name, self.model, self.settings, self.feed = name, subject.model, settings, feed
        self._examinations, self._placement, self._outputs = examinations, placement, outputs
        self._progress = outputs.progress
        with placement.strategy.scope():
            self._groups: tuple[Group, ...] = build_groups(
                self.model.trainable_variables,
                kind=settings.optimiser,
                weight_decay=settings.weight_decay,
                is_pretrained=subject.is_pretrained,
                pretrained_rate=settings.pretrained_rate,
            )
            self._scale = scale_for(settings.precision)
            self.model.compile(optimizer=self._groups[0].optimiser)  # callbacks read model.optimizer
        self._computation = Computation(subject, settings, feed, self._groups, self._scale, placement)
        self._step: TrainStep
        self._forward: Forward
        self._callbacks = keras.callbacks.CallbackList(
            list(outputs.callbacks), model=self.model, epochs=settings.epochs
        )
        self._best: list[NDArray[Any]] = []
        self._has_exploded = False
        self._keep_start = subject.keep_start
        self._pace = Pace(settings.epochs * feed.steps)
        self._schedule = Schedule(
            settings.schedule, settings.epochs * feed.steps, round(settings.warmup * feed.steps)
        )

    def train(self, position: Position, saved: Arrays | None = None) -> Position:
        """Trains from `position` to the end of the stage, and restores the weights of the best epoch.

        Args:
            position: is moved along, and returned.
            saved: the arrays of the checkpoint that `position` was read from; None at the start of a stage.

        Raises:
            KeyboardInterrupt: Ctrl-C or SIGTERM came. A checkpoint was written before.
        """
        if saved is not None:
            self._restore(saved)
        if not position.finished:
            self._compile()
            with deferring_interrupts() as noted:
                interrupted = Agreement(noted, self._placement)
                self._run(position, interrupted)
                if interrupted.reached():  # in the last evaluation, after which no step follows
                    raise KeyboardInterrupt
        self._assign(self.model.variables, self._best)
        return position

    def _compile(self) -> None:
        """Makes the step and the forward pass, compiled or not; the choice is recorded before the first step,
        so that the stage goes on by it whenever it is taken up again."""
        computation = self._computation

        def restoring(choose: Callable[[], Compilation]) -> Compilation:
            before = self._arrays()
            choice = choose()
            self._restore(before)
            return choice

        choice = computation.choose(restoring)
        if self.settings.compiled is True and choice.obstacle:
            self._progress.warn(f"{self.name}: hardware.compile: not compiled, since {choice.obstacle}")
        self._outputs.note_compilation(self.name, choice)
        self._step, self._forward = computation.step(choice.compiled), computation.forward(choice.compiled)

    def _run(self, position: Position, interrupted: Agreement) -> None:
        self._progress.stage(f"training {self.name}", self.settings.epochs, "epochs")
        if position.learning_rate == 0:
            position.learning_rate = self._choose_learning_rate()
        if self._keep_start and not self._best:
            position.lowest = self._rank(self._examine(self._examinations.validation)[0])
            self._best = [variable.numpy() for variable in self.model.variables]
        self._callbacks.on_train_begin()
        self.model.stop_training = False
        while position.epoch < self.settings.epochs and not self._must_stop(position):
            self._callbacks.on_epoch_begin(position.epoch)
            row = self._train_epoch(position, interrupted)
            self._note_epoch(position, row)
            self._callbacks.on_epoch_end(
                position.epoch - 1, {k: v for k, v in row.items() if isinstance(v, float)}
            )
            if self._outputs.checkpoints.is_due:
                self._save(position)
            if not math.isfinite(_number(row, "loss")):
                self._progress.warn(f"{self.name}: the training loss is not a number any more; stopping here")
                break
            self._warn_of_explosion(row)
        self._callbacks.on_train_end()
        position.finished = True
        self._save(position)

    def _warn_of_explosion(self, row: Mapping[str, object]) -> None:
        loss = _number(row, "loss")
        if loss >= EXPLODED and not self._has_exploded:
            self._has_exploded = True
            self._progress.warn(
                f"{self.name}: the training loss is {loss:.2g} after epoch {row['epoch']}, which no net that "
                f"learns has; a lower learning rate than {row['learning_rate']:.2g} may help"
            )

    def _choose_learning_rate(self) -> float:
        if self.settings.learning_rate != "auto":
            return self.settings.learning_rate
        before = self._arrays()
        test = find_learning_rate(self._step, self.feed)
        rate = float(self._placement.agree(test.chosen))
        self._restore(before)
        self._outputs.note_range(test)
        self._progress.say(f"{self.name}: the learning-rate finder chose {rate:.2g}")
        return rate

    def _train_epoch(self, position: Position, interrupted: Agreement) -> dict[str, object]:
        started, images, first = time.perf_counter(), 0, position.step
        for batch in self.feed.batches(position.epoch, position.step):
            self._callbacks.on_train_batch_begin(position.step)
            loss = self._step(batch, self._rate(position, position.optimiser_steps))
            images += len(batch[0]) * self._placement.workers  # shares differ by one image at most
            position.step += 1
            position.optimiser_steps += 1
            self._watch_pace(loss)
            # Keras's list of callbacks would wait for the loss.
            for callback in self._callbacks.callbacks:
                callback.on_train_batch_end(position.step - 1, LazyLogs({"loss": loss}))
            self._progress.batch(
                position.epoch + 1, self.settings.epochs, position.step, self.feed.steps, len(batch[0])
            )
            if interrupted.after_step(position.step, last=position.step == self.feed.steps):
                self._save(position)
                raise KeyboardInterrupt
            if self._outputs.checkpoints.is_due:
                self._save(position)
        if images:
            float(loss)  # is there when the last step has ended
        trained = time.perf_counter() - started
        interrupted.pace(trained / max(1, position.step - first))
        (loss, accuracy), (val_loss, val_accuracy) = self._examine(
            self._examinations.train_sample, self._examinations.validation
        )
        return {
            "stage": self.name,
            "epoch": position.epoch + 1,
            "step": position.optimiser_steps,
            "seconds": time.perf_counter() - started,
            "learning_rate": self._rate(position, position.optimiser_steps - 1),
            "images_per_second": images / trained,
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
        }

    def _watch_pace(self, loss: Any) -> None:
        """Tells, once, how long the stage will take; its first steps are waited for."""
        if self._pace.is_told:
            return
        float(loss)
        if (expected := self._pace.tick()) is not None:
            self._outputs.note_expected(self.name, expected)
            self._progress.say(f"{self.name}: about {describe_seconds(*expected)} in all")

    def _rate(self, position: Position, step: int) -> float:
        """The learning rate of fresh layers at optimiser step `step` of this stage."""
        return position.learning_rate * position.plateau_factor * self._schedule.factor(step)

    def _note_epoch(self, position: Position, row: Mapping[str, object]) -> None:
        """Moves `position` to the next epoch, and keeps the weights if this epoch is the best so far."""
        rank = self._rank((_number(row, "val_loss"), _number(row, "val_accuracy")))
        improved = not self._best or rank < position.lowest
        if improved:
            position.lowest, position.best_epoch, position.waited = rank, position.epoch, 0
            self._best = [variable.numpy() for variable in self.model.variables]
        else:
            position.waited += 1
        if self.settings.schedule == "plateau":
            plateau = Plateau(position.plateau_factor, position.plateau_waited)
            plateau.update(improved=improved)
            position.plateau_factor, position.plateau_waited = plateau.factor, plateau.waited
        position.epoch, position.step, position.rows = position.epoch + 1, 0, position.rows + 1
        self._outputs.record(row)
        self._progress.epoch(row, improved)

    def _examine(self, *examinations: Examination) -> list[Scores]:
        """Measures the scores. Every worker gets those of the chief, so that all choose the same best epoch
        and stop after the same one."""
        answers = iter(forward_each(self._forward, [one for exam in examinations for one in exam.questions]))
        scores = [exam.score([next(answers) for _ in exam.questions]) for exam in examinations]
        return [(loss, accuracy) for loss, accuracy in self._placement.agree(scores)]

    def _rank(self, validation: Scores) -> float:
        """A number that is lowest for the best epoch."""
        loss, accuracy = validation
        return loss if self.settings.monitor == "val_loss" else -accuracy

    def _must_stop(self, position: Position) -> bool:
        patience = self.settings.patience
        return bool(self.model.stop_training) or (patience is not None and position.waited >= patience)

    def _save(self, position: Position) -> None:
        self._outputs.checkpoints.write(position, self._arrays())

    def _arrays(self) -> Arrays:
        """Everything that training changes: the weights and the states of random generators (both are
        variables of the model), the optimisers' variables, what the loss is scaled by in float16, and the
        weights of the best epoch."""
        optimisers = [v.numpy() for group in self._groups for v in group.optimiser.variables]
        scale = [variable.numpy() for variable in self._scale.variables] if self._scale else []
        return {
            "model": [variable.numpy() for variable in self.model.variables],
            "optimiser": optimisers,
            "best": self._best,
            "scale": scale,
        }

    def _restore(self, saved: Arrays) -> None:
        try:
            self._assign(self.model.variables, saved["model"])
            self._assign([v for group in self._groups for v in group.optimiser.variables], saved["optimiser"])
        except (KeyError, ValueError) as error:  # other names, numbers or shapes of arrays
            raise RunError(
                f"the checkpoint is of another net, or damaged: {error}",
                "start the run again in another --run-dir",
            ) from error
        self._best = saved.get("best", [])
        if self._scale and "scale" in saved:  # checkpoints of earlier versions have none
            self._assign(self._scale.variables, saved["scale"])

    @staticmethod
    def _assign(variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> None:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _number(row: Mapping[str, object], key: str) -> float:
    value = row[key]
    assert isinstance(value, float)
    return value
