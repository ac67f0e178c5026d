"""What a net does while it trains, recorded for `dlp diagnose`: `diagnostics.json` of a run.

At the start, before any step: the loss of the first batch, whether that batch can be learnt, the values that
the first trained layer sees, and the activation that the last layer ends in. After each epoch, on that same
batch: each layer's gradient norm, weight norm, dead and saturated share, and how far one step of the epoch
moved its weights. Nothing of it changes the training: all weights and generator states are put back.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.training.placement import Placement
from dlpractice.training.steps import Loss

Document = dict[str, Any]
Read = Callable[[], Mapping[str, Any] | None]
Write = Callable[[Mapping[str, object]], None]

_LEARNING_STEPS = 30
_LEARNING_RATE = 1e-3
# Beyond these a function's slope is below a hundredth of its largest one.
_FLAT = {"tanh": 3.0, "sigmoid": 6.0}
_FLAT_OUTPUTS = {
    name: float(np.tanh(x) if name == "tanh" else 1 / (1 + np.exp(-x))) for name, x in _FLAT.items()
}


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Fills diagnostics.json of a run, stage by stage.

    batch: what a step takes, inputs first; the same one throughout. loss: see `steps.Loss`. classes: how many
    there are, 0 for runs that do not classify. read and write: the document as it stands, and its keeping; a
    run that goes on finds what was recorded, and records the epochs anew that it repeats.
    """

    def __init__(
        self,
        stage: str,
        batch: Sequence[Any],
        loss: Loss,
        placement: Placement,
        classes: int,
        read: Read,
        write: Write,
    ) -> None:
        super().__init__()
        self._stage, self._batch, self._loss, self._placement = stage, batch, loss, placement
        self._classes, self._read, self._write = classes, read, write
        self._before: list[NDArray[Any]] = []
        self._ratios: dict[str, float] = {}
        self._gradients: Callable[..., Any] | None = None

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Record the start of the first stage, once."""
        document = self._document()
        if "start" not in document:
            document["start"] = self._describe_start()
            self._write(document)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note the weights in front of an epoch's first step."""
        if batch == 0:
            self._before = [variable.numpy() for variable in self.model.trainable_variables]

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note how far that step moved each layer."""
        if batch == 0 and self._before:
            moved: dict[str, list[float]] = {}
            pairs = zip(self.model.trainable_variables, self._before, strict=True)
            for variable, before in pairs:
                squares = moved.setdefault(layer_name(variable), [0.0, 0.0])
                squares[0] += float(np.square(variable.numpy() - before).sum())
                squares[1] += float(np.square(before).sum())
            self._ratios = {name: math.sqrt(a / b) for name, (a, b) in moved.items() if b > 0}

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the layers after epoch `epoch`, which counts from 0 in the stage."""
        document = self._document()
        kept = [
            row for row in document.get("epochs", []) if row["stage"] != self._stage or row["epoch"] <= epoch
        ]
        row = {"stage": self._stage, "epoch": epoch + 1, "layers": self._describe_layers()}
        self._write(document | {"epochs": [*kept, row]})

    def _document(self) -> Document:
        return dict(self._read() or {})

    def _describe_start(self) -> Document:
        kept = [variable.numpy() for variable in self.model.variables]
        loss, _ = self._measure()
        start = {
            "loss": loss,
            "classes": self._classes,
            "inputs": describe_inputs(self.model, self._batch[0]),
            "output": {"activation": last_activation(self.model)},
            "one_batch": {"before": loss, "after": self._learn_batch(), "steps": _LEARNING_STEPS},
        }
        for variable, value in zip(self.model.variables, kept, strict=True):
            variable.assign(value)
        return start

    def _learn_batch(self) -> float:
        """The batch's loss after some steps of an optimiser of its own, at a rate that suits most nets: this
        asks whether the net can learn, not whether its rate is right."""
        with self._placement.strategy.scope():
            optimiser = keras.optimizers.Adam(_LEARNING_RATE)
            optimiser.build(self.model.trainable_variables)
        for _ in range(_LEARNING_STEPS):
            _, gradients = self._measure()
            optimiser.apply(gradients, self.model.trainable_variables)
        return self._measure()[0]

    def _measure(self) -> tuple[float, list[Any]]:
        """The batch's loss and its gradients, as a step would have them."""
        if self._gradients is None:
            self._gradients = compile_gradients(self.model, self._loss, self._placement)
        loss, gradients = self._gradients(self._batch)
        return float(loss), gradients

    def _describe_layers(self) -> list[Document]:
        kept = [variable.numpy() for variable in self.model.non_trainable_variables]
        _, gradients = self._measure()
        for variable, value in zip(self.model.non_trainable_variables, kept, strict=True):
            variable.assign(value)  # the batch has moved statistics and drawn dropout
        squares: dict[str, list[float]] = {}
        for variable, gradient in zip(self.model.trainable_variables, gradients, strict=True):
            sums = squares.setdefault(layer_name(variable), [0.0, 0.0])
            sums[0] += float(np.square(np.asarray(gradient, np.float64)).sum())
            sums[1] += float(np.square(variable.numpy().astype(np.float64)).sum())
        layers: dict[str, Document] = {
            name: {
                "name": name,
                "gradient_norm": math.sqrt(gradient),
                "weight_norm": math.sqrt(weight),
                "update_ratio": self._ratios.get(name),
            }
            for name, (gradient, weight) in squares.items()
        }
        for name, shares in measure_activations(self.model, self._batch[0]).items():
            layers.setdefault(name, {"name": name}).update(shares)
        return list(layers.values())


def layer_name(variable: Any) -> str:
    """The name of the layer that a variable belongs to: its path without the last part."""
    return str(variable.path.rpartition("/")[0] or variable.path)


def compile_gradients(
    model: keras.Model, loss: Loss, placement: Placement
) -> Callable[[Sequence[Any]], tuple[Any, list[Any]]]:
    """A function from a global batch to its loss and the gradients of `model`'s trainable variables."""

    def replica(*batch: Any) -> Any:
        with tf.GradientTape() as tape:
            share = loss(*batch)
        variables = [variable.value for variable in model.trainable_variables]
        gradients = tape.gradient(share, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return share, [tf.convert_to_tensor(gradient) for gradient in gradients]

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def run(batch: Any) -> Any:
        shares = placement.strategy.run(replica, args=batch)
        total = tf.distribute.ReduceOp.SUM
        flat = tf.nest.flatten(shares)
        if placement.replicas == 1:
            return flat
        return [placement.strategy.reduce(total, part, axis=None) for part in flat]

    def measure(batch: Sequence[Any]) -> tuple[Any, list[Any]]:
        loss_value, *gradients = run(placement.deal(batch))
        return loss_value, gradients

    return measure


def describe_inputs(model: keras.Model, inputs: Any) -> Document | None:
    """Lowest, highest, mean and standard deviation of what the first trained layer of a graph of layers
    sees; None where nothing is trained."""
    layer = next((layer for layer in model.layers if layer.trainable_variables), None)
    if layer is None:
        return None
    seen = np.asarray(_forward(model, [layer.input], inputs)[0], np.float64)
    return {
        "low": float(seen.min()),
        "high": float(seen.max()),
        "mean": float(seen.mean()),
        "std": float(seen.std()),
    }


def last_activation(model: keras.Model) -> str | None:
    """The name of the activation that the last layer ends in; None where it has no such thing."""
    activation = getattr(model.layers[-1], "activation", None)
    return getattr(activation, "__name__", None)


def measure_activations(model: keras.Model, inputs: Any) -> dict[str, Document]:
    """By layer: `dead`, the share of a ReLU layer's units that are zero for every example (of convolutions:
    channels, at every place), and `saturated`, the share of tanh's and sigmoid's values at their flat ends.
    """
    kinds = {
        layer.name: getattr(getattr(layer, "activation", None), "__name__", "") for layer in model.layers
    }
    chosen = [layer for layer in model.layers if kinds[layer.name] in ("relu", *_FLAT)]
    if not chosen:
        return {}
    outputs = _forward(model, [layer.output for layer in chosen], inputs)
    shares: dict[str, Document] = {}
    for layer, output in zip(chosen, outputs, strict=True):
        values = np.asarray(output, np.float32)
        if kinds[layer.name] == "relu":
            shares[layer.name] = {
                "dead": float((values.reshape(-1, values.shape[-1]) <= 0).all(axis=0).mean())
            }
        else:
            shares[layer.name] = {"saturated": _flat_share(kinds[layer.name], values)}
    return shares


def _flat_share(kind: str, values: NDArray[np.float32]) -> float:
    end = _FLAT_OUTPUTS[kind]
    low = -end if kind == "tanh" else 1 - end
    return float(((values >= end) | (values <= low)).mean())


def _forward(model: keras.Model, tensors: list[Any], inputs: Any) -> list[Any]:
    """The values of tensors of the model's graph in inference mode."""
    values = tf.cast(tf.convert_to_tensor(inputs), tf.float32)
    return list(keras.Model(model.inputs, tensors)(values, training=False))
