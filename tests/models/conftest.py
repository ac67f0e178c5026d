"""The backbones as they are: elsewhere a small net stands in VGG16's place."""

from collections.abc import Iterator

import pytest
import small_nets
from strict_patches import StrictPatch

from dlpractice.models import backbones


@pytest.fixture(scope="module", autouse=True)
def whole_backbones() -> Iterator[None]:
    with StrictPatch.context() as patch:
        patch.setattr(backbones, "build_base", small_nets.build_whole_base)
        yield
