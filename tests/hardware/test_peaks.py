import re

import pytest

from dlpractice.hardware.peaks import VENDOR_PEAKS, find_peak


def test_the_lectures_v100() -> None:
    peak = find_peak("Tesla V100-SXM2-16GB")
    assert peak is not None
    assert peak.tflops == {"float64": 7.8, "float32": 15.7, "float16": 125.0}
    assert (peak.memory, peak.links) == (900.0, {"NVLink": 300.0, "PCIe 3": 32.0})


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("Tesla V100-PCIE-32GB", "Tesla V100 PCIe"),
        ("Tesla P100-SXM2-16GB", "Tesla P100 SXM2"),
        ("Tesla T4", "T4"),
        ("NVIDIA A100-SXM4-80GB", "A100 SXM 80 GB"),
        ("NVIDIA A100 80GB PCIe", "A100 PCIe 80 GB"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM"),
        ("NVIDIA H200", "H200 SXM"),
        ("NVIDIA H200 NVL", "H200 NVL"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA GeForce RTX 4090", "GeForce RTX 4090"),
    ],
)
def test_a_device_is_found_by_what_its_driver_calls_it(device: str, name: str) -> None:
    peak = find_peak(device)
    assert peak is not None
    assert peak.name == name


@pytest.mark.parametrize(
    "device",
    ["", "AMD EPYC", "NVIDIA L40", "NVIDIA H200 MIG 1g.18gb", "NVIDIA GeForce RTX 4090 Laptop GPU"],
)
def test_another_chip_or_a_slice_of_one_is_not_taken_for_it(device: str) -> None:
    assert find_peak(device) is None


def test_rows_are_plausible_and_name_their_source() -> None:
    assert len({peak.name for peak in VENDOR_PEAKS}) == len(VENDOR_PEAKS)
    for peak in VENDOR_PEAKS:
        assert re.search(r"20\d\d", peak.source), peak.name
        rates = [peak.tflops[p] for p in ("float64", "float32", "tf32", "float16") if p in peak.tflops]
        assert rates == sorted(rates), f"{peak.name}: fewer bits are never slower"
        assert peak.tflops.get("bfloat16", peak.tflops["float16"]) == peak.tflops["float16"]
        assert peak.to_json()["kind"] == "published"
