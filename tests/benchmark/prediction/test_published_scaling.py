"""The published tables against their rows, typed a second time, and parameters against sums by hand."""

from itertools import pairwise

import pytest

from dlpractice.benchmark.prediction.interconnects import INTERCONNECTS
from dlpractice.benchmark.prediction.published_scaling import PARAMETERS, PUBLISHED_TABLES

TABLES = {table.name: table for table in PUBLISHED_TABLES}


def test_tables_have_names_sources_and_known_wirings() -> None:
    assert len(TABLES) == len(PUBLISHED_TABLES) == 17
    assert sum(len(table.efficiencies) for table in PUBLISHED_TABLES) == 37
    for table in PUBLISHED_TABLES:
        assert table.source
        wiring = INTERCONNECTS[table.interconnect]
        for devices, efficiency in table.efficiencies.items():
            assert wiring.ring_bandwidth(devices).low > 0
            assert 0.6 < efficiency < 1.05


@pytest.mark.parametrize(
    ("name", "devices", "speed_up"),
    [
        ("vgg16/batch32/dgx1-p100", 8, 820 / 144),
        ("alexnet/batch512/dgx1-p100", 4, 10509 / 2987),
        ("resnet-50/batch64/dgx1-p100", 2, 422 / 219),
        ("resnet-50/float32/dgx1-v100", 8, 7.69),
        ("resnet-50/mixed/dgx1-v100", 8, 7.48),
        ("resnet-50/float32/dgx2", 16, 15.05),
        ("resnet-50/mixed/dgx2", 16, 13.27),
        ("resnet-50/tf32/dgx-a100", 8, 7.70),
        ("resnet-50/mixed/dgx-a100", 8, 7.32),
    ],
)
def test_efficiency_is_the_published_speed_up_per_device(name: str, devices: int, speed_up: float) -> None:
    # The published factors are rounded to three digits.
    assert devices * TABLES[name].efficiencies[devices] == pytest.approx(speed_up, abs=0.01)


def test_vgg16_has_the_parameters_of_its_layers() -> None:
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    convolutions = sum((9 * a + 1) * b for a, b in pairwise(widths))
    dense = sum((a + 1) * b for a, b in ((7 * 7 * 512, 4096), (4096, 4096), (4096, 1000)))
    assert PARAMETERS["VGG16"] == convolutions + dense


def test_alexnet_has_the_parameters_of_its_layers() -> None:
    convolutions = ((11, 3, 64), (5, 64, 192), (3, 192, 384), (3, 384, 256), (3, 256, 256))
    dense = ((6 * 6 * 256, 4096), (4096, 4096), (4096, 1000))
    total = sum((k * k * a + 1) * b for k, a, b in convolutions) + sum((a + 1) * b for a, b in dense)
    assert PARAMETERS["AlexNet"] == total


@pytest.mark.parametrize(("model", "blocks"), [("ResNet-50", (3, 4, 6, 3)), ("ResNet-152", (3, 8, 36, 3))])
def test_resnets_have_the_parameters_of_their_layers(model: str, blocks: tuple[int, ...]) -> None:
    # He et al. 2015, table 1: bottlenecks without biases, each normalised by two numbers a channel.
    total, channels = 7 * 7 * 3 * 64 + 2 * 64, 64
    for count, width in zip(blocks, (64, 128, 256, 512), strict=True):
        total += channels * 4 * width + 2 * 4 * width
        for _ in range(count):
            total += channels * width + 9 * width**2 + width * 4 * width + 2 * (width + width + 4 * width)
            channels = 4 * width
    assert PARAMETERS[model] == total + (channels + 1) * 1000
