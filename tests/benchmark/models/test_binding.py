from typing import Any

import pytest

from dlpractice.benchmark.models.binding import find_binding, fixed_seconds
from dlpractice.benchmark.models.roofline import Roof

ROOF = Roof({"float32": 1.0, "tf32": 8.0}, 1000.0)  # ridges at 1 and 8 operations a byte


def net(batch: int, seconds: float, tflops: float = 0.06, **more: Any) -> dict[str, Any]:
    """A row whose call of `batch` images takes `seconds`."""
    fields = {"net": "koch", "work": "inference", "precision": "float32", "compiler": "default"}
    value = batch / seconds
    return {
        **fields,
        "batch": batch,
        "value": value,
        "tflops": tflops,
        "intensity": 5.0,
        "arithmetic": "float32",
    } | more


@pytest.mark.parametrize(
    ("tflops", "intensity", "binds"),
    [
        (0.9, 5.0, "compute"),
        (0.34, 5.0, "compute"),
        (0.06, 5.0, "neither"),
        (0.09, 0.1, "memory"),
        (0.01, 0.1, "neither"),
    ],
)
def test_a_small_share_of_the_roof_is_bound_by_neither(tflops: float, intensity: float, binds: str) -> None:
    row = net(1, 1.0, tflops, intensity=intensity)
    assert find_binding(row, [row], ROOF) == binds


def test_a_call_that_takes_as_long_for_eight_images_as_for_one_waits_for_launches() -> None:
    rows = [net(1, 0.010), net(8, 0.011), net(256, 0.200)]
    assert [find_binding(row, rows, ROOF) for row in rows] == ["launches", "launches", "neither"]


def test_a_call_that_grows_with_its_batch_does_not() -> None:
    rows = [net(1, 0.010), net(8, 0.079)]
    assert [find_binding(row, rows, ROOF) for row in rows] == ["neither", "neither"]


def test_the_fixed_part_is_where_the_line_meets_no_images() -> None:
    rows = [net(2, 5.0), net(6, 9.0), net(6, 99.0, net="other"), net(6, 99.0, compiler="xla")]
    assert fixed_seconds(rows[0], rows) == fixed_seconds(rows[1], rows) == pytest.approx(3.0)
    assert fixed_seconds(rows[2], rows) is None


def test_tf32_has_a_roof_of_its_own() -> None:
    row = net(1, 1.0, tflops=1.72, intensity=500.0)
    assert find_binding(row, [row], ROOF) == "compute"
    assert find_binding(row | {"arithmetic": "tf32"}, [row], ROOF) == "neither"
    assert find_binding(row | {"arithmetic": "bfloat16"}, [row], ROOF) is None
