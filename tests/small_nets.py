"""Nets of a few thousand weights in the places of large ones: tests of runs ask what is done with a net."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
from strict_patches import StrictPatch

from dlpractice.models import backbones, classifier
from dlpractice.registry.backbones import Backbone

CHANNELS = (4, 6, 8, 10, 12)
"""Of the five blocks of the net in VGG16's place."""

build_whole_base = backbones.build_base


def build_small_base(backbone: Backbone, images: Any) -> keras.Model:
    """Five blocks, named as VGG16's, of one convolution each, in place of VGG16's 14.7 million
    weights; any other backbone as it is."""
    if backbone.application != "VGG16":
        return build_whole_base(backbone, images)
    x = images
    for block, channels in enumerate(CHANNELS, 1):
        x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"block{block}_conv1")(x)
        x = keras.layers.MaxPooling2D(name=f"block{block}_pool")(x)
    return keras.Model(images, x, name="vgg16")


@contextmanager
def small_nets() -> Iterator[None]:
    """VGG16 as `build_small_base` makes it, and two of the four stages of the net of `scratch`: to trace the
    whole one takes half the time of a tiny training."""
    with StrictPatch.context() as patch:
        patch.setattr(classifier, "build_convnet", partial(classifier.build_convnet, stages=2))
        patch.setattr(backbones, "build_base", build_small_base)
        yield
