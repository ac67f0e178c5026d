"""Records what a net does while it trains, in a run's `diagnostics.json`, for `dlp diagnose`.

Before the first step, this is the loss of the first batch, whether that batch can be learnt, what the first
trained layer sees, and the state of each layer. After each epoch, it is measured on the same batch: for each
layer its gradient, its weights, its dead and saturated units, and how far the epoch's first step moved it;
and the range of the output. The training ends with the same bits as without: weights, statistics and
generator states that the recording changes are put back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.training.batches.feed import take_as_they_are
from dlpractice.training.devices.placement import Placement
from dlpractice.training.diagnostics.activations import Flow
from dlpractice.training.diagnostics.net_layers import Document, describe_layer, norm, walk, without_dropout
from dlpractice.training.optimisers.loss_scale import scale_for
from dlpractice.training.optimisers.optimisers import build_groups
from dlpractice.training.steps import Loss, Prepare, compile_train_step

Read = Callable[[], Mapping[str, Any] | None]
Write = Callable[[Mapping[str, object]], None]

_LEARNING_STEPS = 100
_LEARNING_RATE = 1e-3
_LEARNT = 0.1
"""A batch counts as learnt when no more than this share of its loss above the floor is left."""
_MOST_EPOCHS = 100
_FLOAT16_SCALE = 1024.0
"""What the loss is scaled by where gradients are measured in float16: without, the smallest would be recorded
as zero."""


@dataclass(frozen=True)
class Probe:
    """The batch and the part of the net that are looked at throughout a stage.

    Args:
        batch: what a step takes.
        net: the layers from the symbolic tensor `start` to the output.
        inputs: (n, ...) the batch's values at `start`.
        describe_output: from the output of `net` for these inputs to what is recorded of it.
        floor: the lowest loss that is possible on the batch, in the loss's unit; None if it is not known.
        facts: what is known of the task; recorded with the start.
        prepare: what a step does to the batch before the loss; see `Batches.prepare`.
    """

    batch: Sequence[Any]
    net: keras.Model
    start: Any
    inputs: Any
    describe_output: Callable[[NDArray[np.float32]], Document]
    floor: float | None
    facts: Mapping[str, Any]
    prepare: Prepare = take_as_they_are


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Fills diagnostics.json of a run, stage by stage.

    Args:
        loss: see `steps.Loss`.
        precision: what the model computes in.
        read: gives the document as it is on disk, or None. A run that goes on finds in it what was recorded
            before, and records again the epochs that it repeats.
        write: replaces the document.
    """

    def __init__(
        self,
        stage: str,
        probe: Probe,
        loss: Loss,
        placement: Placement,
        precision: str,
        read: Read,
        write: Write,
    ) -> None:
        super().__init__()
        self._stage, self._probe, self._loss = stage, probe, loss
        self._placement, self._precision = placement, precision
        self._read, self._write = read, write
        self._flow = Flow(probe.net, probe.start)
        self._epoch = 0
        self._before: list[NDArray[Any]] | None = None
        self._gradients: Callable[..., Any] | None = None

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Record the net at the start of the first stage, once."""
        document = self._document()
        if "start" not in document:
            self._write(document | {"start": self._describe_start()})

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note which epoch it is, counted from 0 in the stage."""
        self._epoch, self._before = epoch, None

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Keep the weights before an epoch's first step. If an optimiser accumulates gradients, several
        batches pass before the weights move."""
        if batch == 0 or (self._before is None and self._is_unmoved()):
            self._before = [variable.numpy() for variable in self.model.trainable_variables]

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record how far the epoch's first step moved each layer. This is written at once, because the run
        may be stopped before the epoch ends."""
        if self._before is None:
            return
        kept = dict(zip(map(id, self.model.trainable_variables), self._before, strict=True))
        ratios = {}
        for layer in walk(self.model):
            own = [(variable.numpy(), kept[id(variable)]) for variable in layer.trainable_variables]
            if before_norm := norm(before for _, before in own):
                ratios[layer.name] = norm(after - before for after, before in own) / before_norm
        has_moved = any(ratios.values())
        if batch == 0 or has_moved:
            self._write(self._document() | {"step": self._place() | {"update_ratios": ratios}})
        if has_moved:
            self._before = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the layers after epoch `epoch`, if it is one of those that are recorded."""
        document = self._document()
        ratios = self._read_ratios(document)
        document.pop("step", None)
        rows = document.get("epochs", [])
        rows = [row for row in rows if row["stage"] != self._stage or row["epoch"] <= epoch]
        if self._is_recorded(epoch):
            output, _, layers = self._look(ratios, training=False)
            rows.append(self._place() | {"output": output, "layers": layers})
        self._write(document | {"epochs": rows})

    def _place(self) -> Document:
        return {"stage": self._stage, "epoch": self._epoch + 1}

    def _read_ratios(self, document: Document) -> Mapping[str, float]:
        """How far this epoch's first step moved each layer; empty if that step was not taken yet.

        Where a run was killed after the epoch's end, and goes on from a checkpoint behind that step, the
        epoch's own row has them.
        """
        place, step = self._place().items(), document.get("step", {})
        if place <= step.items():
            ratios: Mapping[str, float] = step["update_ratios"]
            return ratios
        layers = next((row["layers"] for row in document.get("epochs", ()) if place <= row.items()), ())
        return {layer["name"]: ratio for layer in layers if (ratio := layer.get("update_ratio")) is not None}

    def _is_unmoved(self) -> bool:
        """Whether a step of this epoch was recorded that moved no weight."""
        ratios = self._read_ratios(self._document())
        return bool(ratios) and not any(ratios.values())

    def _is_recorded(self, epoch: int) -> bool:
        """The first and the last epoch are recorded, and between them so many that the file stays small."""
        last = self.params["epochs"] - 1
        return epoch in (0, last) or (epoch + 1) % -(-(last + 1) // _MOST_EPOCHS) == 0

    def _document(self) -> Document:
        return dict(self._read() or {})

    def _describe_start(self) -> Document:
        kept = [variable.numpy() for variable in self.model.variables]
        before, _ = self._measure()
        # Normalisation has measured no statistics yet, so the values mean something in training mode only.
        with without_dropout(self.model):
            output, seen, layers = self._look({}, training=True)
        floor = self._probe.floor
        after, steps = self._learn_batch(before, floor or 0.0)
        _assign(self.model.variables, kept)
        return {
            "stage": self._stage,
            "examples": len(self._probe.inputs),
            "loss": before,
            "one_batch": {"before": before, "after": after, "floor": floor, "steps": steps},
            "inputs": seen,
            "output": {"activation": self._flow.last_activation} | output,
            "layers": layers,
            **self._probe.facts,
        }

    def _learn_batch(self, before: float, floor: float) -> tuple[float, int]:
        """Trains on the one batch, and returns its loss afterwards and the number of steps.

        The optimiser is one of its own, at a rate that suits most nets: the question is whether the net can
        learn, not whether the run's rate is right.

        Args:
            before: the loss of the batch at the start.
            floor: the lowest loss that is possible.
        """
        with self._placement.strategy.scope():
            groups = build_groups(
                self.model.trainable_variables,
                kind="adamw",
                weight_decay=0.0,
                is_pretrained=lambda variable: False,
                pretrained_rate=1.0,
            )
            scale = scale_for(self._precision)
        step = compile_train_step(
            self._loss, groups, self._placement, scale=scale, prepare=self._probe.prepare
        )
        loss, taken = before, -1  # a step returns the loss before it
        with without_dropout(self.model):
            while taken < _LEARNING_STEPS and loss - floor > _LEARNT * (before - floor):
                loss, taken = float(step(self._probe.batch, _LEARNING_RATE)), taken + 1
        return loss, max(taken, 0)

    def _measure(self) -> tuple[float, list[NDArray[Any]]]:
        """The batch's loss and its gradients, as in a step without dropout."""
        if self._gradients is None:
            scale = _FLOAT16_SCALE if self._precision == "float16" else 1.0
            self._gradients = compile_gradients(
                self.model, self._loss, self._placement, scale, self._probe.prepare
            )
        kept = [variable.numpy() for variable in self.model.non_trainable_variables]
        with without_dropout(self.model):
            loss, gradients = self._gradients(self._probe.batch)
        _assign(self.model.non_trainable_variables, kept)  # the step has moved the statistics
        return float(loss), gradients

    def _look(
        self, ratios: Mapping[str, float], *, training: bool
    ) -> tuple[Document, Document | None, list[Document]]:
        """Describes the output, what the first trained layer sees, and the layers."""
        outputs, seen, shares = self._flow.measure(self._probe.inputs, training=training)
        _, gradients = self._measure()
        by_variable = dict(zip(map(id, self.model.trainable_variables), gradients, strict=True))
        weights = {id(variable): variable.numpy() for variable in self.model.trainable_variables}
        layers = [
            describe_layer(layer, weights, by_variable, ratios.get(layer.name)) | shares.get(layer.name, {})
            for layer in walk(self.model)
            if layer.weights or layer.name in shares
        ]
        return self._probe.describe_output(outputs), seen, layers


def compile_gradients(
    model: keras.Model,
    loss: Loss,
    placement: Placement,
    scale: float = 1.0,
    prepare: Prepare = take_as_they_are,
) -> Callable[[Sequence[Any]], tuple[Any, list[NDArray[Any]]]]:
    """Compiles a function from a batch to its loss and the gradients of `model`'s trainable variables.

    Args:
        scale: a factor on the loss, for half precision. The gradients are divided by it.
        prepare: see `compile_train_step`.
    """

    def replica(*batch: Any) -> Any:
        with tf.GradientTape() as tape:
            share = loss(*prepare(*batch))
            scaled = share * scale
        variables = [variable.value for variable in model.trainable_variables]
        gradients = tape.gradient(scaled, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return [share, *(tf.convert_to_tensor(gradient) / scale for gradient in gradients)]

    @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def run(batch: Any) -> Any:
        parts = placement.strategy.run(replica, args=batch)
        return [placement.strategy.reduce(tf.distribute.ReduceOp.SUM, part, axis=None) for part in parts]

    def measure(batch: Sequence[Any]) -> tuple[Any, list[NDArray[Any]]]:
        total, *gradients = run(placement.deal(batch))
        return total, [gradient.numpy() for gradient in gradients]

    return measure


def _assign(variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
