from typing import Any

import pytest
from pydantic import ValidationError

from dlpractice.config.sections.embedding import Encoder, Objective
from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.encoders import ENCODERS
from dlpractice.registry.objectives import OBJECTIVES, SETTINGS


@pytest.mark.parametrize(
    ("section", "field", "inside", "outside"),
    [
        (Encoder, "name", [*ENCODERS, *BACKBONES], ["lenet", "", None]),
        (Encoder, "width", [0.1, 8], [0, 8.1]),
        (Encoder, "dimensions", [2, 8192, None], [1, 8193]),
        (Objective, "name", list(OBJECTIVES), ["tripel", "supcon ", None]),
        (Objective, "temperature", [1e-3, 10], [0, 10.1]),
        (Objective, "margin", [1e-3, 100], [0, 101]),
    ],
)
def test_bounds(section: Any, field: str, inside: list[Any], outside: list[Any]) -> None:
    for value in inside:
        assert getattr(section.model_validate({field: value}), field) == value
    for value in outside:
        with pytest.raises(ValidationError):
            section.model_validate({field: value})


def test_the_settings_of_objectives_have_their_defaults_from_the_registry() -> None:
    defaults = {name: setting.default for name, setting in SETTINGS.items()}
    assert Objective().model_dump() == {"name": "supcon", **defaults}
    assert defaults == {"temperature": 0.1, "margin": 1.0}


@pytest.mark.parametrize("settings", [{"weights": "imagenet"}, {"name": "vgg16", "width": 2.0}])
def test_what_only_a_backbone_has_and_what_it_lacks(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="backbone"):
        Encoder(**settings)
    assert Encoder(name="vgg16", weights="imagenet").weights == "imagenet"
