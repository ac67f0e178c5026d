import pytest
from pydantic import ValidationError

from dlpractice.config.commands.oneshot import BASELINES, TABLE, Oneshot
from dlpractice.errors import ConfigError


def oneshot(**settings: object) -> Oneshot:
    return Oneshot.model_validate({"command": "oneshot", "data": {"source": "omniglot"}, **settings})


KOCH = {"data": {"image_size": 105}, "encoder": {"name": "koch"}}


def test_defaults_are_within_their_own_bounds() -> None:
    config = oneshot()
    assert Oneshot.model_validate(config.model_dump()) == config


def test_a_method_changes_only_what_it_names() -> None:
    config = oneshot(training={"epochs": 7, "patience": 3}, methods={"koch": KOCH, "same": {}})
    koch = config.for_method("koch")
    assert (koch.method, koch.methods) == ("koch", {})
    assert (koch.encoder.name, koch.data.image_size, koch.data.source) == ("koch", 105, "omniglot")
    assert koch.training == config.training
    assert config.for_method("same").encoder == config.encoder


def test_the_configs_own_method_is_the_config_without_the_others() -> None:
    config = oneshot(method="mine", methods={"koch": KOCH})
    assert config.for_method("mine") == oneshot(method="mine")


def test_a_method_that_runs_brings_its_changes_along() -> None:
    config = oneshot(method="koch", methods={"koch": KOCH})
    assert config.for_method("koch").encoder.name == "koch"


def test_an_unknown_method_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(ConfigError, match="did you mean dense-siamese") as caught:
        oneshot(methods={"dense-siamese": {}}).for_method("dense-siames")
    assert caught.value.hint == "the config's methods are siamese, dense-siamese"


@pytest.mark.parametrize("name", [*BASELINES, TABLE, "Siamese", "1st", "a b", "a\n", ""])
def test_names_that_no_method_may_have(name: str) -> None:
    with pytest.raises(ValidationError):
        oneshot(method=name)
    with pytest.raises(ValidationError):
        oneshot(methods={name: {}})


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"source": "glyphs"}},
        {"data": {"split_seed": 1}},
        {"data": {"validation_alphabets": 1}},
        {"hardware": {"precision": "float32"}},
        {"training": {"epochs": None}},
    ],
)
def test_what_no_method_may_change(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        oneshot(methods={"other": changes})


@pytest.mark.parametrize("data", [{"image_size": 56}, {"image_size": 105, "colour": "colour"}])
def test_koch_has_one_size_and_no_colour(data: dict[str, object]) -> None:
    settings = {"data": {"source": "photos", **data}, "encoder": {"name": "koch"}}
    with pytest.raises(ValidationError, match=r"koch needs data\.image_size 105 and data\.colour grey"):
        oneshot(**settings)


def test_one_example_needs_something_that_stands_in_for_others() -> None:
    still = {"rotation": 0.0, "shear": 0.0, "scale": 0.0, "shift": 0.0}
    data = {"source": "omniglot", "examples_per_class": 1}
    with pytest.raises(ValidationError, match="needs distortion"):
        oneshot(data=data, distortion=still)
    assert oneshot(data=data, distortion={**still, "subimage": 0.1}).data.examples_per_class == 1
    assert oneshot(distortion=still).distortion.changes_nothing


def test_parts_of_a_batch_do_not_hold_its_pairs() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        oneshot(training={"accumulation_steps": 2})


def test_pairs_have_no_rule_by_which_they_grow_with_devices() -> None:
    with pytest.raises(ValidationError, match=r"hardware\.scaling must be none.*got linear"):
        oneshot(hardware={"scaling": "linear"})
