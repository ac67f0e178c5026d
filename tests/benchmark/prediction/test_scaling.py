"""The cost model against simulations step by step and against closed forms."""

import numpy as np
import pytest

from dlpractice.benchmark.prediction.interconnects import INTERCONNECTS, Interconnect, Link, Range
from dlpractice.benchmark.prediction.scaling import (
    Constants,
    Net,
    choose_best,
    exchange_seconds,
    predict_channel_split,
    predict_data_parallel,
    predict_layer_split,
    ring_seconds,
)

GIGABYTE = Interconnect("one", "1 GB/s, no latency", Link("one", "", Range(1.0, 1.0), 0.0, ""))
ENDLESS = Interconnect("endless", "no cost", Link("endless", "", Range(1e12, 1e12), 0.0, ""))
HALF_KNOWN = Interconnect("half", "1 to 4 GB/s", Link("half", "", Range(1.0, 4.0), 0.0, ""))


@pytest.mark.parametrize("devices", [2, 3, 8])
def test_ring_seconds_are_those_of_a_ring_that_really_sums(devices: int) -> None:
    """Runs the ring: each sends one of N parts to the next in each of 2 (N - 1) steps."""
    values = np.random.default_rng(0).normal(size=(devices, devices, 4))
    held, sent, steps = values.copy(), 0, 0
    for phase in ("reduce", "gather"):
        for step in range(devices - 1):
            shift = 0 if phase == "reduce" else 1
            parts = [(rank + shift - step) % devices for rank in range(devices)]
            moving = [held[rank, parts[rank]].copy() for rank in range(devices)]
            for rank in range(devices):
                target = (rank + 1) % devices
                if phase == "reduce":
                    held[target, parts[rank]] += moving[rank]
                else:
                    held[target, parts[rank]] = moving[rank]
            sent, steps = sent + moving[0].nbytes, steps + 1
    np.testing.assert_allclose(held, np.broadcast_to(values.sum(axis=0), held.shape))
    size, latency, bandwidth = values[0].nbytes, 0.25, 10.0
    expected = sent / bandwidth + steps * latency
    assert ring_seconds(size, devices, bandwidth, steps * latency) == pytest.approx(expected)


def even_pipeline(stages: int) -> Net:
    """A net whose stages all take the same time."""
    return Net(4e9, cut_bytes=(1.0,) * (stages - 1), stage_shares=(1 / stages,) * stages)


@pytest.mark.parametrize(("stages", "micro_batches"), [(2, 4), (4, 4), (4, 32)])
def test_even_stages_wait_as_a_simulated_pipeline_does(stages: int, micro_batches: int) -> None:
    ready = np.zeros((stages + 1, micro_batches))
    for stage in range(stages):
        free = 0.0
        for item in range(micro_batches):
            free = max(free, ready[stage, item]) + 1.0
            ready[stage + 1, item] = free
    found = predict_layer_split(
        even_pipeline(stages),
        step_seconds=1.0,
        batch=8,
        devices=stages,
        wiring=ENDLESS,
        micro_batches=micro_batches,
    )
    assert found.efficiency.point == pytest.approx(micro_batches / ready[-1, -1], rel=1e-6)


def test_data_parallel_by_hand() -> None:
    """1 GB over two devices at 1 GB/s takes 1 s; a step takes 0.9 s, of which 0.6 s are backward."""
    net = Net(gradient_bytes=1e9, activation_bytes=1e6)
    found = predict_data_parallel(
        net,
        step_seconds=0.9,
        batch=10,
        devices=2,
        wiring=GIGABYTE,
        constants=Constants(overlap=0.5, device_seconds=0.1),
    )
    assert found.step_seconds.low == pytest.approx(0.9 + 1 - 0.6)
    assert found.step_seconds.point == pytest.approx(0.9 + 1 - 0.3 + 0.1)
    assert found.step_seconds.high == pytest.approx(0.9 + 1 + 0.1)
    assert found.efficiency.high == pytest.approx(0.9 / 1.3)
    assert found.images_per_second.low == pytest.approx(20 / 2.0)
    assert found.memory_bytes == pytest.approx(3e9 + 10e6)


def test_an_unknown_bandwidth_widens_the_interval_around_the_point() -> None:
    found = predict_data_parallel(
        Net(1e9), step_seconds=0.3, batch=1, devices=2, wiring=HALF_KNOWN, constants=Constants(overlap=0)
    )
    assert exchange_seconds(1e9, 2, HALF_KNOWN) == pytest.approx((0.25, 1.0))
    assert found.step_seconds.low == pytest.approx(0.3 + 0.25 - 0.2)
    assert found.step_seconds.point == pytest.approx(0.3 + 0.5)
    assert found.step_seconds.high == pytest.approx(0.3 + 1.0)


def test_a_server_is_reached_through_a_shared_way() -> None:
    size, wiring = 12e9, INTERCONNECTS["dgx1-p100"]
    shortest, longest = exchange_seconds(size, 8, wiring, "server")
    # One device's own way there and back is in its throughput; the second on the same switch comes on top.
    assert shortest == pytest.approx(2 * 12 / 15.75)
    assert longest == pytest.approx(2 * 2 * 12 / 12)


@pytest.mark.parametrize("devices", [1, 2, 8])
def test_without_cost_data_parallel_and_channels_scale_linearly(devices: int) -> None:
    net = Net(1e6, channel_bytes=(1e3, 1e3))
    for found in (
        predict_data_parallel(net, step_seconds=1.0, batch=4, devices=devices, wiring=ENDLESS),
        predict_channel_split(net, step_seconds=1.0, batch=4, devices=devices, wiring=ENDLESS),
    ):
        assert found.efficiency.point == pytest.approx(1.0, abs=1e-6)
        assert found.images_per_second.point == pytest.approx(4 * devices, rel=1e-6)


def test_an_uneven_pipeline_loses_more_than_an_even_one() -> None:
    found = predict_layer_split(
        even_pipeline(4), step_seconds=1.0, batch=8, devices=4, wiring=ENDLESS, micro_batches=16
    )
    assert found.memory_bytes == pytest.approx(3e9)
    uneven = Net(4e9, cut_bytes=(1.0,) * 3, stage_shares=(0.1, 0.5, 0.2, 0.2))
    worse = predict_layer_split(
        uneven, step_seconds=1.0, batch=8, devices=4, wiring=ENDLESS, micro_batches=16
    )
    assert worse.efficiency.point == pytest.approx(found.efficiency.point / 2, rel=1e-6)


def test_pipeline_traffic_by_hand() -> None:
    """Two stages, 4 micro-batches of 2 images of 0.1 GB: 0.4 s a cut, both ways; a turn computes 0.5 s."""
    net = Net(0.0, cut_bytes=(1e8,), stage_shares=(0.5, 0.5))
    found = predict_layer_split(net, step_seconds=2.0, batch=4, devices=2, wiring=GIGABYTE, micro_batches=4)
    assert found.step_seconds.low == pytest.approx(5 * 0.5 + 0.4)
    assert found.step_seconds.high == pytest.approx(5 * (0.5 + 0.4))


def test_channels_by_hand() -> None:
    """Two devices, 2 images of 1 GB: gather 1 s, sum 2 s, at 1 GB/s; a third of 3 s can hide 1 s of it."""
    net = Net(2e9, channel_bytes=(1e9,))
    found = predict_channel_split(net, step_seconds=3.0, batch=1, devices=2, wiring=GIGABYTE)
    assert found.step_seconds.high == pytest.approx(3 + 3)
    assert found.step_seconds.low == pytest.approx(3 + 3 - 1)
    assert found.memory_bytes == pytest.approx(3e9)


def test_many_weights_and_small_maps_want_channels_and_the_reverse_wants_data() -> None:
    dense = Net(10e9, channel_bytes=(1e3,))
    convolutional = Net(1e6, channel_bytes=(10e6,) * 10)
    for net, winner in ((dense, "channels"), (convolutional, "data")):
        how = {"step_seconds": 0.1, "batch": 32, "devices": 4, "wiring": GIGABYTE}
        found = [predict_data_parallel(net, **how), predict_channel_split(net, **how)]  # type: ignore[arg-type]
        best = choose_best(found)
        assert best is not None
        assert best.method == winner
    assert choose_best(found, memory_bytes=1.0) is None
