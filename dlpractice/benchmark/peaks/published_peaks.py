"""What makers say that their GPUs reach: arithmetic by precision, memory, links. Published, not measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class VendorPeak:
    """One GPU, by its data sheet.

    name: as it is sold. pattern: the whole of what drivers call it, as a regular expression.
    tflops: TFLOP/s of multiplying dense matrices, by precision, on tensor cores where the chip has them for
        that precision; a data sheet's figure "with sparsity" is halved. A precision that the chip lacks, or
        that the data sheet does not give, is absent.
    memory: GB/s. links: GB/s of a link of the GPU, both directions together, as data sheets count.
    source: the data sheet's name and year.
    """

    name: str
    pattern: str
    tflops: Mapping[str, float]
    memory: float
    links: Mapping[str, float]
    source: str

    def to_json(self) -> dict[str, Any]:
        """The row as it stands in a result."""
        return {
            "name": self.name,
            "tflops": dict(self.tflops),
            "memory_gb_s": self.memory,
            "links_gb_s": dict(self.links),
            "kind": "published",
            "source": self.source,
        }


_PCIE3, _PCIE4, _PCIE5 = {"PCIe 3": 32.0}, {"PCIe 4": 64.0}, {"PCIe 5": 128.0}
_PASCAL = "NVIDIA Tesla P100 data sheet, 2016"
_VOLTA = "NVIDIA Tesla V100 data sheet, 2018"
_TURING = "NVIDIA T4 data sheet, 2019"
_AMPERE_40 = "NVIDIA A100 data sheet, 2020"
_AMPERE_80 = "NVIDIA A100 80GB data sheet, 2021"
_HOPPER = "NVIDIA H100 data sheet, 2023 (columns SXM and PCIe)"
_HOPPER_NVL = "NVIDIA H100 NVL data sheet, 2024"
_H200 = "NVIDIA H200 data sheet, 2024 (columns SXM and NVL)"
_L4 = "NVIDIA L4 data sheet, 2023"
_ADA = "NVIDIA Ada GPU architecture white paper, 2022, appendix A"

_A100 = {"float64": 19.5, "float32": 19.5, "tf32": 156.0, "float16": 312.0, "bfloat16": 312.0}
_H100 = {"float64": 67.0, "float32": 67.0, "tf32": 494.5, "float16": 989.5, "bfloat16": 989.5}
_NVL = {"float64": 60.0, "float32": 60.0, "tf32": 417.5, "float16": 835.5, "bfloat16": 835.5}

VENDOR_PEAKS: tuple[VendorPeak, ...] = (
    VendorPeak(
        "Tesla P100 SXM2",
        r"Tesla P100-SXM2-16GB",
        {"float64": 5.3, "float32": 10.6, "float16": 21.2},
        732.0,
        {"NVLink": 160.0, **_PCIE3},
        _PASCAL,
    ),
    VendorPeak(
        "Tesla P100 PCIe 16 GB",
        r"Tesla P100-PCIE-16GB",
        {"float64": 4.7, "float32": 9.3, "float16": 18.7},
        732.0,
        _PCIE3,
        _PASCAL,
    ),
    VendorPeak(
        "Tesla V100 SXM2",
        # Not the V100-SXM2-32GB-LS: a board of its own, for which no published figures were found.
        r"Tesla V100-SXM2-(16|32)GB",
        {"float64": 7.8, "float32": 15.7, "float16": 125.0},
        900.0,
        {"NVLink": 300.0, **_PCIE3},
        _VOLTA,
    ),
    VendorPeak(
        "Tesla V100 PCIe",
        r"Tesla V100-PCIE-(16|32)GB",
        {"float64": 7.0, "float32": 14.0, "float16": 112.0},
        900.0,
        _PCIE3,
        _VOLTA,
    ),
    VendorPeak("T4", r"(Tesla|NVIDIA) T4", {"float32": 8.1, "float16": 65.0}, 300.0, _PCIE3, _TURING),
    VendorPeak("A100 SXM 40 GB", r"A100-SXM4-40GB", _A100, 1555.0, {"NVLink": 600.0, **_PCIE4}, _AMPERE_40),
    VendorPeak("A100 SXM 80 GB", r"A100-SXM4?-80GB", _A100, 2039.0, {"NVLink": 600.0, **_PCIE4}, _AMPERE_80),
    VendorPeak("A100 PCIe 40 GB", r"A100-PCIE-40GB", _A100, 1555.0, {"NVLink": 600.0, **_PCIE4}, _AMPERE_40),
    VendorPeak("A100 PCIe 80 GB", r"A100 80GB PCIe", _A100, 1935.0, {"NVLink": 600.0, **_PCIE4}, _AMPERE_80),
    VendorPeak("H100 SXM", r"H100 80GB HBM3", _H100, 3350.0, {"NVLink": 900.0, **_PCIE5}, _HOPPER),
    VendorPeak(
        "H100 PCIe",
        r"H100 PCIe",
        {"float64": 51.0, "float32": 51.0, "tf32": 378.0, "float16": 756.5, "bfloat16": 756.5},
        2000.0,
        {"NVLink": 600.0, **_PCIE5},
        _HOPPER,
    ),
    VendorPeak("H100 NVL", r"H100 NVL", _NVL, 3900.0, {"NVLink": 600.0, **_PCIE5}, _HOPPER_NVL),
    VendorPeak("H200 SXM", r"H200", _H100, 4800.0, {"NVLink": 900.0, **_PCIE5}, _H200),
    VendorPeak("H200 NVL", r"H200 NVL", _NVL, 4800.0, {"NVLink": 900.0, **_PCIE5}, _H200),
    VendorPeak(
        "L4",
        r"L4",
        {"float32": 30.3, "tf32": 60.0, "float16": 121.0, "bfloat16": 121.0},
        300.0,
        _PCIE4,
        _L4,
    ),
    VendorPeak(
        "GeForce RTX 4090",
        r"GeForce RTX 4090",
        # float64 is a 64th of float32, and half precision is summed up in float32.
        {"float64": 1.29, "float32": 82.6, "tf32": 82.6, "float16": 165.2, "bfloat16": 165.2},
        1008.0,
        _PCIE4,
        _ADA,
    ),
)


def find_peak(device: str) -> VendorPeak | None:
    """The row of a GPU, by the name that the driver or a backend gives it.

    None for a GPU that the table lacks, for a slice of one (MIG), and for a CPU. Names are compared whole: an
    "RTX 4090 Laptop GPU" is another chip than an RTX 4090.
    """
    name = re.sub(r"\s+", " ", device).strip()
    return next((peak for peak in VENDOR_PEAKS if re.fullmatch(f"(NVIDIA )?({peak.pattern})", name)), None)
