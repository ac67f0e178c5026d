"""Which settings a one-shot run says to have no effect on it."""

from pathlib import Path
from typing import Any

import pytest

from dlpractice.config.schema import Oneshot
from dlpractice.progress import Silent
from dlpractice.recipes.oneshot.idle_settings import list_idle_settings
from dlpractice.recipes.oneshot.setup import OneshotSetup, prepare_oneshot


@pytest.fixture(scope="module")
def setup(tiny_oneshot_config: Oneshot, shared_cache: Path) -> OneshotSetup:
    return prepare_oneshot(tiny_oneshot_config, Silent())


# For each message what is set: the class folders of the setup stand in for other sources.
STILL = dict.fromkeys(("rotation", "shear", "scale", "shift", "elastic"), 0.0)
GLYPHS = {"source": "glyphs", "glyph_alphabets": 1, "drawer_pattern": None, "validation": 0.15}
OMNIGLOT = {"source": "omniglot", "drawer_pattern": None, "validation": 0.15}
TOLD: list[tuple[dict[str, dict[str, Any]], str | None]] = [
    ({}, None),
    ({"data": {"split": "vinyals"}}, "data.split: no effect, because data.source is a folder"),
    ({"data": {"validation_alphabets": 2}}, "data.validation_alphabets: no effect"),
    ({"data": {"evaluation_alphabets": 2}}, "data.evaluation_alphabets: no effect"),
    ({"data": GLYPHS}, None),
    ({"data": GLYPHS | {"resize": "pad"}}, "data.resize: no effect, because data.source is glyphs"),
    ({"data": GLYPHS | {"drawer_pattern": "^(.)"}}, "data.drawer_pattern: no effect"),
    ({"data": GLYPHS | {"validation": 0.2}}, "data.validation: no effect"),
    ({"data": GLYPHS | {"evaluation": 0.2}}, "data.evaluation: no effect"),
    ({"data": GLYPHS | {"on_bad_image": "skip"}}, "data.on_bad_image: no effect"),
    ({"data": GLYPHS | {"split": "vinyals"}}, "data.split: no effect, because data.source is glyphs"),
    ({"data": GLYPHS | {"validation_alphabets": 2}}, None),
    ({"data": OMNIGLOT | {"evaluation_alphabets": 2}}, "data.evaluation_alphabets: no effect"),
    ({"data": OMNIGLOT | {"validation_alphabets": 2}}, None),
    (
        {"data": OMNIGLOT | {"validation_alphabets": 2, "split": "vinyals"}},
        "data.validation_alphabets: no effect, because data.split is vinyals",
    ),
    ({"objective": {"margin": 2.0}}, "objective.margin: no effect, because supcon takes temperature"),
    ({"objective": {"temperature": 0.2}}, None),
    ({"distortion": STILL | {"probability": 0.9}}, "distortion.probability: no effect"),
    ({"distortion": STILL, "evaluation": {"views": 3}}, "evaluation.views: no effect"),
    ({"evaluation": {"views": 3}}, None),
    ({"training": {"patience": 5}}, "training.patience: no effect"),
    ({"training": {"schedule": "plateau"}}, "training.schedule: no effect"),
    ({"training": {"warmup": 0.1}}, "training.warmup: no effect, because it is less than a step"),
    ({"batch": {"alphabets": 3}}, None),
    ({"batch": {"alphabets": 4}}, "batch.alphabets: no effect, because above 3"),
    ({"batch": {"classes": 6}}, None),
    ({"batch": {"classes": 7}}, "batch.classes: no effect, because above 6"),
]


@pytest.mark.parametrize(("sections", "told"), TOLD)
def test_what_has_no_effect_is_told(
    tiny_oneshot_config: Oneshot,
    setup: OneshotSetup,
    sections: dict[str, dict[str, Any]],
    told: str | None,
) -> None:
    document = tiny_oneshot_config.model_dump()
    for name, values in sections.items():
        document[name] |= values
    messages = list_idle_settings(Oneshot.model_validate(document), setup)
    if told is None:
        assert messages == []
    else:
        assert len(messages) == 1 and messages[0].startswith(told), messages
