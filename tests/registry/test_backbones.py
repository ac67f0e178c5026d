"""Rows of backbones; tests/models/test_backbones.py builds each."""

import pytest

from dlpractice.errors import ModelError
from dlpractice.registry.backbones import BACKBONES, find_backbone


@pytest.mark.parametrize("name", BACKBONES)
def test_a_row_fits_itself(name: str) -> None:
    row = BACKBONES[name]
    assert name == row.application.lower()
    assert 8 <= row.minimum_size <= row.native_size
    assert len(set(row.blocks)) == len(row.blocks) > 1
    assert "arXiv:" in row.source


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    assert find_backbone("vgg16") is BACKBONES["vgg16"]
    with pytest.raises(ModelError, match="'vgg61'") as caught:
        find_backbone("vgg61")
    assert "vgg16, vgg19" in caught.value.hint
