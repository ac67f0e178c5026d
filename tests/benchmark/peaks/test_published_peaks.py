import re

import pytest

from dlpractice.benchmark.peaks.published_peaks import VENDOR_PEAKS, VendorPeak, find_peak


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
        ("A100-SXM-80GB", "A100 SXM 80 GB"),
        ("A100-PCIE-40GB", "A100 PCIe 40 GB"),
        ("NVIDIA A100 80GB PCIe", "A100 PCIe 80 GB"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA H100 NVL", "H100 NVL"),
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
    [
        "",
        "AMD EPYC",
        "NVIDIA L40",
        "NVIDIA H200 MIG 1g.18gb",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "Tesla V100S-PCIE-32GB",
        "Tesla V100-SXM2-32GB-LS",
        "Tesla P100-PCIE-12GB",
        "NVIDIA A100-SXM-64GB",
    ],
)
def test_another_chip_or_a_slice_of_one_is_not_taken_for_it(device: str) -> None:
    assert find_peak(device) is None


def peak_named(name: str) -> VendorPeak:
    return next(peak for peak in VENDOR_PEAKS if peak.name == name)


# Multiprocessors, cores of each for float32, highest clock in GHz; a core adds and multiplies at each tick.
@pytest.mark.parametrize(
    ("name", "multiprocessors", "cores", "clock"),
    [
        ("Tesla P100 SXM2", 56, 64, 1.480),
        ("Tesla P100 PCIe 16 GB", 56, 64, 1.303),
        ("Tesla V100 SXM2", 80, 64, 1.530),
        ("Tesla V100 PCIe", 80, 64, 1.380),
        ("T4", 40, 64, 1.590),
        ("A100 SXM 40 GB", 108, 64, 1.410),
        ("A100 SXM 80 GB", 108, 64, 1.410),
        ("A100 PCIe 40 GB", 108, 64, 1.410),
        ("A100 PCIe 80 GB", 108, 64, 1.410),
        ("H100 SXM", 132, 128, 1.980),
        ("H100 PCIe", 114, 128, 1.755),
        ("H100 NVL", 132, 128, 1.785),
        ("H200 SXM", 132, 128, 1.980),
        ("H200 NVL", 132, 128, 1.785),
        ("L4", 58, 128, 2.040),
        ("GeForce RTX 4090", 128, 128, 2.520),
    ],
)
def test_float32_is_cores_times_clock(name: str, multiprocessors: int, cores: int, clock: float) -> None:
    assert peak_named(name).tflops["float32"] == pytest.approx(
        2e-3 * multiprocessors * cores * clock, rel=0.01
    )


# Fused multiply-adds of half precision that a multiprocessor's tensor cores make at a tick: 8 x 64 on Volta
# and Turing, 4 x 256 on Ampere, 4 x 512 on Hopper, 4 x 128 on Ada, of which a GeForce has half when it sums
# in float32. Hopper's tensor cores run at another clock than its other cores.
@pytest.mark.parametrize(
    ("name", "multiprocessors", "multiply_adds", "clock"),
    [
        ("Tesla V100 SXM2", 80, 512, 1.530),
        ("Tesla V100 PCIe", 80, 512, 1.380),
        ("T4", 40, 512, 1.590),
        ("A100 SXM 80 GB", 108, 1024, 1.410),
        ("H100 SXM", 132, 2048, 1.830),
        ("H100 PCIe", 114, 2048, 1.620),
        ("H200 SXM", 132, 2048, 1.830),
        ("L4", 58, 512, 2.040),
        ("GeForce RTX 4090", 128, 256, 2.520),
    ],
)
def test_half_precision_is_of_dense_matrices(
    name: str, multiprocessors: int, multiply_adds: int, clock: float
) -> None:
    dense = 2e-3 * multiprocessors * multiply_adds * clock
    assert peak_named(name).tflops["float16"] == pytest.approx(dense, rel=0.01)


# Width of the memory's bus in bits, Gbit/s of each line. The T4 is not here: its bus makes 320 GB/s, its data
# sheet says 300.
@pytest.mark.parametrize(
    ("name", "width", "rate"),
    [
        ("Tesla P100 SXM2", 4096, 1.430),
        ("Tesla V100 SXM2", 4096, 1.752),
        ("A100 SXM 40 GB", 5120, 2.430),
        ("A100 SXM 80 GB", 5120, 3.186),
        ("A100 PCIe 80 GB", 5120, 3.024),
        ("H100 SXM", 5120, 5.238),
        ("H100 NVL", 6016, 5.238),
        ("L4", 192, 12.5),
        ("GeForce RTX 4090", 384, 21.0),
    ],
)
def test_memory_is_width_times_rate(name: str, width: int, rate: float) -> None:
    assert peak_named(name).memory == pytest.approx(width * rate / 8, rel=0.011)


@pytest.mark.parametrize("peak", VENDOR_PEAKS, ids=lambda peak: peak.name)
def test_precisions_stand_in_the_ratios_of_their_chip(peak: VendorPeak) -> None:
    flops = peak.tflops
    if "tf32" in flops:
        assert flops["float16"] / flops["tf32"] == pytest.approx(2, rel=0.01)
    if "P100" in peak.name or "V100" in peak.name:
        assert flops["float32"] / flops["float64"] == pytest.approx(2, rel=0.02)
    # The tensor cores of Ampere and Hopper multiply float64 as fast as the other cores float32.
    if re.match("[AH][12]00", peak.name):
        assert flops["float64"] == flops["float32"]
    if "RTX" in peak.name:
        assert flops["float32"] / flops["float64"] == pytest.approx(64, rel=0.01)
    assert ("float64" in flops) == (peak.name not in {"T4", "L4"})


def test_rows_are_plausible_and_name_their_source() -> None:
    assert len({peak.name for peak in VENDOR_PEAKS}) == len(VENDOR_PEAKS)
    for peak in VENDOR_PEAKS:
        assert re.search(r"20\d\d", peak.source), peak.name
        rates = [peak.tflops[p] for p in ("float64", "float32", "tf32", "float16") if p in peak.tflops]
        assert rates == sorted(rates), f"{peak.name}: fewer bits are never slower"
        assert peak.tflops.get("bfloat16", peak.tflops["float16"]) == peak.tflops["float16"]
        assert peak.to_json()["kind"] == "published"
