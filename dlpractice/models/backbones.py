"""Pretrained convolutional bases, built from their rows, and the places where each can be frozen."""

from typing import Any

import keras

from dlpractice.registry.backbones import Backbone, require_size


def build_base(backbone: Backbone, images: Any) -> keras.Model:
    """The base on top of preprocessed `images`, a symbolic (N, S, S, 3) tensor, with random weights.

    Raises ModelError where S is smaller than the base can take.
    """
    require_size(backbone, images.shape[1])
    if backbone.build is not None:
        return backbone.build(images)
    options = {"include_preprocessing": False} if backbone.brings_preprocessing else {}
    application = getattr(keras.applications, backbone.application)
    return application(include_top=False, weights=None, input_tensor=images, **options)


def build_blocks(backbone: Backbone, images: Any) -> tuple[keras.Model, list[Any]]:
    """The base on top of preprocessed `images`, and the tensor that each of its blocks gives.

    Raises ModelError where S is smaller than the base can take.
    """
    if backbone.graft is not None:
        base, ends = backbone.graft(images)
        return base, ends
    base = build_base(backbone, images)
    return base, [end.output for end in find_block_ends(base, backbone.blocks)]


def find_block_ends(base: keras.Model, blocks: tuple[str, ...]) -> list[keras.layers.Layer]:
    """The last layer of each block: the one whose single output is all that later layers read.

    The graph says which layer that is; names do not, because the additions of a residual net carry automatic
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
