from pathlib import Path

import pytest

from dlpractice.config.fold_configs import load_folds
from dlpractice.errors import ConfigError


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "c.yaml"
    file.write_text(
        "command: finetune\nstrategy: head\ndata: {source: x}\nstrategies: {head: {training: {epochs: 4}}}\n"
    )
    return str(file)


def test_a_config_for_each_fold(config: str) -> None:
    found = load_folds(config, ["seed=3"], 4)
    assert list(found) == ["fold-1", "fold-2", "fold-3", "fold-4"]
    assert [one.data.fold for one in found.values()] == ["1/4", "2/4", "3/4", "4/4"]
    assert {(one.seed, one.training.epochs) for one in found.values()} == {(3, 4)}


@pytest.mark.parametrize("count", [-1, 0, 1, 2, 100_000])
def test_too_few_folds_or_far_too_many(config: str, count: int) -> None:
    with pytest.raises(ConfigError, match=f"--folds {count}: it must be in"):
        load_folds(config, [], count)


def test_a_config_of_one_fold(config: str) -> None:
    with pytest.raises(ConfigError, match=r"data\.fold is 1/5"):
        load_folds(config, ["data.fold=1/5"], 5)


@pytest.mark.parametrize("fold", ["0/5", "6/5", "1/2", "a/5", "2", "1/2/3", "-1/5"])
def test_a_fold_that_is_none(config: str, fold: str) -> None:
    with pytest.raises(ConfigError, match=r"data\.fold"):
        load_folds(config, [f"data.fold={fold}"], 5)
