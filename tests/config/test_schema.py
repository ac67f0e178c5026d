import pytest

from dlpractice.config.schema import SCHEMAS, json_schema
from dlpractice.errors import ConfigError


def test_every_field_says_what_it_is() -> None:
    for command in SCHEMAS:
        schema = json_schema(command)
        for section in (schema, *schema["$defs"].values()):
            for name, field in section["properties"].items():
                assert field.get("description") or "$ref" in field, name


def test_a_command_is_the_one_that_its_schema_is_under() -> None:
    for command in SCHEMAS:
        assert json_schema(command)["properties"]["command"]["const"] == command


def test_a_command_without_configs_has_no_schema() -> None:
    with pytest.raises(ConfigError, match="predict"):
        json_schema("predict")
