"""The cost of trainings of the small net, from the products of its parts."""

import pytest
from small_nets import CHANNELS

from dlpractice.config.schema import Finetune
from dlpractice.models.classifier import Design, build_classifier
from dlpractice.models.products import count_products
from dlpractice.recipes.finetune.choice.cost import count_cost
from dlpractice.registry.backbones import find_backbone
from dlpractice.registry.strategies import plan_strategy

SIZES = {"train": 100, "validation": 40, "test": 1000}


def test_scratch_trains_all_of_its_net(tiny_config: Finetune) -> None:
    plan = plan_strategy("scratch", 5, pretrained=False)
    net = build_classifier(find_backbone("vgg16"), plan, 2, 32, Design(None, width=0.25)).model
    cost = count_cost(tiny_config, SIZES, 2)
    assert cost.price.epoch == 3 * (3 * 100 + 40 + 40) * count_products(net)
    assert (cost.price.start, cost.price.epochs, cost.frozen) == (0, 3, 0)


@pytest.mark.parametrize(("views", "images"), [(1, 1140), (4, 1440)])
def test_a_linear_layer_costs_its_frozen_features(tiny_config: Finetune, views: int, images: int) -> None:
    augment = tiny_config.augment.model_copy(update={"views": views})
    config = tiny_config.for_strategy("linear@block1").model_copy(update={"augment": augment})
    cost = count_cost(config, SIZES, 2)
    assert cost.frozen == images * 32 * 32 * 9 * 3 * CHANNELS[0]
    assert cost.price.epoch == 3 * 380 * CHANNELS[0] * 2
    assert cost.whole == cost.frozen + 3 * cost.price.epoch
