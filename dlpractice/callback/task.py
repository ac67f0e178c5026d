"""What a net is trained for, as far as `compile` and a batch tell: what the loss takes, and which targets."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.callback.net_state import Seen, copy_array
from dlpractice.training.diagnostics.net_layers import Document, activation_of, describe_values

_BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
_CATEGORICAL = ("categorical_crossentropy", "categorical_focal_crossentropy")
_SPARSE = ("sparse_categorical_crossentropy",)
_MOST_CLASSES = 1000
"""Of more classes, it is not counted how often each is there."""


def name_loss(loss: Any) -> str:
    """The name of a loss that `compile` was given: of the function that it computes, where Keras has one."""
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    function = getattr(loss, "fn", loss)
    return str(getattr(function, "__name__", type(function).__name__))


def describe_loss(loss: Any, activation: str | None) -> Document:
    """`loss_name`, and `loss_takes`: logits, probabilities, or None where that is not known.

    activation: what the last layer ends in. Under TensorFlow, Keras takes the logits from before a softmax or
    a sigmoid where the loss wants them: then both will do.
    """
    name = name_loss(loss)
    takes = None
    if name in (*_BINARY, *_CATEGORICAL, *_SPARSE):
        takes = "logits" if getattr(loss, "from_logits", False) else "probabilities"
    if keras.backend.backend() == "tensorflow" and takes == "logits" and activation in ("softmax", "sigmoid"):
        takes = None
    return {"loss_name": name, "loss_takes": takes}


def describe_output(seen: Seen) -> Document:
    """The activation of the last layer, its number of units, and the range of what the net gives."""
    values = copy_array(seen.output)
    return {
        "activation": None if seen.last is None else activation_of(seen.last),
        "units": values.shape[-1] if values.ndim > 1 else 1,
        **describe_values(values),
    }


def describe_targets(y: Any, units: int, name: str) -> Document:
    """`targets`, the range of what the net shall give, with the range that the loss `name` takes if it is one
    of Keras's crossentropies (`takes`); and `classes`, their number, if it is one.

    Of the targets also `whole`, whether all are whole numbers; `sums`, the lowest and highest sum of those of
    an example, or of a place, where it has several; and `counts`, how many of the batch are of each class.

    units: how many numbers the net gives for an example, or for a place.
    """
    takes = {**dict.fromkeys((*_BINARY, *_CATEGORICAL), (0, 1)), **dict.fromkeys(_SPARSE, (0, units - 1))}
    classes = {**dict.fromkeys(_BINARY, 2), **dict.fromkeys((*_CATEGORICAL, *_SPARSE), units)}
    found: Document = {}
    values = copy_array(y)
    if np.issubdtype(values.dtype, np.number) or values.dtype == np.bool_:
        found["targets"] = describe_values(values) | {"takes": takes.get(name)} | _describe_form(values)
        if name in (*_CATEGORICAL, *_SPARSE) and units <= _MOST_CLASSES:
            found["targets"]["counts"] = _count_classes(values, units, sparse=name in _SPARSE)
    if classes.get(name, 0) > 1:
        found["classes"] = classes[name]
    return found


def _describe_form(values: NDArray[Any]) -> Document:
    several = values.ndim > 1 and values.shape[-1] > 1
    sums = values.sum(axis=-1, dtype=float) if several and np.isfinite(values).all() else None
    return {
        "whole": bool((values == np.round(values)).all()),
        "sums": None if sums is None else [float(sums.min()), float(sums.max())],
    }


def _count_classes(values: NDArray[Any], units: int, *, sparse: bool) -> list[int]:
    """How many targets are of each class; those that are of none are left out."""
    numbers = values if sparse else values.argmax(axis=-1)
    known = numbers[(numbers >= 0) & (numbers < units)]
    return [int(count) for count in np.bincount(known.astype(int).ravel(), minlength=units)]
