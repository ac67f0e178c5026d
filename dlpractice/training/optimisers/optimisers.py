"""One optimiser per group of variables, so that what is already trained moves at a smaller rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from dlpractice.registry.optimisation import OPTIMISERS


@dataclass(frozen=True)
class Group:
    """Variables that share an optimiser; its rate is `factor` times the schedule's."""

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
    """Splits trainable `variables` into fresh and pretrained ones. kind: a name of the registry's OPTIMISERS.

    Discriminative rates: Howard and Ruder 2018, arXiv:1801.06146. Adam divides a gradient's scale out, so
    that scaling the gradients would do nothing; hence two optimisers. Weight decay is decoupled (Loshchilov
    and Hutter 2019) and spares biases and normalisation, which have one dimension.
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
