"""One optimiser for each group of variables, so that pretrained weights get a smaller learning rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from dlpractice.registry.optimisation import OPTIMISERS


@dataclass(frozen=True)
class Group:
    """Variables that share an optimiser. Its learning rate is `factor` times that of fresh variables."""

    optimiser: keras.optimizers.Optimizer
    variables: tuple[Any, ...]
    factor: float


def build_groups(
    variables: Sequence[Any],
    *,
    kind: str,
    weight_decay: float,
    is_pretrained: Callable[[Any], bool],
    pretrained_rate: float,
) -> tuple[Group, ...]:
    """Splits trainable `variables` into fresh and pretrained ones, and makes an optimiser for each group.

    A group without variables is left out.

    The rates differ as in Howard and Ruder 2018, arXiv:1801.06146. One optimiser with scaled gradients would
    not do, because Adam divides the scale of a gradient out. Weight decay is decoupled (Loshchilov and Hutter
    2019). It leaves out biases and the weights of normalisation: all variables of less than two dimensions.

    Args:
        kind: a name of the registry's OPTIMISERS.
        pretrained_rate: the factor of the pretrained group.
    """
    fresh = [variable for variable in variables if not is_pretrained(variable)]
    pretrained = [variable for variable in variables if is_pretrained(variable)]
    return tuple(
        _build_group(kind, members, factor, weight_decay)
        for members, factor in ((fresh, 1.0), (pretrained, pretrained_rate))
        if members
    )


def _build_group(kind: str, members: Sequence[Any], factor: float, weight_decay: float) -> Group:
    optimiser = OPTIMISERS[kind].build(weight_decay)
    if spared := [variable for variable in members if len(variable.shape) < 2]:
        optimiser.exclude_from_weight_decay(var_list=spared)
    optimiser.build(list(members))
    return Group(optimiser, tuple(members), factor)
