"""What is recorded of a net on the first batch of its training, as diagnostics.json has it."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from dlpractice.callback.net_state import Arrays, Seen, Weights, copy_array, learn, look, measure
from dlpractice.callback.task import describe_loss, describe_output, describe_targets
from dlpractice.callback.wiring import describe_wiring
from dlpractice.training.diagnostics.net_layers import Document, describe_layer, norm, walk

_LEARNING_STEPS = 100
_LEARNING_RATE = 1e-3
_LEARNT = 0.1
"""A batch counts as learnt when no more than this share of its loss is left."""


class Observation:
    """A net, and the batch on which it is observed.

    Args:
        batch: what the data gave, (x, y) or (x, y, sample_weight).
        note: takes sentences about what cannot be recorded.
    """

    def __init__(self, model: keras.Model, batch: Any, note: Callable[[str], None]) -> None:
        self._model, self._batch, self._note = model, batch, note

    def describe_start(self, before: Weights, *, one_batch: bool) -> Document:
        """What `start` in diagnostics.json says.

        before: the weights before the first step. one_batch: whether to try if the batch can be learnt.
        """
        _, y, sample_weight = keras.utils.unpack_x_y_sample_weight(self._batch)
        seen = look(self._model, self._batch, before, training=True)
        found = self._describe(seen, before, {})
        found |= describe_wiring(seen.calls) | {"penalty": seen.penalty, "dropout": self._find_dropout()}
        found |= self._count_kernels(before)
        found["examples"] = int(keras.tree.flatten(self._batch)[0].shape[0])
        if (
            "output" in found
            and not isinstance(self._model.loss, (dict, list, tuple))
            and self._model.loss is not None
        ):
            loss = describe_loss(self._model.loss, found["output"]["activation"])
            targets = {} if y is None else describe_targets(y, found["output"]["units"], loss["loss_name"])
            if sample_weight is not None or self._model.losses:
                targets.pop("classes", None)  # the loss of guessing is not known
            found |= loss | targets
        if one_batch and "loss" in found:
            until = _LEARNT * found["loss"]
            after, steps = learn(
                self._model,
                self._batch,
                before,
                steps=_LEARNING_STEPS,
                rate=_LEARNING_RATE,
                until=until,
            )
            found["one_batch"] = {"before": found["loss"], "after": after, "floor": None, "steps": steps}
        return found

    def describe(self, weights: Weights, ratios: Mapping[str, float], *, training: bool) -> Document:
        """Describes the net with `weights` on the batch. ratios: see `compare`."""
        return self._describe(look(self._model, self._batch, weights, training=training), weights, ratios)

    def _describe(self, seen: Seen, weights: Weights, ratios: Mapping[str, float]) -> Document:
        found: Document = {"inputs": seen.inputs}
        if hasattr(seen.output, "shape"):
            found["output"] = describe_output(seen)
        else:
            self._note("of several outputs, neither their ranges nor their losses are recorded")
        gradients: dict[int, Any] = {}
        if reason := self._lacks_gradients():
            self._note(f"neither gradients nor the first loss are recorded: {reason}")
        else:
            found["loss"], arrays = measure(self._model, self._batch, weights)
            gradients = dict(zip(map(id, self._model.trainable_variables), arrays, strict=True))
        own = dict(zip(map(id, self._model.trainable_variables), weights.trained, strict=True))
        found["layers"] = [
            describe_layer(layer, own, gradients, ratios.get(layer.name)) | seen.idle.get(layer.name, {})
            for layer in walk(self._model)
            if layer.weights or layer.name in seen.idle
        ]
        return found

    def _find_dropout(self) -> float:
        """The highest rate of a dropout layer; 0 where there is none."""
        layers = (layer for layer in walk(self._model) if isinstance(layer, keras.layers.Dropout))
        return max((float(layer.rate) for layer in layers), default=0.0)

    def _count_kernels(self, weights: Weights) -> Document:
        """How many trained layers have weights of inputs, and how many of these are one number everywhere."""
        own = dict(zip(map(id, self._model.trainable_variables), weights.trained, strict=True))
        kernels = [own.get(id(getattr(layer, "kernel", None))) for layer in walk(self._model)]
        sizes = [kernel for kernel in kernels if kernel is not None and kernel.size > 1]
        return {"kernels": len(sizes), "even_kernels": sum(float(np.ptp(kernel)) == 0 for kernel in sizes)}

    def _lacks_gradients(self) -> str:
        """Why gradients cannot be recorded; "" where they can."""
        if not self._model.trainable_variables:
            return "no weight is trained"
        if type(self._model).train_step is not keras.Model.train_step:
            return "the model has a train_step of its own"
        return ""

    def compare(self, before: Arrays) -> dict[str, float]:
        """How far each layer has moved since, over the norm that its weights had."""
        if self._model.steps_per_execution > 1:
            self._note("updates are not recorded: several steps are taken at once")
            return {}
        kept = dict(zip(map(id, self._model.trainable_variables), before, strict=True))
        ratios = {}
        for layer in walk(self._model):
            own = [(copy_array(variable), kept[id(variable)]) for variable in layer.trainable_variables]
            if size := norm(old for _, old in own):
                ratios[layer.name] = norm(new - old for new, old in own) / size
        return ratios
