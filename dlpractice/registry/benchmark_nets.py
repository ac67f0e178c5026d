"""The nets that `dlp benchmark` measures, with random weights, a row each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Net:
    """One net: either the whole of a Keras `application`, or one of our encoders.

    An encoder takes grey images of its row's usual side.
    """

    application: str = ""
    encoder: str = ""


NETS: dict[str, Net] = {
    "vgg16": Net(application="VGG16"),
    "resnet50": Net(application="ResNet50"),
    "siamese": Net(encoder="residual"),
    "koch": Net(encoder="koch"),
}
