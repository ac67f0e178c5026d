"""Which stages a strategy has, and behind which cut each trains."""

import re

import pytest

from dlpractice.errors import ModelError
from dlpractice.registry.strategies import (
    IMAGES,
    block_cut,
    describe_strategies,
    list_candidates,
    plan_strategy,
    pooled_cut,
    strategy_choices,
    strategy_examples,
    strategy_pattern,
)


@pytest.mark.parametrize(
    ("name", "pretrained", "block", "stages"),
    [
        ("scratch", True, None, [("scratch", IMAGES, False)]),
        ("head", True, 5, [("head", "pooled5", False)]),
        ("top-block", True, 5, [("head", "pooled5", True), ("top-block", "block4", False)]),
        ("full", True, 5, [("head", "pooled5", True), ("full", IMAGES, False)]),
        ("full", False, 5, [("full", IMAGES, False)]),
        ("linear@block3", True, 3, [("linear@block3", "pooled3", False)]),
        ("linear@block5", True, 5, [("linear@block5", "pooled5", False)]),
    ],
)
def test_stages(name: str, pretrained: bool, block: int | None, stages: list[tuple[str, str, bool]]) -> None:
    strategy = plan_strategy(name, 5, pretrained=pretrained)
    assert (strategy.name, strategy.block) == (name, block)
    assert [(stage.name, stage.cut, stage.warm_up) for stage in strategy.stages] == stages


def test_the_cuts_are_those_whose_frozen_features_are_trained_on() -> None:
    assert plan_strategy("top-block", 4, pretrained=True).cuts == ("pooled4", "block3")
    assert plan_strategy("full", 4, pretrained=True).cuts == ("pooled4",)
    assert plan_strategy("scratch", 4, pretrained=True).cuts == ()


def test_names_of_cuts() -> None:
    assert (block_cut(2), pooled_cut(2), IMAGES) == ("block2", "pooled2", "images")


@pytest.mark.parametrize("name", ["linear@block0", "linear@block6", "linear@block10"])
def test_a_block_that_is_not_there(name: str) -> None:
    with pytest.raises(ModelError, match="blocks 1 to 5"):
        plan_strategy(name, 5, pretrained=True)


@pytest.mark.parametrize("name", ["", "Head", "linear@block", "linear@block3x", "linear"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(ModelError, match="no strategy is called") as caught:
        plan_strategy(name, 5, pretrained=True)
    assert "scratch, head, top-block, full" in caught.value.hint


def test_every_name_that_a_config_takes_is_planned() -> None:
    assert strategy_examples() == ["scratch", "head", "top-block", "full", "linear@block3"]
    for name in strategy_examples():
        assert re.fullmatch(strategy_pattern(), name)
        assert plan_strategy(name, 5, pretrained=True).name == name


def test_strategies_in_words() -> None:
    assert (
        strategy_choices()
        == "auto, scratch, head, top-block, full, or linear@block1, linear@block2 and so on"
    )
    assert describe_strategies().endswith("full, or linear@blockN (a linear layer on block N)")


@pytest.mark.parametrize("similar", [True, False])
@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("best", [(2,), (5,), (5, 2)])
def test_each_cell_of_the_table_has_candidates(best: tuple[int, ...], similar: bool, large: bool) -> None:
    names = list_candidates(best, 5, similar=similar, large=large)
    assert len(set(names)) == len(names) >= (1 if best == (5,) and not similar else 2)
    assert ("linear@block2" in names) == (2 in best)  # the last block's is the head
    assert ("scratch" in names) == (not similar)
    assert ("head" in names) == similar  # else a linear layer reads another block better
    for name in names:
        assert plan_strategy(name, 5, pretrained=True).name == name
