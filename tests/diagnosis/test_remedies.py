"""Remedies: that each is a change of the config, and one that its command takes."""

from types import SimpleNamespace
from typing import Any

import pytest

from dlpractice.config.load import load_config
from dlpractice.diagnosis.record import RunFacts
from dlpractice.diagnosis.remedies import balance, enlarge, lower_rate, raise_rate, regularise, train_longer


def facts(make: SimpleNamespace, command: str = "finetune", **config: Any) -> RunFacts:
    return make.run_of(config={"command": command, **config}).run


def test_rates(make: SimpleNamespace) -> None:
    assert lower_rate(facts(make), 0.05) == ("training.learning_rate=0.0001",)
    assert lower_rate(facts(make, training={"learning_rate": 0.3}), 0.05) == ("training.learning_rate=1e-3",)
    assert raise_rate(facts(make), 1e-5) == ("training.learning_rate=0.01",)
    assert raise_rate(facts(make, training={"learning_rate": "1e-6"}), 1e-5) == (
        "training.learning_rate=1e-3",
    )
    assert lower_rate(facts(make, training={"learning_rate": "auto"}), 0.05) == ()
    assert lower_rate(None, 0.05) == ()


def test_against_overfitting(make: SimpleNamespace) -> None:
    assert regularise(facts(make))[0] == "strategy=head"
    random = {"weights": None}
    assert regularise(facts(make, model=random))[0] == "augment.rotation=10"
    moved = facts(make, model=random, augment={"rotation": 5.0}, training={"weight_decay": 0.02})
    assert regularise(moved) == ("training.weight_decay=0.2",)
    assert regularise(facts(make, strategy="head")) == ("model.dropout=0.5", "training.weight_decay=0.05")
    assert regularise(facts(make, "oneshot", data={"glyph_alphabets": 0})) == ("data.glyph_alphabets=100",)
    assert regularise(None) == ()


def test_against_underfitting(make: SimpleNamespace) -> None:
    assert enlarge(facts(make)) == ("model.width=2",)
    assert enlarge(facts(make, model={"width": 0.05})) == ("model.width=1",)
    assert enlarge(facts(make, model={"width": 8.0})) == ()
    assert enlarge(facts(make, strategy="linear@block1")) == ("strategy=top-block",)
    assert enlarge(facts(make, strategy="top-block")) == ("strategy=full",)
    assert enlarge(facts(make, strategy="full")) == ("training.epochs=60",)
    assert enlarge(facts(make, model={"dropout": 0.9})) == ("model.dropout=0.2",)


def test_balance(make: SimpleNamespace) -> None:
    assert balance(facts(make)) == ("training.class_weights=balanced",)
    assert balance(facts(make, training={"class_weights": "balanced"})) == ()


@pytest.mark.parametrize("strategy", ["scratch", "head", "top-block", "full"])
def test_the_command_takes_them(make: SimpleNamespace, strategy: str) -> None:
    run = facts(make, strategy=strategy)
    for overrides in (regularise(run), enlarge(run), train_longer(run), lower_rate(run, 0.05), balance(run)):
        load_config("cats-dogs", overrides, "finetune")


def test_the_one_shot_command_takes_them(make: SimpleNamespace) -> None:
    for data, distortion in (
        ({}, {}),
        ({"glyph_alphabets": 9}, {}),
        ({"glyph_alphabets": 9}, {"probability": 1}),
    ):
        run = facts(make, "oneshot", data=data, distortion=distortion)
        for overrides in (regularise(run), enlarge(run), train_longer(run), raise_rate(run, 1e-5)):
            load_config("omniglot", overrides, "oneshot")
