"""Rows of nets; tests/benchmark builds them."""

import keras
import pytest

from dlpractice.registry.benchmark_nets import NETS
from dlpractice.registry.encoders import ENCODERS


@pytest.mark.parametrize("name", NETS)
def test_a_row_is_either_of_keras_or_of_ours(name: str) -> None:
    row = NETS[name]
    assert bool(row.application) != bool(row.encoder)
    assert hasattr(keras.applications, row.application) if row.application else row.encoder in ENCODERS
