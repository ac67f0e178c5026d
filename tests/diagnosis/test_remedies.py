"""Remedies: that each is a change of the config, and one that its command takes."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from dlpractice.config.load import dump_config, load_config
from dlpractice.diagnosis.record import RunFacts
from dlpractice.diagnosis.remedies import (
    balance,
    enlarge,
    freeze,
    list_remedies,
    lower_rate,
    name_remedy,
    raise_rate,
    regularise,
    shrink,
    train_longer,
)
from dlpractice.diagnosis.verdict import diagnose


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
    assert regularise(facts(make))[0] == "augment.rotation=10"
    assert regularise(facts(make, augment={"rotation": 5.0}))[0] == "strategy=head"
    random = {"weights": None}
    assert regularise(facts(make, model=random))[0] == "augment.rotation=10"
    moved = facts(make, model=random, augment={"rotation": 5.0}, training={"weight_decay": 0.02})
    assert regularise(moved) == ("model.dropout=0.5", "training.weight_decay=0.2")
    assert regularise(facts(make, strategy="head", model={"hidden": [4096]})) == ("model.hidden=[]",)
    assert regularise(facts(make, strategy="head")) == ("model.dropout=0.5", "training.weight_decay=0.05")
    assert regularise(facts(make, "oneshot", data={"glyph_alphabets": 0})) == ("data.glyph_alphabets=100",)
    assert regularise(facts(make, "oneshot", data={"glyph_alphabets": 2})) == ("data.glyph_alphabets=100",)
    enough = facts(make, "oneshot", data={"glyph_alphabets": 12})
    assert regularise(enough) == ("distortion.probability=1",)
    assert regularise(None) == ()


def test_against_underfitting(make: SimpleNamespace) -> None:
    assert enlarge(facts(make)) == ("model.width=2",)
    assert enlarge(facts(make, model={"width": 0.05})) == ("model.width=1",)
    assert enlarge(facts(make, model={"width": 8.0})) == ()
    assert enlarge(facts(make, strategy="linear@block1")) == ("strategy=top-block", "training.epochs=20")
    assert enlarge(facts(make, strategy="top-block")) == ("strategy=full", "training.epochs=20")
    few = {"epochs": 4, "learning_rate": 3e-3}
    assert enlarge(facts(make, strategy="head", model={"weights": None}, training=few)) == (
        "strategy=full",
        "training.learning_rate=1e-3",
    )
    assert enlarge(facts(make, strategy="full")) == ("training.epochs=60",)
    assert enlarge(facts(make, model={"dropout": 0.9})) == ("model.dropout=0.2",)
    assert enlarge(facts(make, model={"hidden": [256, 1]})) == ("model.hidden=[]",)
    assert enlarge(facts(make, model={"hidden": [64]})) == ("model.width=2",)


def test_balance(make: SimpleNamespace) -> None:
    assert balance(facts(make)) == ("training.class_weights=balanced",)
    assert balance(facts(make, training={"class_weights": "balanced"})) == ()


def test_a_smaller_model(make: SimpleNamespace) -> None:
    assert shrink(facts(make, model={"width": 4.0})) == ("model.width=1",)
    assert shrink(facts(make)) == ("model.width=0.5",)
    assert shrink(facts(make, model={"width": 0.1})) == ()
    assert shrink(facts(make, model={"hidden": [512]})) == ("model.hidden=[]",)
    assert shrink(facts(make, strategy="full")) == ("strategy=head",)
    assert shrink(facts(make, strategy="head")) == ()


def test_images_that_are_left_out_come_first(make: SimpleNamespace) -> None:
    assert regularise(facts(make, data={"fraction": 0.25})) == ("data.fraction=1",)


def test_a_base_is_frozen_only_where_it_takes_the_images(make: SimpleNamespace) -> None:
    small = {"source": "photos", "image_size": 48}
    assert freeze(facts(make, data=small))[0] == "strategy=head"
    assert freeze(facts(make, data=small, model={"backbone": "xception"})) == ()
    assert freeze(facts(make, data=small | {"image_size": 16})) == ()


def test_rates_stay_in_bounds(make: SimpleNamespace) -> None:
    assert raise_rate(facts(make, training={"learning_rate": 10.0}), 1e-5) == ()
    assert raise_rate(facts(make, training={"learning_rate": 4.0}), 1e-5) == ("training.learning_rate=10",)
    sgd = {"learning_rate": 2.0, "optimizer": "sgd"}
    assert lower_rate(facts(make, training=sgd), 0.5) == ("training.learning_rate=1e-2",)


NETS = [
    ("digits", ["strategy=scratch"]),
    ("digits", ["strategy=scratch", "model.width=8", "model.dropout=0.9", "data.fraction=0.1"]),
    ("digits", ["training.learning_rate=10", "training.epochs=10000"]),
    ("digits", ["strategy=full", "model.weights=null", "training.weight_decay=1"]),
    ("cats-dogs", ["training.learning_rate=auto", "model.hidden=[64]", "training.class_weights=balanced"]),
    ("omniglot", []),
    ("omniglot", ["method=dense-siamese", "training.weight_decay=1"]),
    ("classes", ["data.source=pictures", "distortion.probability=1"]),
]


@pytest.mark.parametrize(("name", "changes"), NETS)
def test_every_remedy_is_taken_and_changes_something(name: str, changes: list[str], tmp_path: Path) -> None:
    """On resolved configs, as runs keep them."""
    before = load_config(name, changes)
    before = before.with_variant(str(getattr(before, before.VARIANT)))
    (tmp_path / "config.yaml").write_text(dump_config(before))
    run = RunFacts(before.command, yaml.safe_load(dump_config(before)))
    remedies = list_remedies(run)
    assert len(remedies) > 2
    assert len(set(remedies.values())) == len(remedies)
    for overrides in remedies.values():
        assert load_config(str(tmp_path / "config.yaml"), overrides) != before


@pytest.mark.parametrize("strategy", ["scratch", "head", "top-block", "full"])
def test_the_command_takes_them(make: SimpleNamespace, strategy: str) -> None:
    run = facts(make, strategy=strategy)
    for overrides in (regularise(run), enlarge(run), train_longer(run), lower_rate(run, 0.05), balance(run)):
        load_config("cats-dogs", overrides, "finetune")


def test_the_one_shot_command_takes_them(make: SimpleNamespace) -> None:
    for data, distortion in (
        ({}, {}),
        ({"glyph_alphabets": 12}, {}),
        ({"glyph_alphabets": 12}, {"probability": 1}),
    ):
        run = facts(make, "oneshot", data=data, distortion=distortion)
        for overrides in (regularise(run), enlarge(run), train_longer(run), raise_rate(run, 1e-5)):
            load_config("omniglot", overrides, "oneshot")


def test_words_say_what_the_change_does(make: SimpleNamespace) -> None:
    """No frozen base for a net that has none, and no augmentation where the change is another."""
    said = {
        "augment.": "augmentation",
        "strategy=head": "frozen base",
        "model.hidden": "hidden layer",
        "model.dropout": "dropout",
        "data.fraction": "all images",
        "model.width": "larger model",
    }
    few = make.split_rows(train=30, validation=400)
    rotated = {"rotation": 5.0}
    for strategy in ("scratch", "head", "top-block", "full"):
        for augment in ({}, rotated):
            for hidden in ([], [16]):
                config = {"strategy": strategy, "augment": augment, "model": {"hidden": hidden}}
                record = make.run_of(1.0, 0.7, config=config, rows=few)
                for found in diagnose(record).findings:
                    if found.name not in ("too few images", "overfitting") or not found.overrides:
                        continue
                    key = next(key for key in said if found.overrides[0].startswith(key))
                    assert said[key] in found.remedy, (found.overrides, found.remedy)
                    others = {word for other, word in said.items() if other != key} - {said[key]}
                    assert not any(word in found.remedy for word in others - {"dropout"})
    assert name_remedy(None, ("seed=1",)) == name_remedy(facts(make), ()) == ""
