"""Tables about several devices: all that matters is in them, within 80 columns."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console, RenderableType

from dlpractice.benchmark.report.parallel_tables import (
    data_parallel_table,
    model_parallel_table,
    prediction_table,
    validation_table,
)

CHECK = {"name": "layers, gradients", "difference": 4.3e-7, "tolerance": 1e-4, "passed": True}
BROKEN = {"name": "channels, gradients", "difference": None, "tolerance": 1e-4, "passed": False}
LOGICAL = {
    "devices": ["CPU:0", "CPU:1"],
    "checks": [CHECK],
    "collectives": 1,
    "bytes_per_device": 2**20,
    "gradient_bytes": 2**20,
    "overhead": 0.231,
}


def render(table: RenderableType) -> str:
    console = Console(file=StringIO(), width=80, color_system=None)
    console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(len(line) for line in text.splitlines()) <= 80
    return str(text)


def test_data_parallel_without_gpus_shows_the_check_and_why() -> None:
    rows = [{"name": "data_parallel/siamese/2", "value": None, "why": "this machine has no GPUs"}]
    text = render(data_parallel_table({"rows": rows, "logical": LOGICAL}))
    assert "data_parallel/siamese/2: this machine has no GPUs" in text
    assert "1 all-reduce of 1.00 MiB a device" in text
    assert "23.1 % of its wall time is not in the replicas' own computation" in text
    assert "no speed-up" in text


def test_data_parallel_on_gpus() -> None:
    rows = [
        {"devices": 1, "value": 1234.5, "efficiency": 1.0, "exchange_share": 0.0},
        {"devices": 2, "value": 2345.0, "efficiency": 0.9498, "exchange_share": 0.04},
    ]
    lines = render(data_parallel_table({"rows": rows, "logical": None})).splitlines()
    assert lines[2].split() == ["2", "2,345", "95.0", "4.0"]


def test_model_parallel_names_what_differs_and_the_widest_cuts() -> None:
    boundaries = [
        {"after": f"layer{size}", "tensors": 1, "forward_bytes": 1024 * size, "backward_bytes": 0}
        for size in range(1, 12)
    ]
    stage = {"first": "a", "last": "b", "share_of_operations": 0.5, "values_taken_per_image": 3136}
    part = {
        "model": "siamese",
        "batch_size": 8,
        "micro_batches": 1,
        "on": "logical CPUs",
        "checks": [CHECK, BROKEN],
        "stages": [stage, stage],
        "boundaries": boundaries,
        "divided_layers": 9,
        "gathered_values_per_image": 188160,
    }
    text = render(model_parallel_table(part))
    assert "4.3e-07" in text
    assert next(line for line in text.splitlines() if "channels, gradients" in line).split()[-1] == "DIFFERS"
    assert "layer11" in text
    assert "layer3 " not in text
    assert "3 narrower ones" in text
    assert "8 images, 1 micro-batch, on logical CPUs" in text


def test_prediction_shows_intervals_or_what_is_missing() -> None:
    row = {
        "name": "prediction/vgg16/pcie3/data/2",
        "method": "data",
        "devices": 2,
        "value": 25.04,
        "interval": [20.0, 27.0],
        "efficiency": {"low": 0.74, "point": 0.93, "high": 1.0},
        "memory_bytes": 3 * 2**30,
    }
    part: dict[str, Any] = {
        "rows": [row],
        "model": "vgg16",
        "batch_size": 32,
        "interconnect": {"name": "pcie3", "about": "PCI Express 3, 16 lanes"},
        "single": {"images_per_second": 13.5, "row": "training/vgg16/float32/8"},
        "best": {"2": "data"},
    }
    text = render(prediction_table(part))
    assert text.splitlines()[1].split() == ["2", "data", "25.0", "20.0-27.0", "74.0-100.0", "3.00"]
    assert "one device: 13.5 images/s (training/vgg16/float32/8)" in text
    missing = {"name": "prediction/vgg16/pcie3", "value": None, "why": "needs the throughput"}
    assert (
        render(prediction_table({"rows": [missing]})).strip()
        == "prediction/vgg16/pcie3: needs the throughput"
    )


@pytest.mark.parametrize("inside", [True, False])
def test_validation_shows_rows_errors_and_sources(inside: bool) -> None:
    row = {
        "model": "ResNet-50",
        "batch": 256,
        "precision": "mixed",
        "interconnect": "p100-roce25",
        "devices": 512,
        "measured": 0.68,
        "predicted": {"low": 0.523, "point": 0.734, "high": 1.0},
        "error_points": 5.4,
        "inside_interval": inside,
        "source": "a page",
    }
    document = {
        "rows": [row],
        "errors": {"fitted on other tables": {"median": 2.49, "mean": 3.67}},
        "inside_interval": int(inside),
        "n": 1,
        "fit": "fitted on others",
        "constants": {"overlap": 0.8, "device_seconds": 0.0015},
    }
    text = render(validation_table(document))
    first = text.splitlines()[1].split()
    assert first == ["ResNet-50", "256", "mixed", "p100-roce25", "512", "68.0", "73.4", "52.3-100.0", "+5.4"]
    assert "fitted on other tables     2.5   3.7" in text
    assert f"{int(inside)} of 1 lie between low and high" in text
    assert "overlap 0.8, 1.5 ms a device" in text
    assert "published: a page" in text
