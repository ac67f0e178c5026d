"""What candidates cost, in products: counted from their nets, so that no clock has a say in a choice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dlpractice.config.schema import Finetune
from dlpractice.data.naming.split_names import SplitName
from dlpractice.models.classifier import build_classifier
from dlpractice.models.products import count_products
from dlpractice.recipes.finetune.backbone import find_base, read_design
from dlpractice.recipes.finetune.choice.elimination import Price
from dlpractice.registry.strategies import plan_strategy

_A_STEP = 3
"""Products of a training step, in forward passes of what it trains, see `count_products`."""
_SLOWNESS = 3
"""How much longer a product takes in training than in the pass that freezes features, whose batches and
layers are larger: 3.5 times for `top-block`, 2.9 for `scratch` (719 digits at 32 pixels through VGG16, two
cores of an AMD EPYC)."""


@dataclass(frozen=True)
class Cost:
    """What a training in full takes. price: of its epochs. frozen: of the frozen features of all images,
    once."""

    price: Price
    frozen: float

    @property
    def whole(self) -> float:
        """Everything, from nothing in the cache to a trained net."""
        return self.price.whole + self.frozen


def count_cost(config: Finetune, sizes: Mapping[SplitName, int], class_count: int) -> Cost:
    """The cost of training the strategy of `config`.

    After each epoch, validation is scored, and as many training images.

    sizes: the images of each split.

    Raises ModelError where the images are too small for the backbone.
    """
    backbone = find_base(config)
    strategy = plan_strategy(
        config.strategy, len(backbone.blocks), pretrained=config.model.weights is not None
    )
    design = replace(read_design(config), weights=None)
    classifier = build_classifier(backbone, strategy, class_count, config.data.image_size, design)
    train, validation = sizes["train"], sizes["validation"]
    seen = _SLOWNESS * (_A_STEP * train + min(train, validation) + validation)
    epochs = [(seen * count_products(classifier.rest(stage.cut)), stage) for stage in strategy.stages]
    start = sum(cost * config.training.passes(warm_up=True) for cost, stage in epochs if stage.warm_up)
    fronts = [count_products(classifier.front([cut])) for cut in strategy.cuts]
    images = train * config.augment.views + validation + sizes["test"]
    return Cost(
        Price(start, max(epochs[-1][0], 1), config.training.passes()), images * max(fronts, default=0)
    )
