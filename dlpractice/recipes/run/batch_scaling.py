"""How batch and learning rate grow with the devices, where a config asks for it."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory

Rule = Literal["none", "linear", "sqrt"]

WARMUP_SHARE = 0.05
"""The least share of the epochs in which a rate that was raised rises from zero: Goyal et al. 2017 took 5 of
90 epochs."""


@dataclass(frozen=True)
class BatchScaling:
    """Factors on the config's batch size and learning rates, and the least share of epochs to warm up."""

    batch: int = 1
    rate: float = 1.0
    warmup_share: float = 0.0


def scale_batch(rule: Rule, replicas: int) -> BatchScaling:
    """What `rule` does with `replicas` copies of the model.

    `none` leaves batch and rate as they are, so that any number of devices gives the same result. The others
    give each replica the config's batch; the rate grows as the batch does (`linear`: Goyal et al. 2017,
    arXiv:1706.02677) or as its square root (`sqrt`: Krizhevsky 2014, arXiv:1404.5997), after a warm-up.
    """
    if rule == "none" or replicas == 1:
        return BatchScaling()
    return BatchScaling(replicas, replicas if rule == "linear" else sqrt(replicas), WARMUP_SHARE)


def refuse_other_replicas(rule: Rule, replicas: int, run: RunDirectory) -> None:
    """Raises RunError where a run whose batch grows with the devices was started on another number of
    them."""
    before = run.environment().get("replicas", replicas)
    if rule != "none" and before != replicas:
        raise RunError(
            f"{run.path} was started on {before} devices, by which hardware.scaling set batch and rate; here "
            f"are {replicas}",
            f"go on with {before} devices, or start a new run in another --run-dir",
        )
