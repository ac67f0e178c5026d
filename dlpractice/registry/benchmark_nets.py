"""The nets that `dlp benchmark` measures, with random weights, a row each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Net:
    """One net: the whole of an `application` of Keras, or an `encoder` of ours for grey images, at the side
    that its row calls usual."""

    application: str = ""
    encoder: str = ""


NETS: dict[str, Net] = {
    "vgg16": Net(application="VGG16"),
    "resnet50": Net(application="ResNet50"),
    "siamese": Net(encoder="residual"),
    "koch": Net(encoder="koch"),
}
