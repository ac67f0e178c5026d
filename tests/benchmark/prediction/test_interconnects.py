"""Bandwidths of wirings against what can be counted on a drawing of them."""

from itertools import permutations

import pytest

from dlpractice.benchmark.prediction.interconnects import INTERCONNECTS, LINKS, Range, find_interconnect
from dlpractice.errors import HardwareError


def test_each_link_has_a_real_interval_and_a_source() -> None:
    assert len(LINKS) == 17
    for link in LINKS.values():
        assert 0 < link.gigabytes_per_second.low < link.gigabytes_per_second.high
        assert 1e-6 < link.latency_seconds < 1e-3
        assert link.source


@pytest.mark.parametrize(
    ("link", "per_gpu", "nominal"),
    [
        ("nvlink1", 4, 160),
        ("nvlink2", 6, 300),
        ("nvlink3", 12, 600),
        ("nvlink4", 18, 900),
        ("nvlink5", 18, 1800),
    ],
)
def test_links_add_up_to_the_vendors_figure_of_both_directions(
    link: str, per_gpu: int, nominal: float
) -> None:
    assert 2 * per_gpu * LINKS[link].gigabytes_per_second.high == nominal


def test_pcie_carries_its_line_rate_after_encoding() -> None:
    for name, transfers in (("pcie3", 8), ("pcie4", 16), ("pcie5", 32)):
        bytes_per_second = transfers * 16 * 128 / 130 / 8
        assert LINKS[name].gigabytes_per_second.high == pytest.approx(bytes_per_second, rel=1e-3)


def test_sockets_exchange_two_bytes_a_transfer() -> None:
    for name, transfers in (("qpi", 9.6), ("upi", 10.4)):
        assert LINKS[name].gigabytes_per_second.high == pytest.approx(2 * transfers)


def cube_mesh() -> dict[int, set[int]]:
    """Two quads, all linked within, and each GPU to its twin: four links a GPU."""
    edges = {
        gpu: {other for other in range(8) if other // 4 == gpu // 4 and other != gpu} for gpu in range(8)
    }
    for gpu in range(4):
        edges[gpu].add(gpu + 4)
        edges[gpu + 4].add(gpu)
    return edges


def test_rings_of_the_cube_mesh_are_as_many_as_can_be_found() -> None:
    edges = cube_mesh()
    circles = {
        frozenset(frozenset(pair) for pair in zip(way, (*way[1:], 0), strict=True))
        for way in ((0, *rest) for rest in permutations(range(1, 8)))
        if all(b in edges[a] for a, b in zip(way, (*way[1:], 0), strict=True))
    }
    # Each undirected circle is two directed rings; two circles that share no link use all four of a GPU.
    assert any(not first & second for first in circles for second in circles)
    assert INTERCONNECTS["dgx1-p100"].links[8].high == 4


def test_ring_bandwidth_counts_rings() -> None:
    wiring = INTERCONNECTS["dgx1-p100"]
    assert wiring.ring_bandwidth(2) == (18e9, 20e9)
    assert wiring.ring_bandwidth(3) == (18e9, 20e9)
    assert wiring.ring_bandwidth(8) == (18e9, 80e9)
    assert INTERCONNECTS["dgx2"].ring_bandwidth(16) == (120e9, 150e9)


def test_the_slowest_link_of_a_ring_through_hosts_decides() -> None:
    wiring = INTERCONNECTS["p100-roce25"]
    assert wiring.ring_bandwidth(4) == (12e9, 15.75e9)
    assert wiring.ring_bandwidth(8) == pytest.approx((3e9, 3.125e9))
    assert (wiring.hosts(4), wiring.hosts(5), wiring.hosts(512)) == (1, 2, 128)
    assert (wiring.devices_in_host(2), wiring.devices_in_host(512)) == (2, 4)


def test_latency_counts_the_steps_of_a_ring() -> None:
    # 8 devices in 2 hosts: 14 steps, of which 2 go through the network.
    assert INTERCONNECTS["p100-roce25"].ring_latency(8) == pytest.approx(12 * 5.7e-6 + 2 * 9.6e-6)
    assert INTERCONNECTS["pcie3"].ring_latency(2) == pytest.approx(2 * 5.7e-6)
    assert INTERCONNECTS["ethernet10"].ring_latency(3) == pytest.approx(4 * 5e-5)


def test_middle_of_a_range_is_geometric() -> None:
    assert Range(2, 8).middle == 4


def test_too_many_devices_and_unknown_names_are_refused() -> None:
    with pytest.raises(HardwareError, match="connects 8 devices; 9"):
        INTERCONNECTS["dgx1-p100"].ring_bandwidth(9)
    with pytest.raises(HardwareError, match="carrier pigeon") as caught:
        find_interconnect("carrier pigeon")
    assert "nvlink4" in caught.value.hint
    assert find_interconnect("pcie4").link is LINKS["pcie4"]
