"""Published throughputs of one device and of several, which predictions are compared with.

A table is one net at one batch size on one machine. Nothing here was measured by this project.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Precision = Literal["float32", "tf32", "mixed"]
Exchange = Literal["ring", "server"]
"""How gradients are summed: by a ring all-reduce, or in the host's memory (parameter server on the CPU)."""


@dataclass(frozen=True)
class PublishedTable:
    """One net on one machine.

    parameters: how many are trained; each has a gradient of 4 bytes.
    batch: images per device and step.
    interconnect: a name in INTERCONNECTS.
    images_per_second: of one device.
    efficiencies: the share of linear scaling, by the number of devices.
    source: where the figures were published.
    """

    name: str
    model: str
    parameters: int
    batch: int
    precision: Precision
    interconnect: str
    exchange: Exchange
    images_per_second: float
    efficiencies: Mapping[int, float]
    source: str


# Trainable parameters for 1,000 classes. AlexNet is the one-tower net of Krizhevsky 2014 (arXiv:1404.5997).
PARAMETERS = {
    "VGG16": 138_357_544,
    "AlexNet": 61_100_840,
    "ResNet-50": 25_557_032,
    "ResNet-152": 60_192_808,
    "InceptionV3": 23_834_568,
}

_TENSORFLOW = (
    "TensorFlow 1.2, docs_src/performance/benchmarks.md: tf_cnn_benchmarks on a DGX-1 (P100) with synthetic "
    "data, May 2017"
)
# One version of this page gives the DGX A100 808 to 6,300 (tf32) and 1,770 to 16,400 (mixed) images/s: 9.26
# times as fast on 8 devices, which cannot be; the other version, 909 to 7,000 and 2,375 to 17,400, is kept.
_NVIDIA = (
    "NVIDIA DeepLearningExamples, TensorFlow/Classification/ConvNets/resnet50v1.5/README.md, "
    "container 20.06-tf1-py3, Horovod and XLA"
)
_HOROVOD = (
    "Horovod, docs/benchmarks.rst (512 devices) and docs/benchmarks.md before it (128), tf_cnn_benchmarks, "
    "hosts of 4 Pascal GPUs joined by RoCE at 25 Gbit/s, batch 64 per device; the throughput of one P100 is "
    "TensorFlow's of May 2017, which is an assumption"
)


def _dgx1_p100(model: str, batch: int, exchange: Exchange, rates: tuple[float, ...]) -> PublishedTable:
    single, *several = rates
    return PublishedTable(
        f"{model.lower()}/batch{batch}/dgx1-p100",
        model,
        PARAMETERS[model],
        batch,
        "float32",
        "dgx1-p100",
        exchange,
        single,
        {devices: rate / devices / single for devices, rate in zip((2, 4, 8), several, strict=True)},
        _TENSORFLOW,
    )


def _nvidia(
    machine: str,
    precision: Precision,
    batch: int,
    devices: int,
    single: float,
    several: float,
) -> PublishedTable:
    return PublishedTable(
        f"resnet-50/{precision}/{machine}",
        "ResNet-50",
        PARAMETERS["ResNet-50"],
        batch,
        precision,
        machine,
        "ring",
        single,
        {devices: several / devices / single},
        _NVIDIA,
    )


def _horovod(model: str, single: float, efficiencies: Mapping[int, float]) -> PublishedTable:
    return PublishedTable(
        f"{model.lower()}/batch64/p100-roce25",
        model,
        PARAMETERS[model],
        64,
        "float32",
        "p100-roce25",
        "ring",
        single,
        efficiencies,
        _HOROVOD,
    )


PUBLISHED_TABLES = (
    _dgx1_p100("VGG16", 64, "ring", (154, 295, 584, 1081)),
    _dgx1_p100("VGG16", 32, "ring", (144, 281, 549, 820)),
    _dgx1_p100("AlexNet", 512, "ring", (2987, 5658, 10509, 17822)),
    _dgx1_p100("ResNet-50", 64, "server", (219, 422, 852, 1734)),
    _dgx1_p100("ResNet-50", 32, "server", (195, 368, 768, 1485)),
    _dgx1_p100("ResNet-152", 64, "server", (91.8, 181, 356, 716)),
    _dgx1_p100("ResNet-152", 32, "server", (82.7, 160, 317, 632)),
    _dgx1_p100("InceptionV3", 64, "server", (142, 284, 569, 1131)),
    _dgx1_p100("InceptionV3", 32, "server", (128, 259, 520, 995)),
    _nvidia("dgx1-v100", "float32", 128, 8, 412, 3170),
    _nvidia("dgx1-v100", "mixed", 256, 8, 1270, 9510),
    _nvidia("dgx2", "float32", 128, 16, 432, 6500),
    _nvidia("dgx2", "mixed", 256, 16, 1300, 17250),
    _nvidia("dgx-a100", "tf32", 256, 8, 909, 7000),
    _nvidia("dgx-a100", "mixed", 256, 8, 2375, 17400),
    _horovod("VGG16", 154, {128: 0.79, 512: 0.68}),
    _horovod("InceptionV3", 142, {128: 0.90, 512: 0.90}),
)
