"""Links between devices, and how machines wire them: a row each, with its source.

Wherever a bandwidth is not known, it is an interval: from what a library of collectives counts on to what the
standard allows. GB/s are 1e9 bytes per second in one direction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple

from dlpractice.errors import HardwareError


class Range(NamedTuple):
    """An interval between two positive numbers, in which a quantity lies."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The geometric mean: it is as many times `low` as `high` is times it."""
        return sqrt(self.low * self.high)


@dataclass(frozen=True)
class Link:
    """One connection between two devices.

    gigabytes_per_second: in one direction.
    latency_seconds: of one step of a ring.
    """

    name: str
    about: str
    gigabytes_per_second: Range
    latency_seconds: float
    source: str


@dataclass(frozen=True)
class Interconnect:
    """How the devices of one or several hosts are connected.

    link: the connection between devices in one host.
    links: how many parallel rings go through each device, least and most, by the number of devices in the
        host. A number that is not a key takes the entry of the next smaller one.
    host_devices: how many devices one host holds; None for any number.
    network: the connection between hosts, of which each host has one.
    uplink: the way to the host's memory.
    uplink_devices: how many devices share one such way.
    """

    name: str
    about: str
    link: Link
    links: Mapping[int, Range] = field(default_factory=lambda: {1: Range(1, 1)})
    host_devices: int | None = None
    network: Link | None = None
    uplink: Link | None = None
    uplink_devices: int = 1

    def ring_bandwidth(self, devices: int) -> Range:
        """The bytes per second that a ring all-reduce moves through each of `devices`, in one direction.

        In a ring through several hosts the slowest link decides.

        Raises HardwareError where so many devices cannot be connected.
        """
        hosts = self.hosts(devices)
        inside = min(devices, self.host_devices or devices)
        count = self.links[max((key for key in self.links if key <= inside), default=min(self.links))]
        low, high = (
            1e9 * lanes * rate for lanes, rate in zip(count, self.link.gigabytes_per_second, strict=True)
        )
        if hosts > 1 and self.network is not None:
            between = self.network.gigabytes_per_second
            low, high = min(low, 1e9 * between.low), min(high, 1e9 * between.high)
        return Range(low, high)

    def ring_latency(self, devices: int) -> float:
        """The seconds that the steps of a ring all-reduce cost, apart from the time of its bytes.

        There are 2 (N - 1) steps; 2 of them for each further host go through the network.
        """
        between = 2 * (self.hosts(devices) - 1)
        network = self.network.latency_seconds if self.network else 0.0
        return (2 * (devices - 1) - between) * self.link.latency_seconds + between * network

    def devices_in_host(self, devices: int) -> int:
        """How many of `devices` lie in one host."""
        return min(devices, self.host_devices or devices)

    def hosts(self, devices: int) -> int:
        """How many hosts hold `devices`. Raises HardwareError for more devices than can be connected."""
        hosts = -(-devices // (self.host_devices or devices))
        if hosts > 1 and self.network is None:
            raise HardwareError(
                f"{self.name} connects {self.host_devices} devices; {devices} are asked for",
                "ask for fewer devices, or choose an interconnect that reaches further",
            )
        return hosts


_NCCL = "NVIDIA NCCL, src/graph/topo.h: what it counts on; upper end: nominal"
_STEP = "NVIDIA NCCL, src/graph/tuning.cc of 2020 to 2022: a step of a ring, protocol Simple"
# The seconds that NCCL reckons with for one step of a ring. Later versions reckon with 14 us for the network.
_NVLINK_STEP, _PCIE_STEP, _NETWORK_STEP = 3.4e-6, 5.7e-6, 9.6e-6


def _nvlink(generation: int, gpu: str, low: float, high: float) -> Link:
    about = f"one NVLink {generation} link ({gpu})"
    return Link(f"nvlink{generation}", about, Range(low, high), _NVLINK_STEP, f"{_NCCL}; {_STEP}")


def _pcie(generation: int, low: float, high: float) -> Link:
    about = f"PCI Express {generation}, 16 lanes"
    source = f"{_NCCL} (generation 3; doubled for each later one); {_STEP}"
    return Link(f"pcie{generation}", about, Range(low, high), _PCIE_STEP, source)


def _infiniband(gigabits: int) -> Link:
    nominal = gigabits / 8
    source = f"{_NCCL} (12 of 12.5 GB/s at 100 Gbit/s, the same share of others); {_STEP}"
    about = f"InfiniBand or RoCE at {gigabits} Gbit/s"
    return Link(f"infiniband{gigabits}", about, Range(0.96 * nominal, nominal), _NETWORK_STEP, source)


def _ethernet(gigabits: int) -> Link:
    # Of 1,538 bytes on the wire a frame of 1,500 carries 1,448 of TCP's data. What a machine really reaches
    # depends on its cores and its settings; the lower end is an assumption.
    nominal = gigabits / 8
    source = "IEEE 802.3 and TCP's headers for the upper end; the lower end, half of nominal, is assumed"
    about = f"Ethernet at {gigabits} Gbit/s, TCP"
    low, high = 0.5 * nominal, nominal * 1448 / 1538
    return Link(f"ethernet{gigabits}", about, Range(low, high), 5e-5, f"{source}; step of 50 us assumed")


_LINK_ROWS = (
    _nvlink(1, "P100", 18.0, 20.0),
    _nvlink(2, "V100", 20.0, 25.0),
    _nvlink(3, "A100", 20.0, 25.0),
    _nvlink(4, "H100, H200", 20.6, 25.0),
    _nvlink(5, "B100, B200", 40.1, 50.0),
    _pcie(3, 12.0, 15.75),
    _pcie(4, 24.0, 31.5),
    _pcie(5, 48.0, 63.0),
    Link(
        "qpi",
        "staging through two sockets of Broadwell Xeons (QPI)",
        Range(6.0, 19.2),
        _PCIE_STEP,
        f"{_NCCL}; {_STEP}",
    ),
    Link(
        "upi",
        "staging through two sockets of Skylake Xeons (UPI)",
        Range(10.0, 20.8),
        _PCIE_STEP,
        f"{_NCCL}; {_STEP}",
    ),
    *(_infiniband(gigabits) for gigabits in (25, 100, 200, 400)),
    *(_ethernet(gigabits) for gigabits in (10, 25, 100)),
)
LINKS: dict[str, Link] = {row.name: row for row in _LINK_ROWS}

# Hybrid cube mesh: two quads of four, each GPU linked to the three others of its quad and to its twin. On the
# P100, with four single links, the mesh of eight falls into two undirected circles, which are four directed
# rings, and a quad has two directed rings; the V100 has two more links a GPU, so six rings. How many of them
# the NCCL 1 of the published P100 rows used is not said: between one and all.
_MACHINES = (
    Interconnect(
        "dgx1-p100",
        "8 P100, hybrid cube mesh of NVLink 1; two GPUs share a PCIe switch",
        LINKS["nvlink1"],
        links={2: Range(1, 1), 4: Range(1, 2), 8: Range(1, 4)},
        host_devices=8,
        uplink=LINKS["pcie3"],
        uplink_devices=2,
    ),
    Interconnect(
        "dgx1-v100",
        "8 V100, hybrid cube mesh of NVLink 2",
        LINKS["nvlink2"],
        links={2: Range(1, 2), 4: Range(2, 4), 8: Range(6, 6)},
        host_devices=8,
        uplink=LINKS["pcie3"],
        uplink_devices=2,
    ),
    Interconnect(
        "dgx2",
        "16 V100 on NVSwitch, six NVLink 2 links each",
        LINKS["nvlink2"],
        links={2: Range(6, 6)},
        host_devices=16,
        uplink=LINKS["pcie3"],
        uplink_devices=2,
    ),
    Interconnect(
        "dgx-a100",
        "8 A100 on NVSwitch, twelve NVLink 3 links each",
        LINKS["nvlink3"],
        links={2: Range(12, 12)},
        host_devices=8,
        uplink=LINKS["pcie4"],
        uplink_devices=2,
    ),
    Interconnect(
        "dgx-h100",
        "8 H100 on NVSwitch, eighteen NVLink 4 links each",
        LINKS["nvlink4"],
        links={2: Range(18, 18)},
        host_devices=8,
        uplink=LINKS["pcie5"],
        uplink_devices=1,
    ),
    Interconnect(
        "p100-roce25",
        "hosts of 4 P100 on PCIe, joined by RoCE at 25 Gbit/s",
        LINKS["pcie3"],
        host_devices=4,
        network=LINKS["infiniband25"],
        uplink=LINKS["pcie3"],
        uplink_devices=2,
    ),
)

INTERCONNECTS: dict[str, Interconnect] = {
    **{
        link.name: Interconnect(
            link.name,
            link.about,
            link,
            host_devices=1 if link.name.startswith(("ethernet", "infiniband")) else None,
            network=link if link.name.startswith(("ethernet", "infiniband")) else None,
        )
        for link in _LINK_ROWS
    },
    **{machine.name: machine for machine in _MACHINES},
}
"""What a prediction can be made for: any number of devices joined by links of one kind, or a machine."""


def find_interconnect(name: str) -> Interconnect:
    """The row called `name`. Raises HardwareError, which lists the names of all rows."""
    if name not in INTERCONNECTS:
        raise HardwareError(f"no interconnect is called {name}", f"choose one of {', '.join(INTERCONNECTS)}")
    return INTERCONNECTS[name]
