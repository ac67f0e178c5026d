"""Pretrained convolutional bases that ship with Keras, a row each.

To add one, put a row at the end: `BACKBONES["name"] = Backbone(...)`. docs/extending.md shows how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlpractice.errors import ModelError

if TYPE_CHECKING:
    from dlpractice.layers.preprocessing import Scaling


@dataclass(frozen=True)
class Backbone:
    """One net of `keras.applications`, without its ImageNet classifier.

    application: the net's name in `keras.applications`.
    scaling: the range of pixels that it was trained on, as `layers.preprocessing.preprocess` takes it.
    blocks: for each block, the prefix of the names of the layers that open it. A base can be frozen up to the
        end of any block.
    native_size: the side of the square images that it was trained on, in pixels.
    minimum_size: the smallest side that it takes, in pixels.
    source: the paper that describes it.
    brings_preprocessing: whether Keras's net scales pixels by itself unless it is told not to.
    """

    application: str
    scaling: Scaling
    blocks: tuple[str, ...]
    native_size: int
    minimum_size: int
    source: str
    brings_preprocessing: bool = False


BACKBONES: dict[str, Backbone] = {}


def find_backbone(name: str) -> Backbone:
    """The row of `name`. Raises ModelError, which lists the names of all rows."""
    if name not in BACKBONES:
        raise ModelError(f"no backbone is called {name!r}", f"choose one of {', '.join(BACKBONES)}")
    return BACKBONES[name]


def require_size(backbone: Backbone, size: int) -> None:
    """Raises ModelError where images of `size` pixels a side are too small for the backbone."""
    if size < backbone.minimum_size:
        raise ModelError(
            f"data.image_size must be {backbone.minimum_size} or more for {backbone.application}; got {size}",
            f"it was trained at {backbone.native_size}; `strategy: scratch` takes smaller images",
        )


BACKBONES["vgg16"] = Backbone(
    application="VGG16",
    scaling="caffe",
    blocks=("block1", "block2", "block3", "block4", "block5"),
    native_size=224,
    minimum_size=32,
    source="Simonyan and Zisserman 2015, arXiv:1409.1556",
)

BACKBONES["vgg19"] = Backbone(
    application="VGG19",
    scaling="caffe",
    blocks=("block1", "block2", "block3", "block4", "block5"),
    native_size=224,
    minimum_size=32,
    source="Simonyan and Zisserman 2015, arXiv:1409.1556",
)

BACKBONES["resnet50v2"] = Backbone(
    application="ResNet50V2",
    scaling="tf",
    blocks=("conv1", "conv2", "conv3", "conv4", "conv5"),
    native_size=224,
    minimum_size=32,
    source="He et al. 2016, arXiv:1603.05027",
)

BACKBONES["mobilenetv2"] = Backbone(
    application="MobileNetV2",
    scaling="tf",
    blocks=("Conv1", "block_1_", "block_3_", "block_6_", "block_13_"),
    native_size=224,
    minimum_size=32,
    source="Sandler et al. 2018, arXiv:1801.04381",
)

BACKBONES["efficientnetv2b0"] = Backbone(
    application="EfficientNetV2B0",
    scaling="torch",
    blocks=("stem", "block1a", "block2a", "block3a", "block4a", "block5a", "block6a"),
    native_size=224,
    minimum_size=32,
    source="Tan and Le 2021, arXiv:2104.00298",
    brings_preprocessing=True,
)

BACKBONES["convnexttiny"] = Backbone(
    application="ConvNeXtTiny",
    scaling="torch",
    blocks=(
        "convnext_tiny_stem",
        "convnext_tiny_downsampling_block_0",
        "convnext_tiny_downsampling_block_1",
        "convnext_tiny_downsampling_block_2",
    ),
    native_size=224,
    minimum_size=32,
    source="Liu et al. 2022, arXiv:2201.03545",
    brings_preprocessing=True,
)

BACKBONES["xception"] = Backbone(
    application="Xception",
    scaling="tf",
    blocks=("block1_", "block2_", "block3_", "block4_", "block5_", "block13_"),
    native_size=299,
    minimum_size=71,
    source="Chollet 2017, arXiv:1610.02357",
)
