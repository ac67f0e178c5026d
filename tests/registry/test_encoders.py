"""Rows of encoders; tests/models/test_encoders.py builds each."""

import pytest

from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.encoders import ENCODERS, scale


@pytest.mark.parametrize("name", ENCODERS)
def test_a_row_fits_itself(name: str) -> None:
    row = ENCODERS[name]
    assert row.image_size in row.sizes
    assert row.colours and set(row.colours) <= {"grey", "colour"}
    assert row.about and row.short and row.paper
    assert name not in BACKBONES


def test_a_narrow_net_has_one_channel_at_least() -> None:
    assert [scale(64, width) for width in (0.001, 0.5, 1.0, 8.0)] == [1, 32, 64, 512]
