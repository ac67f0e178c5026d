"""`--sweep KEY=VALUE,VALUE`: a checked config for each value."""

from pathlib import Path

import pytest

from dlpractice.config.load import load_config
from dlpractice.config.sweep_values import load_sweep, name_folder, split_values
from dlpractice.errors import ConfigError


def test_each_value_is_laid_over_the_config() -> None:
    keys, configs = load_sweep("digits", ["strategy=scratch", "model.width=7"], ["model.width=0.5,1, 2"])
    assert keys == ("model.width",)
    assert list(configs) == ["model.width=0.5", "model.width=1", "model.width=2"]
    assert [config.model.width for config in configs.values()] == [0.5, 1, 2]
    # The strategy's own changes are in them, and nothing else is different.
    expected = load_config("digits", ["strategy=scratch"], "finetune").for_strategy("scratch")
    assert configs["model.width=1"] == expected
    assert configs["model.width=2"].training.epochs == 12


def test_strategies_and_lists_and_paths() -> None:
    _, strategies = load_sweep("digits", [], ["strategy=scratch,head"])
    assert [config.strategy for config in strategies.values()] == ["scratch", "head"]
    assert strategies["strategy=scratch"].training.epochs == 12
    _, nets = load_sweep("digits", [], ["model.hidden=[],[64,32]"])
    assert [config.model.hidden for config in nets.values()] == [(), (64, 32)]
    _, bases = load_sweep("digits", [], ["model.weights=a/b.h5,null"])
    assert list(bases) == ["model.weights=a_b.h5", "model.weights=null"]


def test_several_keys_make_a_grid() -> None:
    keys, configs = load_sweep(
        "digits", ["strategy=scratch"], ["model.width=0.5,1", "model.dropout=0,0.2", "training.epochs=3,4"]
    )
    assert keys == ("model.width", "model.dropout", "training.epochs")
    values = [(c.model.width, c.model.dropout, c.training.epochs) for c in configs.values()]
    assert values == [(w, d, e) for w in (0.5, 1) for d in (0, 0.2) for e in (3, 4)]
    assert list(configs)[1] == "model.width=0.5,model.dropout=0,training.epochs=4"


def test_folders_of_long_values_differ_and_can_be_made(tmp_path: Path) -> None:
    names = {name_folder([f"model.weights={'a' * 300}/{end}.h5", "model.width=1"]) for end in "bc"}
    assert len(names) == 2
    for name in names:
        (tmp_path / name).mkdir()


def test_a_grid_is_checked_as_a_whole() -> None:
    with pytest.raises(ConfigError, match=r"names model\.dropout twice"):
        load_sweep("digits", [], ["model.dropout=0,0.1", "model.dropout=0.2,0.3"])
    with pytest.raises(ConfigError, match="only scratch has a width; the strategy is head"):
        load_sweep("digits", [], ["strategy=scratch,head", "model.width=1,2"])


def test_commas_in_brackets() -> None:
    assert list(split_values("1,[2,3],{a: [4,5]},")) == ["1", "[2,3]", "{a: [4,5]}", ""]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ("model.width", "not a key and two values"),
        ("model.width=1", "not a key and two values"),
        ("model.width=1,,2", "not a key and two values"),
        ("model.width=1,9", "model.width must be in"),
        ("model.widht=1,2", "did you mean"),
        ("model=1,2", "is a section"),
        ("model.width=1,1.0", "is the same as model.width=1"),
        ("seed=1,2", "cannot vary seed"),
        ("strategies.scratch.training.epochs=1,2", "cannot vary"),
        ("data.split_seed=1,2", "validated on different images"),
    ],
)
def test_what_is_refused(sweep: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_sweep("digits", ["strategy=scratch"], [sweep])


def test_a_width_that_nothing_has() -> None:
    with pytest.raises(ConfigError, match="only scratch has a width; the strategy is linear@block4"):
        load_sweep("digits", [], ["model.width=1,2"])


def test_a_sweep_of_hundreds_of_runs() -> None:
    sizes = ",".join(map(str, range(1, 301)))
    with pytest.raises(ConfigError, match="asks for 300 runs, and makes 256 at most"):
        load_sweep("digits", [], [f"training.batch_size={sizes}"])
