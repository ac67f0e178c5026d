"""`--over`: what a search may try."""

from typing import Any

import pytest

from dlpractice.config.search_space import Range, load_space
from dlpractice.errors import ConfigError


def test_ranges_and_choices() -> None:
    over = ["training.learning_rate=1e-4..1e-1:log", "model.dropout=0..0.5", "training.batch_size=8..64:log"]
    space = load_space("digits", ["seed=3"], [*over, "strategy=head,scratch", "model.hidden=[],[64,32]"])
    assert space.parts == {
        "training.learning_rate": Range(1e-4, 0.1, is_log=True, is_whole=False),
        "model.dropout": Range(0, 0.5, is_log=False, is_whole=False),
        "training.batch_size": Range(8, 64, is_log=True, is_whole=True),
        "strategy": ("head", "scratch"),
        "model.hidden": ("[]", "[64,32]"),
    }
    corners = space.corners()
    assert len(corners) == 2**5 and len({config.model_dump_json() for config in corners}) == 2**5
    setting = {"training.learning_rate": "0.003", "strategy": "scratch", "model.hidden": "[64,32]"}
    config = space.config(setting)
    assert (config.training.learning_rate, config.strategy, config.model.hidden) == (
        0.003,
        "scratch",
        (64, 32),
    )
    assert config.seed == 3 and config.training.warmup == 1  # the strategy's own changes are in it


def test_values_are_written_as_overrides_take_them() -> None:
    assert Range(1, 9, is_log=False, is_whole=True).write(4.0) == "4"
    assert Range(0, 1, is_log=False, is_whole=False).write(0.123456) == "0.1235"


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ([], "nothing to search"),
        (["model.dropout"], "not a key and a range"),
        (["model.dropout=0.5"], "no range, and not two values"),
        (["model.dropout=0.5,0.5"], "names a value twice"),
        (["model.dropout=0.5..0.1"], "the range must rise; got 0.5 to 0.1"),
        (["model.dropout=0.5..0.5"], "the range must rise"),
        (["model.dropout=nan..0.5"], "the range must rise"),
        (["model.dropout=0..0.5:log"], "must begin above 0"),
        (["model.dropout=0..2"], "model.dropout must be in"),
        (["model.dropuot=0..0.5"], "did you mean model.dropout"),
        (["training.epochs=1.5..4"], "takes whole numbers"),
        (["strategy=head..scratch"], "strategy takes no numbers"),
        (["model.dropout=a..b"], "no range of numbers"),
        (["seed=1..4"], "cannot vary seed"),
        (["data.test=0.1..0.2"], "validated on different images"),
        (["model.dropout=0..0.5", "model.dropout=0..0.1"], "names model.dropout twice"),
        (["model.width=0.5..2"], "only scratch has a width"),
    ],
)
def test_what_is_refused(over: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_space("digits", [], over)


def test_values_that_do_not_fit_each_other() -> None:
    over: Any = ["training.batch_size=2..8", "training.accumulation_steps=1..4"]
    with pytest.raises(ConfigError, match="batch_size must be at least"):
        load_space("digits", [], over)
