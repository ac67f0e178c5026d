"""What a net does while it trains, recorded for `dlp diagnose`: `diagnostics.json` of a run.

Before any step: the loss of the first batch, whether that batch can be learnt, what the first trained layer
sees, and each layer. After each epoch, on that same batch: each layer's gradient, weights, dead and saturated
units, how far one step of the epoch moved it, and the range of the output. The training stays as it is, bit
for bit: weights, statistics and generator states that are touched are put back.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.training.devices.placement import Placement
from dlpractice.training.diagnostics.activations import Document, Flow, activation_of, walk
from dlpractice.training.optimisers.optimisers import build_groups
from dlpractice.training.steps import Loss, compile_train_step, scale_of_loss

Read = Callable[[], Mapping[str, Any] | None]
Write = Callable[[Mapping[str, object]], None]

_LEARNING_STEPS = 100
_LEARNING_RATE = 1e-3
_LEARNT = 0.1
"""Share of the loss, above the lowest possible, at which a batch counts as learnt."""
_MOST_EPOCHS = 100


@dataclass(frozen=True)
class Probe:
    """What is looked at, the same throughout a stage.

    batch: what a step takes. net: the layers from the symbolic tensor `start` to the output. inputs: (n, ...)
    the batch's values at `start`. describe_output: from what `net` gives for them to what is recorded of it.
    floor: the lowest loss there can be on the batch, in the loss's unit; None where nobody knows. facts: of
    the task, recorded with the start.
    """

    batch: Sequence[Any]
    net: keras.Model
    start: Any
    inputs: Any
    describe_output: Callable[[NDArray[np.float32]], Document]
    floor: float | None
    facts: Mapping[str, Any]


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Fills diagnostics.json of a run, stage by stage.

    loss: see `steps.Loss`. precision: what the model computes in. read and write: the document as it stands,
    and its keeping; a run that goes on finds what was recorded, and records again the epochs that it repeats.
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
        """Record the start of the first stage, once."""
        document = self._document()
        if "start" not in document:
            self._write(document | {"start": self._describe_start()})

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note which epoch it is, counted from 0 in the stage."""
        self._epoch, self._before = epoch, None

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Keep the weights in front of an epoch's first step; with accumulated gradients, several batches
        make one."""
        if batch == 0 or (self._before is None and self._is_unmoved()):
            self._before = [variable.numpy() for variable in self.model.trainable_variables]

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record how far the epoch's first step moved each layer: at once, for the run may be stopped before
        the epoch ends."""
        if self._before is None:
            return
        kept = dict(zip(map(id, self.model.trainable_variables), self._before, strict=True))
        ratios = {}
        for layer in walk(self.model):
            own = [(variable.numpy(), kept[id(variable)]) for variable in layer.trainable_variables]
            if norm := _norm(before for _, before in own):
                ratios[layer.name] = _norm(after - before for after, before in own) / norm
        has_moved = any(ratios.values())
        if batch == 0 or has_moved:
            self._write(self._document() | {"step": self._place() | {"update_ratios": ratios}})
        if has_moved:
            self._before = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the layers after epoch `epoch`, where it is one of those that are recorded."""
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
        """By layer, of this epoch's first step; none where it was not taken yet."""
        step = document.get("step", {})
        return step["update_ratios"] if self._place().items() <= step.items() else {}

    def _is_unmoved(self) -> bool:
        """Whether this epoch has begun, and has not moved any weight yet."""
        ratios = self._read_ratios(self._document())
        return bool(ratios) and not any(ratios.values())

    def _is_recorded(self, epoch: int) -> bool:
        """The first and the last, and of those between as many as keep the file small."""
        last = self.params["epochs"] - 1
        return epoch in (0, last) or (epoch + 1) % -(-(last + 1) // _MOST_EPOCHS) == 0

    def _document(self) -> Document:
        return dict(self._read() or {})

    def _describe_start(self) -> Document:
        kept = [variable.numpy() for variable in self.model.variables]
        before, _ = self._measure()
        # Statistics of normalisation are none yet: only as a step sees it do the values say anything.
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
        """The batch's loss after so many steps of an optimiser of its own, at a rate that suits most nets:
        this asks whether the net can learn, not whether the run's rate is right."""
        with self._placement.strategy.scope():
            groups = build_groups(
                self.model.trainable_variables,
                kind="adamw",
                weight_decay=0.0,
                is_pretrained=lambda variable: False,
                pretrained_rate=1.0,
            )
        step = compile_train_step(self._loss, groups, self._placement, self._precision)
        loss, taken = before, -1  # a step gives the loss in front of it
        with without_dropout(self.model):
            while taken < _LEARNING_STEPS and loss - floor > _LEARNT * (before - floor):
                loss, taken = float(step(self._probe.batch, _LEARNING_RATE)), taken + 1
        return loss, max(taken, 0)

    def _measure(self) -> tuple[float, list[NDArray[Any]]]:
        """The batch's loss and its gradients, as a step without dropout would have them."""
        if self._gradients is None:
            # Without it the smallest gradients of float16 would be recorded as zero.
            scale = scale_of_loss(self._precision)
            self._gradients = compile_gradients(self.model, self._loss, self._placement, scale)
        kept = [variable.numpy() for variable in self.model.non_trainable_variables]
        with without_dropout(self.model):
            loss, gradients = self._gradients(self._probe.batch)
        _assign(self.model.non_trainable_variables, kept)  # statistics have moved
        return float(loss), gradients

    def _look(
        self, ratios: Mapping[str, float], *, training: bool
    ) -> tuple[Document, Document | None, list[Document]]:
        """The output, what the first trained layer sees, and the layers."""
        outputs, seen, shares = self._flow.measure(self._probe.inputs, training=training)
        _, gradients = self._measure()
        by_variable = dict(zip(map(id, self.model.trainable_variables), gradients, strict=True))
        layers = []
        for layer in walk(self.model):
            if not layer.weights and layer.name not in shares:
                continue
            row = {"name": layer.name, "kind": type(layer).__name__, "activation": activation_of(layer)}
            row["trained"] = bool(layer.trainable_variables)
            if layer.trainable_variables:
                row["gradient_norm"] = _norm(by_variable[id(own)] for own in layer.trainable_variables)
                row["weight_norm"] = _norm(own.numpy() for own in layer.trainable_variables)
                row["update_ratio"] = ratios.get(layer.name)
                if getattr(layer, "use_bias", False):
                    row["bias_mean"] = float(layer.bias.numpy().mean())
            layers.append(row | shares.get(layer.name, {}))
        return self._probe.describe_output(outputs), seen, layers


@contextmanager
def without_dropout(model: keras.Model) -> Iterator[None]:
    """What is traced or run in the block drops nothing: neither noise nor dropout that is too high is to be
    taken for a net that cannot learn."""
    rates = {layer: layer.rate for layer in walk(model) if isinstance(layer, keras.layers.Dropout)}
    for layer in rates:
        layer.rate = 0.0
    try:
        yield
    finally:
        for layer, rate in rates.items():
            layer.rate = rate


def compile_gradients(
    model: keras.Model, loss: Loss, placement: Placement, scale: float = 1.0
) -> Callable[[Sequence[Any]], tuple[Any, list[NDArray[Any]]]]:
    """A function from a global batch to its loss and the gradients of `model`'s trainable variables.

    scale: a factor on the loss that is taken out of the gradients again, for half precision.
    """

    def replica(*batch: Any) -> Any:
        with tf.GradientTape() as tape:
            share = loss(*batch)
            scaled = share * scale
        variables = [variable.value for variable in model.trainable_variables]
        gradients = tape.gradient(scaled, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return [share, *(tf.convert_to_tensor(gradient) / scale for gradient in gradients)]

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def run(batch: Any) -> Any:
        parts = placement.strategy.run(replica, args=batch)
        return [placement.strategy.reduce(tf.distribute.ReduceOp.SUM, part, axis=None) for part in parts]

    def measure(batch: Sequence[Any]) -> tuple[Any, list[NDArray[Any]]]:
        total, *gradients = run(placement.deal(batch))
        return total, [gradient.numpy() for gradient in gradients]

    return measure


def _norm(arrays: Any) -> float:
    return math.sqrt(sum(float(np.square(np.asarray(array, np.float64)).sum()) for array in arrays))


def _assign(variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
