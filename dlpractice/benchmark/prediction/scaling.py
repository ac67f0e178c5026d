"""Predicts what N devices bring: data parallel, and a net divided by layers or by channels.

Costs of messages follow the alpha-beta model, a latency per step and a time per byte (Hockney 1994, The
communication challenge for MPP; Thakur, Rabenseifner and Gropp 2005, Optimization of collective communication
operations in MPICH). The ring all-reduce moves 2 (N - 1) / N of the bytes through each device, which is the
least possible (Patarasuk and Yuan 2009, Bandwidth optimal all-reduce algorithms). The pipeline is that of
Huang et al. 2019, GPipe, arXiv:1811.06965; the division by channels is that of Krizhevsky 2014,
arXiv:1404.5997.

All times are seconds, all sizes bytes. A prediction is an interval and a point inside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dlpractice.benchmark.prediction.interconnects import Interconnect, Range

# A backward pass computes two products where a forward pass computes one: gradients of inputs and of weights.
BACKWARD_SHARE = 2 / 3


@dataclass(frozen=True)
class Outcome:
    """A quantity between `low` and `high`, most likely near `point`."""

    low: float
    point: float
    high: float


@dataclass(frozen=True)
class Constants:
    """What the model cannot derive; it is fitted where there are measurements.

    overlap: of the exchange that the backward pass can hide, the share in [0, 1] that it does hide. Unfitted:
        half.
    device_seconds: what each further device in a host adds to a step (its cores, its buses, waiting for the
        slowest). Unfitted: nothing.
    """

    overlap: float = 0.5
    device_seconds: float = 0.0


@dataclass(frozen=True)
class Net:
    """The sizes of a net that matter when it is divided.

    gradient_bytes: of all trainable parameters.
    cut_bytes: per image, forward, across each boundary of a division by layers; it has one stage more than
        there are boundaries.
    stage_shares: the share of a step's time that each stage takes; they add up to 1.
    channel_bytes: per image, of the output of each layer that is divided by channels.
    activation_bytes: per image, what the backward pass keeps.
    """

    gradient_bytes: float
    cut_bytes: tuple[float, ...] = ()
    stage_shares: tuple[float, ...] = (1.0,)
    channel_bytes: tuple[float, ...] = ()
    activation_bytes: float = 0.0


@dataclass(frozen=True)
class Prediction:
    """What is predicted for `devices`.

    step_seconds: of a step with `devices` times the batch of one device.
    efficiency: the share of linear scaling.
    memory_bytes: per device: weights, gradients, one slot of an optimiser, and kept activations.
    """

    method: Literal["data", "layers", "channels"]
    devices: int
    step_seconds: Outcome
    efficiency: Outcome
    images_per_second: Outcome
    memory_bytes: float


def ring_seconds(size: float, devices: int, bandwidth: float, latency: float) -> float:
    """The time of a ring all-reduce of `size` bytes: 2 (N - 1) / N of them, and the latency.

    bandwidth: bytes/s.
    latency: of all steps together.
    """
    return 0.0 if devices == 1 else 2 * (devices - 1) / devices * size / bandwidth + latency


def server_seconds(size: float, sharing: int, bandwidth: float) -> float:
    """The time in which all gradients go to the host's memory and all weights come back.

    sharing: how many devices share one way there.
    bandwidth: of that way, in bytes/s.
    """
    return 2 * sharing * size / bandwidth


def exchange_seconds(size: float, devices: int, wiring: Interconnect, exchange: str = "ring") -> Range:
    """The shortest and the longest time of summing `size` bytes of gradients over `devices`.

    With `server`, the measured throughput of one device already includes that device's own exchange, hidden
    or not.
    """
    if exchange == "server" and wiring.uplink is not None:
        slow, fast = (1e9 * rate for rate in wiring.uplink.gigabytes_per_second)
        sharing = min(devices, wiring.uplink_devices)
        return Range(server_seconds(size, sharing - 1, fast), server_seconds(size, sharing, slow))
    bandwidth, latency = wiring.ring_bandwidth(devices), wiring.ring_latency(devices)
    fast, slow = (ring_seconds(size, devices, rate, latency) for rate in (bandwidth.high, bandwidth.low))
    return Range(fast, slow)


def predict_data_parallel(
    net: Net,
    *,
    step_seconds: float,
    batch: int,
    devices: int,
    wiring: Interconnect,
    exchange: str = "ring",
    constants: Constants = Constants(),
) -> Prediction:
    """Each device has a copy of the net and a batch; gradients are summed while and after they appear.

    The efficiency is highest with the fastest link, and with all hidden that the backward pass can hide. It
    is lowest with the slowest link and nothing hidden.

    step_seconds: of one device with `batch` images.
    """
    hiding = BACKWARD_SHARE * step_seconds
    shortest, longest = exchange_seconds(net.gradient_bytes, devices, wiring, exchange)
    middle = Range(shortest, longest).middle if shortest else longest / 2
    waiting = _waiting(constants, devices, wiring)
    step = Outcome(
        low=step_seconds + max(0.0, shortest - hiding),
        point=step_seconds + middle - constants.overlap * min(middle, hiding) + waiting,
        high=step_seconds + longest + waiting,
    )
    memory = 3 * net.gradient_bytes + batch * net.activation_bytes
    return _weigh("data", devices, step, step_seconds, batch, memory)


def predict_layer_split(
    net: Net,
    *,
    step_seconds: float,
    batch: int,
    devices: int,
    wiring: Interconnect,
    micro_batches: int,
    constants: Constants = Constants(),
) -> Prediction:
    """Each device has a stage of layers; images pass in micro-batches, all forward, then all backward.

    There are `devices` times `batch` images, and the activations of all of them are kept. The slowest stage
    sets the pace: a step takes (m + p - 1) of its turns, for m micro-batches and p stages. The efficiency is
    lowest where each turn also waits for the widest cut, in both directions. It is highest where only the
    first micro-batch waits, since links work while devices do.
    """
    images = devices * batch / micro_batches
    turns = micro_batches + devices - 1
    compute = turns * max(net.stage_shares) * step_seconds * devices / micro_batches
    bandwidth, latency = _one_hop(wiring, devices)
    fast, slow = ([2 * (images * cut / rate + latency) for cut in net.cut_bytes] for rate in bandwidth[::-1])
    widest = max(slow, default=0.0)
    # Links carry one micro-batch while devices compute the next: where that takes longer, links set the pace.
    pace = compute / turns
    low = compute + sum(fast) + max(0.0, max(fast, default=0.0) - pace) * (micro_batches - 1)
    high = max(low, compute + turns * widest)
    waiting = _waiting(constants, devices, wiring)
    step = Outcome(low, (low + high) / 2 + waiting, high + waiting)
    memory = 3 * net.gradient_bytes * max(net.stage_shares) + batch * net.activation_bytes
    return _weigh("layers", devices, step, step_seconds, batch, memory)


def predict_channel_split(
    net: Net,
    *,
    step_seconds: float,
    batch: int,
    devices: int,
    wiring: Interconnect,
    constants: Constants = Constants(),
) -> Prediction:
    """Each device has a share of the output channels of every layer; all images pass through all devices.

    Forward, every device gathers each layer's output, (N - 1) / N of its bytes; backward, the gradient of its
    input is summed, which moves twice as many. Both happen between two layers, so that only the gradients of
    the weights can hide them. The efficiency is highest where they hide the backward half, and lowest where
    they hide nothing.
    """
    images = devices * batch
    bandwidth, latency = wiring.ring_bandwidth(devices), wiring.ring_latency(devices)
    # A gather is half of an all-reduce, in bytes and in steps.
    fast, slow = (
        sum(1.5 * ring_seconds(images * size, devices, rate, latency) for size in net.channel_bytes)
        for rate in (bandwidth.high, bandwidth.low)
    )
    hidden = min(fast * 2 / 3, step_seconds / 3)
    waiting = _waiting(constants, devices, wiring)
    step = Outcome(
        step_seconds + fast - hidden,
        step_seconds + (fast - hidden + slow) / 2 + waiting,
        step_seconds + slow + waiting,
    )
    # Weights are shared out, but what is gathered is kept by everyone, for all images.
    memory = 3 * net.gradient_bytes / devices + images * net.activation_bytes
    return _weigh("channels", devices, step, step_seconds, batch, memory)


def choose_best(predictions: Sequence[Prediction], memory_bytes: float | None = None) -> Prediction | None:
    """The prediction with the highest throughput of those that fit into memory; None where none does.

    memory_bytes: of one device; None for no limit.
    """
    fitting = [one for one in predictions if memory_bytes is None or one.memory_bytes <= memory_bytes]
    return max(fitting, key=lambda one: one.images_per_second.point, default=None)


def _waiting(constants: Constants, devices: int, wiring: Interconnect) -> float:
    return constants.device_seconds * (wiring.devices_in_host(devices) - 1)


def _one_hop(wiring: Interconnect, devices: int) -> tuple[Range, float]:
    """The bandwidth and latency between neighbours, in one direction; the slowest link decides."""
    link = wiring.network if wiring.hosts(devices) > 1 and wiring.network else wiring.link
    low, high = link.gigabytes_per_second
    return Range(1e9 * low, 1e9 * high), link.latency_seconds


def _weigh(
    method: Literal["data", "layers", "channels"],
    devices: int,
    step: Outcome,
    single: float,
    batch: int,
    memory: float,
) -> Prediction:
    """Completes a prediction with the efficiency and the throughput.

    step: the seconds of all devices for `devices * batch` images.
    single: the seconds of one device for `batch` images.
    """
    efficiency = Outcome(single / step.high, single / step.point, single / step.low)
    rate = devices * batch / single
    images = Outcome(*(rate * share for share in (efficiency.low, efficiency.point, efficiency.high)))
    return Prediction(method, devices, step, efficiency, images, memory)
