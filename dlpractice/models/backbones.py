"""Pretrained convolutional bases, a row each, and where each can be frozen."""

from dataclasses import dataclass
from typing import Any

import keras

from dlpractice.errors import ModelError
from dlpractice.layers.preprocessing import Scaling


@dataclass(frozen=True)
class Backbone:
    """One base of `keras.applications`, without its ImageNet classifier.

    `blocks` holds, block by block, the prefix of the names of the layers that open it: a base can be frozen
    up to the end of any block. Sizes are the side of a square image, in pixels.
    """

    application: str
    scaling: Scaling
    blocks: tuple[str, ...]
    native_size: int
    minimum_size: int
    source: str


BACKBONES: dict[str, Backbone] = {
    "vgg16": Backbone(
        "VGG16",
        "caffe",
        ("block1", "block2", "block3", "block4", "block5"),
        224,
        32,
        "Simonyan and Zisserman 2015, arXiv:1409.1556",
    ),
    "vgg19": Backbone(
        "VGG19",
        "caffe",
        ("block1", "block2", "block3", "block4", "block5"),
        224,
        32,
        "Simonyan and Zisserman 2015, arXiv:1409.1556",
    ),
    "resnet50v2": Backbone(
        "ResNet50V2",
        "tf",
        ("conv1", "conv2", "conv3", "conv4", "conv5"),
        224,
        32,
        "He et al. 2016, arXiv:1603.05027",
    ),
    "mobilenetv2": Backbone(
        "MobileNetV2",
        "tf",
        ("Conv1", "block_1_", "block_3_", "block_6_", "block_13_"),
        224,
        32,
        "Sandler et al. 2018, arXiv:1801.04381",
    ),
    "efficientnetv2b0": Backbone(
        "EfficientNetV2B0",
        "torch",
        ("stem", "block1a", "block2a", "block3a", "block4a", "block5a", "block6a"),
        224,
        32,
        "Tan and Le 2021, arXiv:2104.00298",
    ),
    "convnexttiny": Backbone(
        "ConvNeXtTiny",
        "torch",
        (
            "convnext_tiny_stem",
            "convnext_tiny_downsampling_block_0",
            "convnext_tiny_downsampling_block_1",
            "convnext_tiny_downsampling_block_2",
        ),
        224,
        32,
        "Liu et al. 2022, arXiv:2201.03545",
    ),
    "xception": Backbone(
        "Xception",
        "tf",
        ("block1_", "block2_", "block3_", "block4_", "block5_", "block13_"),
        299,
        71,
        "Chollet 2017, arXiv:1610.02357",
    ),
}


def find_backbone(name: str) -> Backbone:
    """The row of `name`. Raises ModelError that lists the names there are."""
    if name not in BACKBONES:
        raise ModelError(f"no backbone is called {name!r}", f"choose one of {', '.join(BACKBONES)}")
    return BACKBONES[name]


def build_base(backbone: Backbone, images: Any) -> keras.Model:
    """The base on top of preprocessed `images`, a symbolic (N, S, S, 3) tensor, with random weights.

    Raises ModelError where S is below what the base can take.
    """
    require_size(backbone, images.shape[1])
    options = {"include_preprocessing": False} if backbone.scaling == "torch" else {}
    application = getattr(keras.applications, backbone.application)
    return application(include_top=False, weights=None, input_tensor=images, **options)


def require_size(backbone: Backbone, size: int) -> None:
    """Raises ModelError where images of `size` pixels a side are too small for the backbone."""
    if size < backbone.minimum_size:
        raise ModelError(
            f"data.image_size must be {backbone.minimum_size} or more for {backbone.application}; got {size}",
            f"it was trained at {backbone.native_size}; `strategy: scratch` takes smaller images",
        )


def find_block_ends(base: keras.Model, blocks: tuple[str, ...]) -> list[keras.layers.Layer]:
    """The last layer of each block: the layer behind which one single tensor leads on.

    Found from the graph rather than from names, because the additions of a residual net carry automatic
    names.
    """
    layers = list(base.operations)
    position = {layer: index for index, layer in enumerate(layers)}
    last_reader = list(range(len(layers)))
    for index, layer in enumerate(layers):
        for node in layer._inbound_nodes:
            for tensor in node.input_tensors:
                source = tensor._keras_history.operation
                if source in position:
                    last_reader[position[source]] = max(last_reader[position[source]], index)
    reach, bottlenecks = -1, []
    for index in range(len(layers)):
        if reach <= index:
            bottlenecks.append(index)
        reach = max(reach, last_reader[index])
    openings = [
        next(index for index, layer in enumerate(layers) if layer.name.startswith(prefix))
        for prefix in blocks[1:]
    ]
    ends = [max(index for index in bottlenecks if index < opening) for opening in openings]
    return [layers[index] for index in ends] + [layers[-1]]
