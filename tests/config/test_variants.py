from typing import Any, ClassVar

import pytest
from pydantic import Field, ValidationError, model_validator

from dlpractice.config.sections.shared import Section
from dlpractice.config.variants import ABSENT, Changes, Varied, changes_of


class Oven(Section):
    degrees: int = Field(default=180, ge=50, le=300, description="Degrees Celsius.")
    fan: bool | None = Field(default=True, description="Whether the fan runs.")
    door: str = Field(default="shut", description="Where the door is.")


OvenChanges: Any = changes_of(Oven, without={"door": "it is shut"})


class DishChanges(Changes):
    oven: OvenChanges = ABSENT


class Recipe(Varied):
    VARIANT: ClassVar = "dish"
    VARIANTS: ClassVar = "dishes"

    dish: str = "bread"
    oven: Oven = Oven()
    dishes: dict[str, DishChanges] = Field(default={})

    @model_validator(mode="after")
    def _bake_bread_hot(self) -> "Recipe":
        if self.dish == "crust" and self.oven.degrees < 200:
            raise ValueError("a crust needs 200 degrees")
        return self


def test_only_the_keys_that_are_written_change() -> None:
    recipe = Recipe.model_validate(
        {"oven": {"degrees": 220}, "dishes": {"cake": {"oven": {"fan": None}}, "pie": {}}}
    )
    assert recipe.variants() == ("cake", "pie")
    cake = recipe.with_variant("cake")
    assert (cake.dish, cake.oven.degrees, cake.oven.fan, cake.dishes) == ("cake", 220, None, {})
    assert recipe.with_variant("pie").oven == recipe.with_variant("other").oven == recipe.oven


def test_changes_keep_the_bounds_and_show_no_defaults() -> None:
    schema = OvenChanges.model_json_schema()["properties"]
    assert schema["degrees"] == {
        key: value
        for key, value in Oven.model_json_schema()["properties"]["degrees"].items()
        if key != "default"
    }
    for changes in ({"degrees": 301}, {"degrees": None}, {"heat": 1}):
        with pytest.raises(ValidationError):
            OvenChanges.model_validate(changes)


def test_what_no_variant_may_change_is_no_field_of_the_changes() -> None:
    with pytest.raises(ValidationError, match="door"):
        OvenChanges.model_validate({"door": "open"})


def test_the_sections_are_checked_once_the_changes_are_made() -> None:
    with pytest.raises(ValidationError, match="200 degrees"):
        Recipe(dishes={"crust": DishChanges()}).with_variant("crust")
