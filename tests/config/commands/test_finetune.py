import pytest
from pydantic import ValidationError

from dlpractice.config.commands.finetune import Finetune
from dlpractice.errors import ConfigError


def finetune(**settings: object) -> Finetune:
    return Finetune.model_validate({"command": "finetune", "data": {"source": "photos"}, **settings})


def test_defaults_are_within_their_own_bounds() -> None:
    config = finetune()
    assert Finetune.model_validate(config.model_dump()) == config


def test_a_config_is_frozen() -> None:
    with pytest.raises(ValidationError):
        finetune().training.epochs = 3  # type: ignore[misc]


def test_a_strategy_changes_only_what_it_names() -> None:
    config = finetune(
        training={"epochs": 7, "patience": 3},
        strategies={"scratch": {"training": {"patience": None, "batch_size": 8}}, "full": {}},
    )
    scratch = config.for_strategy("scratch")
    assert scratch.strategy == "scratch"
    assert scratch.strategies == {}
    assert (scratch.training.epochs, scratch.training.patience, scratch.training.batch_size) == (7, None, 8)
    assert config.for_strategy("full").training == config.training
    assert config.for_strategy("linear@block3").strategy == "linear@block3"
    assert scratch.for_strategy("head").training == scratch.training


@pytest.mark.parametrize("name", ["haed", "linear", "linear@block0", "linear@block10", "head\n", ""])
def test_an_unknown_strategy_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no strategy"):
        finetune().for_strategy(name)


def test_a_misspelt_strategy_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(ConfigError, match="did you mean head"):
        finetune().for_strategy("haed")


def test_what_a_strategy_changes_keeps_the_bounds() -> None:
    for changes in ({"epochs": 0}, {"epochs": None}, {"lr": 1}):
        with pytest.raises(ValidationError):
            finetune(strategies={"head": {"training": changes}})


def test_the_schema_of_a_strategys_changes_shows_no_defaults() -> None:
    definitions = Finetune.model_json_schema()["$defs"]
    changes, plain = definitions["TrainingChanges"]["properties"], definitions["Training"]["properties"]
    assert set(changes) == set(plain)
    assert all("default" not in field for field in changes.values())
    assert changes["batch_size"]["maximum"] == plain["batch_size"]["maximum"] == 4096


@pytest.mark.parametrize(
    ("batch", "parts", "hardware"),
    [
        (1, 1, {"devices": 2}),
        (3, 2, {"devices": ("GPU:0", "GPU:1")}),
        (3, 4, {}),
        (3, 4, {"scaling": "sqrt"}),
    ],
)
def test_no_device_may_be_left_idle(batch: int, parts: int, hardware: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"training\.batch_size must be at least"):
        finetune(training={"batch_size": batch, "accumulation_steps": parts}, hardware=hardware)


def test_a_batch_on_each_device_leaves_none_idle() -> None:
    assert finetune(training={"batch_size": 1}, hardware={"devices": 2, "scaling": "linear"})


def test_without_a_strategy_it_is_left_open() -> None:
    config = finetune(
        training={"epochs": 7},
        strategies={"full": {"training": {"epochs": 2}}, "head": {"model": {"backbone": "vgg19"}}},
    )
    assert config.strategy == "auto" and config.is_open
    assert config.for_strategy("auto") == config  # any of the changes may still be needed
    assert config.settled("full", "xception") == config.for_strategy("full")  # the backbone is not open
    assert config.settled("full", "xception").training.epochs == 2
    assert config.as_head("xception").model.backbone == "vgg19"
    assert not config.for_strategy("scratch").is_open


def test_an_open_backbone() -> None:
    config = finetune(strategy="top-block", model={"backbone": "auto"})
    assert config.is_open
    settled = config.settled("head", "xception")  # the strategy is not open
    assert (settled.strategy, settled.model.backbone, settled.is_open) == ("top-block", "xception", False)
    assert config.as_head("xception").strategy == "head"
    for weights in (None, "mine.h5"):
        with pytest.raises(ValidationError, match="chooses among pretrained nets"):
            finetune(model={"backbone": "auto", "weights": weights})


def test_epochs_follow_the_number_of_images_where_none_are_written() -> None:
    config = Finetune.model_validate(
        {"command": "finetune", "data": {"source": "x"}, "training": {"epochs": 4}}
    )
    assert (config.paced(1000).training.passes(), config.paced(1000).training.passes(warm_up=True)) == (4, 30)
    bare = Finetune.model_validate({"command": "finetune", "data": {"source": "x"}})
    epochs = [bare.paced(images).training.passes() for images in (1, 40, 250, 1000, 4000, 40_000, 10**6)]
    assert epochs == [200, 150, 60, 30, 15, 5, 5]
    assert bare.paced(40).paced(1000) == bare.paced(40)
