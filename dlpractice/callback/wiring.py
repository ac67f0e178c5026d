"""How the layers of a net follow each other, seen from the tensors that they hand on on one batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from dlpractice.training.diagnostics.net_layers import Document, activation_of

_WEIGHING = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)
"""Layers that weigh what they see: two of them without an activation between are as good as one."""
_PASSING = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.BatchNormalization,
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.ZeroPadding2D,
    keras.layers.Rescaling,
    keras.layers.Normalization,
)
"""Layers that keep a linear function linear."""


@dataclass(frozen=True)
class Call:
    """A layer, and the tensors that it was given and gave."""

    layer: keras.layers.Layer
    inputs: Any
    output: Any


def describe_wiring(calls: Sequence[Call]) -> Document:
    """What diagnostics.json says of how layers follow each other.

    after_softmax: the layers that weigh, or take a softmax of, what a softmax has given. linear_layers: how
    many layers that weigh stand in a net that is linear but for what it ends in; None in any other net, and
    where a net does more with its tensors than to hand them from layer to layer.
    """
    makers = {
        id(tensor): call
        for call in calls
        for tensor in keras.tree.flatten(call.output)
        if all(tensor is not given for given in keras.tree.flatten(call.inputs))
    }
    return {
        "after_softmax": [call.layer.name for call in calls if _follows_softmax(call, makers)],
        "linear_layers": _count_linear(calls, makers),
    }


def _follows_softmax(call: Call, makers: dict[int, Call]) -> bool:
    if not isinstance(call.layer, _WEIGHING) and activation_of(call.layer) != "softmax":
        return False
    return any(activation_of(maker.layer) == "softmax" for maker in _look_back(call, makers))


def _look_back(call: Call, makers: dict[int, Call]) -> Iterator[Call]:
    """The call whose output came to `call`, and those before it, back to one that does not just pass on."""
    while (maker := _find_maker(call, makers)) is not None:
        yield maker
        if not isinstance(maker.layer, _PASSING):
            return
        call = maker


def _find_maker(call: Call, makers: dict[int, Call]) -> Call | None:
    tensors = keras.tree.flatten(call.inputs)
    return makers.get(id(tensors[0])) if tensors else None


def _count_linear(calls: Sequence[Call], makers: dict[int, Call]) -> int | None:
    if not all(_find_maker(call, makers) is not None for call in calls[1:]):
        return None
    weighing = [call for call in calls if isinstance(call.layer, _WEIGHING)]
    inner = calls[: calls.index(weighing[-1])] if weighing else []
    linear = all(
        isinstance(call.layer, (*_WEIGHING, *_PASSING, keras.layers.Activation))
        and activation_of(call.layer) in (None, "linear")
        for call in inner
    )
    return len(weighing) if linear else None
