"""How many optimiser steps a config asks for, and the epochs that ask for as many."""

from collections import Counter

from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.data.image_split import share_of
from dlpractice.recipes.finetune.backbone import find_base
from dlpractice.registry.strategies import plan_strategy
from dlpractice.runs.directory import UNUSED, RunDirectory

_MOST_EPOCHS = 10_000


def count_steps(config: Finetune | Oneshot, run: RunDirectory) -> int:
    """Optimiser steps of all stages, if patience ends none early. run: one on the same images."""
    before, an_epoch = _steps(config, run)
    epochs = config.training.epochs if isinstance(config, Oneshot) else config.training.passes()
    return before + epochs * an_epoch


def match_steps(config: Finetune | Oneshot, steps: int, run: RunDirectory) -> Finetune | Oneshot:
    """`config` with as many epochs as bring it nearest to `steps` optimiser steps, one at least."""
    before, an_epoch = _steps(config, run)
    epochs = min(_MOST_EPOCHS, max(1, round((steps - before) / an_epoch)))
    training = config.training.model_copy(update={"epochs": epochs})
    return config.model_copy(update={"training": training})


def _steps(config: Finetune | Oneshot, run: RunDirectory) -> tuple[int, int]:
    """The steps that prepare the head, and those of an epoch of the last stage."""
    if isinstance(config, Oneshot):
        return 0, config.training.epoch_steps
    counts = Counter(row["label"] for row in run.splits() if row["split"] in ("train", UNUSED))
    images = sum(share_of(count, config.data.fraction) for count in counts.values())
    an_epoch = max(1, -(-images // config.training.batch_size))
    blocks = len(find_base(config).blocks)
    stages = plan_strategy(config.strategy, blocks, pretrained=config.model.weights is not None).stages
    warm_ups = len([stage for stage in stages if stage.warm_up])
    return warm_ups * config.training.passes(warm_up=True) * an_epoch, an_epoch
