from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from dlpractice.config.problems import Key, closest, describe, explain, unknown_key
from dlpractice.config.schema import Finetune, json_schema

SCHEMA = json_schema("finetune")


def problems_of(tree: Mapping[str, Any]) -> list[str]:
    def locate(key: Key) -> tuple[int, str]:
        return 1, f"@{'.'.join(key)}"

    with pytest.raises(ValidationError) as caught:
        Finetune.model_validate(tree)
    return [problem.text for problem in explain(caught.value, SCHEMA, tree, locate)]


def with_section(section: str, **values: object) -> dict[str, Any]:
    tree: dict[str, Any] = {"command": "finetune", "data": {"source": "x"}}
    tree.setdefault(section, {}).update(values)
    return tree


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (
            with_section("training", epochs=0),
            "@training.epochs must be a whole number in [1, 10000] or auto; got 0",
        ),
        (
            with_section("training", epochs=2.5),
            "@training.epochs must be a whole number in [1, 10000] or auto; got 2.5",
        ),
        (with_section("data", validation=-0.1), "@data.validation must be in (0, 0.5]; got -0.1"),
        (
            with_section("training", learning_rate="fast"),
            '@training.learning_rate must be a number in (0, 10] or auto; got "fast"',
        ),
        (
            with_section("training", schedule="cosin"),
            '@training.schedule must be cosine, plateau or constant; got "cosin"; did you mean cosine?',
        ),
        (
            with_section("training", tensorboard="yes"),
            '@training.tensorboard must be true or false; got "yes"',
        ),
        (
            with_section("training", patience=0),
            "@training.patience must be a whole number in [1, 10000] or null; got 0",
        ),
        (
            with_section("model", hidden=(256, 0)),
            "@model.hidden must be a list, each item a whole number in [1, 8192]; got [256, 0]",
        ),
        (
            with_section("data", background=None),
            "@data.background must be text like #ffffff; got null; put it in quotes, as # begins a comment",
        ),
        (
            with_section("data", source="b\udce9"),
            '@data.source must be UTF-8, which a config can hold; got "b\udce9"; rename it, or link to it',
        ),
        (with_section("training", lr=1), "@training.lr: unknown key; did you mean training.learning_rate?"),
        (
            {**with_section("data"), "augment": ("flip",)},
            '@augment must be a mapping of keys to values; got ["flip"]',
        ),
        (with_section("strategies", haed={}), "@strategies.haed: no such name; did you mean head?"),
        (
            with_section("strategies", head={"training": {"epochs": None}}),
            "@strategies.head.training.epochs must be a whole number in [1, 10000] or auto; got null",
        ),
        (
            with_section("data", validation=0.5, test=0.5),
            "@data: validation and test must leave images to train on; got 0.5 + 0.5",
        ),
    ],
)
def test_one_sentence_a_problem(tree: dict[str, Any], expected: str) -> None:
    assert problems_of(tree) == [expected]


def test_a_misspelt_key_is_not_reported_as_missing_too() -> None:
    assert problems_of({"command": "finetune", "data": {"sorce": "x"}}) == [
        "@data.sorce: unknown key; did you mean data.source?"
    ]


def test_a_missing_key_says_what_it_is_for() -> None:
    (problem,) = problems_of({"command": "finetune", "data": {}})
    assert problem.startswith("@data.source is missing: A data set that `dlp data ls` names")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("learning-rate", "learning_rate"),
        ("Learning_Rate", "learning_rate"),
        ("lr", "learning_rate"),
        ("wd", "weight_decay"),
        ("smoothing", "label_smoothing"),
        ("xyz", None),
        ("", None),
    ],
)
def test_what_was_probably_meant(word: str, meant: str | None) -> None:
    assert closest(word, ["label_smoothing", "learning_rate", "weight_decay"]) == meant


def test_an_unknown_key_is_looked_for_in_other_sections() -> None:
    assert "did you mean augment.flip?" in unknown_key(SCHEMA, ("flip",))
    assert "did you mean data.image_size?" in unknown_key(SCHEMA, ("model", "image_size"))
    assert "the keys here are devices, precision" in unknown_key(SCHEMA, ("hardware", "zzz"))


def test_ranges_are_written_as_intervals() -> None:
    assert describe({"type": "integer", "minimum": 1}) == "a whole number in [1, inf)"
    assert describe({"type": "number", "exclusiveMaximum": 2}) == "a number in (-inf, 2)"
    assert describe({"type": "number"}) == "a number"
