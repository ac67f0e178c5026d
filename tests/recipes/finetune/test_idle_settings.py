"""Which settings a fine-tuning run says to have no effect on it."""

from pathlib import Path
from typing import Any

import pytest

from dlpractice.config.schema import Finetune
from dlpractice.progress import Silent
from dlpractice.recipes.finetune.idle_settings import list_idle_settings
from dlpractice.recipes.finetune.setup import prepare_setup

# The tiny config sets width, flip, shift, head_epochs and two classes of the same size.
PLAIN: dict[str, Any] = {"model": {"weights": None}, "augment": {}, "training": {"epochs": 9}}


def tell(config: Finetune, strategy: str, **sections: dict[str, Any]) -> list[str]:
    document = config.model_dump() | {"strategy": strategy}
    for name, plain in PLAIN.items():
        document[name] = plain | sections.get(name, {})
    document["hardware"] |= sections.get("hardware", {})
    changed = Finetune.model_validate(document)
    return list_idle_settings(changed, prepare_setup(changed, Silent()))


@pytest.mark.parametrize(
    ("strategy", "section", "settings", "told"),
    [
        ("scratch", "augment", {"rotation": 10.0, "mixup": 0.2}, None),
        ("scratch", "model", {"backbone": "vgg19"}, "model.backbone and model.weights: no effect"),
        ("scratch", "augment", {"views": 2}, "augment.views: no effect"),
        ("scratch", "training", {"epochs": 9, "schedule": "plateau"}, None),
        ("scratch", "training", {"epochs": 6, "schedule": "plateau"}, "training.schedule: no effect"),
        ("scratch", "training", {"epochs": 9, "schedule": "plateau", "patience": 5}, "training.schedule:"),
        ("scratch", "training", {"epochs": 9, "patience": 7}, None),
        ("scratch", "training", {"epochs": 9, "patience": 8}, "training.patience: no effect"),
        ("scratch", "training", {"epochs": 9, "warmup": 0.1}, "training.warmup: no effect"),
        ("scratch", "training", {"epochs": 9, "class_weights": "balanced"}, "training.class_weights:"),
        ("scratch", "training", {"epochs": 9, "batch_size": 999}, "training.batch_size: no effect"),
        ("scratch", "hardware", {"scaling": "linear"}, "hardware.scaling: no effect"),
        ("linear@block1", "augment", {"rotation": 10.0, "views": 3}, None),
        ("linear@block1", "augment", {"rotation": 10.0}, "augment.rotation: no effect"),
        ("linear@block1", "augment", {"mixup": 0.2}, "augment.mixup: no effect"),
        ("linear@block1", "augment", {"views": 2}, "augment.views: no effect"),
        ("linear@block1", "model", {"width": 2.0}, "model.width: no effect"),
        ("linear@block1", "model", {"pooling": "max"}, None),
        ("linear@block5", "model", {"pooling": "max"}, "model.pooling: no effect"),
        ("linear@block1", "training", {"head_epochs": 9}, "training.head_epochs: no effect"),
        ("linear@block1", "training", {"pretrained_rate": 0.5}, "training.pretrained_rate: no effect"),
    ],
)
def test_what_has_no_effect_is_told(
    tiny_config: Finetune,
    shared_cache: Path,
    strategy: str,
    section: str,
    settings: dict[str, Any],
    told: str | None,
) -> None:
    messages = [
        message
        for message in tell(tiny_config, strategy, **{section: settings})
        if not (strategy == "scratch" and message.startswith("model.weights:"))
    ]
    if told is None:
        assert messages == []
    else:
        assert len(messages) == 1 and messages[0].startswith(told)
