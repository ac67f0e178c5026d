from typing import Any

import pytest
from pydantic import ValidationError

from dlpractice.config.sections.oneshot import (
    Batch,
    Data,
    Distortion,
    Evaluation,
    Training,
)

BOUNDS: list[tuple[type, str, list[Any], list[Any]]] = [
    (Data, "image_size", [16, 512], [15, 513]),
    (Data, "validation_alphabets", [1, 20], [0, 21]),
    (Data, "evaluation_alphabets", [1, 100], [0, 101]),
    (Data, "validation", [1e-9, 0.5], [0, 0.51]),
    (Data, "evaluation", [1e-9, 0.5], [0, 0.51]),
    (Data, "glyph_alphabets", [0, 2000], [-1, 2001]),
    (Data, "examples_per_class", [1, None], [0, 2]),
    (Data, "drawer_pattern", [None, "^(.)"], ["(", "abc", "(a)(b)", ""]),
    (Batch, "alphabets", [1, 64], [0, 65]),
    (Batch, "classes", [2, 512], [1, 513]),
    (Batch, "examples", [2, 64], [1, 65]),
    (Distortion, "rotation", [0, 180], [-1, 181]),
    (Distortion, "shear", [0, 1], [-0.1, 1.1]),
    (Distortion, "scale", [0, 0.9], [-0.1, 0.91]),
    (Distortion, "shift", [0, 0.5], [-0.1, 0.51]),
    (Distortion, "elastic", [0, 0.2], [-0.1, 0.21]),
    (Distortion, "thickness", [0, 1], [-0.1, 1.1]),
    (Distortion, "subimage", [0, 0.9], [-0.1, 0.91]),
    (Distortion, "probability", [1e-9, 1], [0, 1.1]),
    (Training, "epoch_steps", [1, 100_000], [0, 100_001]),
    (Training, "learning_rate", [1e-9, 10], [0, "auto"]),
    (Evaluation, "views", [1, 64], [0, 65]),
    (Evaluation, "alignment", [0, 4], [-1, 5]),
    (Evaluation, "false_accept_rate", [1e-9, 0.5], [0, 0.51]),
]


@pytest.mark.parametrize(("section", "field", "inside", "outside"), BOUNDS)
def test_bounds(section: Any, field: str, inside: list[Any], outside: list[Any]) -> None:
    required = {"source": "photos"} if section is Data else {}
    for value in inside:
        assert getattr(section.model_validate({**required, field: value}), field) == value
    for value in outside:
        with pytest.raises(ValidationError):
            section.model_validate({**required, field: value})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "photos", "validation": 0.5, "evaluation": 0.5}, "leave classes to train on"),
        ({"source": "glyphs"}, "glyph_alphabets must be 1 or more"),
        ({"source": "omniglot", "colour": "colour"}, "colour must be grey"),
        ({"source": "photos", "glyph_alphabets": 3, "colour": "colour"}, "colour must be grey"),
    ],
)
def test_data_that_does_not_fit_itself(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Data.model_validate(settings)


def test_a_drawer_is_one_group_of_a_regular_expression() -> None:
    for pattern, message in (("(", "not a regular expression"), ("abc", "it has 0"), ("(a)(b)", "it has 2")):
        with pytest.raises(ValidationError, match=message):
            Data(source="voices", drawer_pattern=pattern)


def test_the_range_of_koch_is_the_default_distortion() -> None:
    assert Distortion() == Distortion(rotation=10, shear=0.3, scale=0.2, shift=0.02, probability=0.5)
    assert not Distortion().changes_nothing
