"""The roofline of a device whose figures are round numbers."""

import pytest

from dlpractice.benchmark.models.roofline import Roof, read_roof

_ROOF = Roof({"float32": 2.0}, 100.0)


def _row(measure, value, precision=None):
    return {"measure": measure, "precision": precision, "value": value}


@pytest.mark.parametrize(
    ("intensity", "tflops", "binds"),
    [(1, 0.1, "memory"), (19.9, 1.99, "memory"), (20, 2.0, "compute"), (500, 2.0, "compute")],
)
def test_memory_binds_below_the_ridge_and_arithmetic_above(intensity, tflops, binds):
    assert _ROOF.ridge("float32") == 20
    assert _ROOF.attainable("float32", intensity) == pytest.approx(tflops)
    assert _ROOF.binds("float32", intensity) == binds


@pytest.mark.parametrize("roof", [Roof({}, 100.0), Roof({"float32": 2.0}, None)])
def test_nothing_is_said_without_peaks(roof):
    assert roof.ridge("float32") is roof.attainable("float32", 1) is roof.binds("float32", 1) is None


def test_the_roof_is_the_best_that_was_measured():
    rows = [
        _row("matmul", 1.0, "float32"),
        _row("matmul", 2.0, "float32"),
        _row("matmul", 1.5, "float32"),
        _row("matmul", None, "float16"),
        _row("memory", 90.0),
        _row("memory", 100.0),
        _row("link", 900.0),
    ]

    assert read_roof({"rows": rows}) == _ROOF
    assert read_roof({"rows": rows}).to_json() == {
        "tflops": {"float32": 2.0},
        "memory_gb_s": 100.0,
        "ridge": {"float32": 20.0},
    }
    assert read_roof(None) == Roof({}, None)
