from typing import Any

import pytest
from pydantic import ValidationError

from dlpractice.config.sections import shared
from dlpractice.config.sections.shared import Hardware, Section


def test_a_shared_field_keeps_its_meaning_and_takes_the_default_of_its_section() -> None:
    class First(Section):
        patience: shared.Patience = None
        seed: shared.Seed = 0

    class Second(Section):
        patience: shared.Patience = 3

    fields = [kind.model_json_schema()["properties"]["patience"] for kind in (First, Second)]
    assert fields[0] | {"default": 3} == fields[1]
    assert "null never stops" in fields[0]["description"]
    assert First.model_json_schema()["properties"]["seed"]["exclusiveMaximum"] == 2**31


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("Resize", ["stretch", "crop", "pad"], ["squeeze", None]),
        ("Background", ["#00ffAA"], ["#fff", "white", "#gggggg", "#ffffff\n", None]),
        ("WeightDecay", [0, 1.0], [-0.1, 1.1]),
        ("Warmup", [0, 1000], [-1, 1001]),
        ("Patience", [1, 10_000, None], [0, 10_001, "none"]),
        ("SplitSeed", [0, 2**31 - 1], [-1, 2**31]),
        ("Rate", [1e-9, 10], [0, 10.1, float("nan")]),
    ],
)
def test_bounds_of_shared_fields(field: str, inside: list[Any], outside: list[Any]) -> None:
    kind = type("Kind", (Section,), {"__annotations__": {"value": getattr(shared, field)}})
    for value in inside:
        assert kind.model_validate({"value": value}).model_dump() == {"value": value}
    for value in outside:
        with pytest.raises(ValidationError):
            kind.model_validate({"value": value})


@pytest.mark.parametrize("devices", ["auto", 1, 8, ("GPU:0", "GPU:1")])
def test_devices(devices: object) -> None:
    assert Hardware.model_validate({"devices": devices}).devices == devices


@pytest.mark.parametrize("devices", [0, True, "gpu", 1.5, (1, 2)])
def test_devices_that_mean_nothing(devices: object) -> None:
    with pytest.raises(ValidationError):
        Hardware.model_validate({"devices": devices})
