"""Where a run computes and how precisely, agreed between all machines that train together."""

from dlpractice.errors import DataError, HardwareError
from dlpractice.training.devices.cluster import find_cluster
from dlpractice.training.devices.placement import Devices, Placement, place
from dlpractice.training.devices.precision_choice import Choice, choose_precision


def place_training(devices: Devices, *, diagnostics: bool) -> Placement:
    """Joins the other machines, if there are any: before anything else that needs TensorFlow.

    Raises HardwareError where devices are not to be had, or `diagnostics` are asked of several machines.
    """
    cluster = find_cluster()
    if cluster is not None and diagnostics:
        raise HardwareError(
            "training.diagnostics looks at a whole batch, of which each of several workers has only a part",
            "set training.diagnostics to false, or train on one machine",
        )
    return place(devices, cluster)


def resolve_precision(asked: str, placement: Placement, auto: Choice | None = None) -> Choice:
    """The precision that is asked for; for `auto` the one given, or else the one that the first device, the
    first worker's where there are several, is fastest in."""
    if asked != "auto":
        return asked, {}
    if auto is None:
        auto = placement.agree(choose_precision(placement) if placement.is_chief else None)
    precision, seconds = auto
    return precision, seconds


def require_same(digest: str, placement: Placement) -> None:
    """Raises DataError where a worker's data have another digest than the chief's."""
    if digest != placement.agree(digest):
        raise DataError(
            "this worker sees other images, labels or splits than the first worker does",
            "give all workers the same data: a shared folder, or equal copies",
        )
