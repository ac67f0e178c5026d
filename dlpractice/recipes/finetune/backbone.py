"""Which pretrained base a config asks for: a row of the table, or a net of the user's own."""

import re
from typing import Any

from dlpractice.config.schema import Finetune
from dlpractice.models.classifier import Design
from dlpractice.models.own_net import describe_own
from dlpractice.registry.backbones import OWN_NET, Backbone, find_backbone

_OF_THE_BASE = {"backbone", "cuts", "preprocessing"}


def read_design(config: Finetune) -> Design:
    """What the config says of the net, besides its base."""
    return Design(**config.model.model_dump(exclude=_OF_THE_BASE))


def find_base(config: Finetune) -> Backbone:
    """The row of the config's backbone.

    Raises:
        ModelError: there is none of this name, or the file of a net of the user's own cannot be used.
    """
    model = config.model
    if not re.search(OWN_NET, model.backbone):
        return find_backbone(model.backbone)
    scaling: Any = model.preprocessing  # the config asks for it, of `SCALINGS`
    return describe_own(
        model.backbone,
        model.cuts,
        scaling,
        config.data.image_size,
        pretrained=model.weights is not None,
    )
