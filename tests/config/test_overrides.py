import pytest

from dlpractice.config.lines import Document, read_document
from dlpractice.config.overrides import apply_overrides
from dlpractice.config.schema import json_schema

SCHEMA = json_schema("finetune")


def overridden(text: str, *overrides: str) -> Document:
    document = read_document(text, "x.yaml")
    apply_overrides(document, overrides, SCHEMA, "strategies")
    return document


@pytest.mark.parametrize(
    ("override", "section", "field", "value"),
    [
        ("training.epochs=5", "training", "epochs", 5),
        ("training.learning_rate=1e-4", "training", "learning_rate", 1e-4),
        ("training.learning_rate=auto", "training", "learning_rate", "auto"),
        ("training.patience=null", "training", "patience", None),
        ("training.patience=", "training", "patience", None),
        ("model.hidden=[256, 128]", "model", "hidden", (256, 128)),
        ("hardware.devices=[GPU:0,GPU:1]", "hardware", "devices", ("GPU:0", "GPU:1")),
        # Text where only text is allowed, whatever YAML would make of it.
        ("data.source=2024", "data", "source", "2024"),
        ("data.source=a=b: [c", "data", "source", "a=b: [c"),
        ("data.background=#000000", "data", "background", "#000000"),
        ("model.weights=null", "model", "weights", None),
        ("model.weights=./1e5", "model", "weights", "./1e5"),
        # Quotes that a shell hands on, or that YAML would want.
        ("'training.epochs=5'", "training", "epochs", 5),
        ('"training.epochs=5"', "training", "epochs", 5),
        ("training.epochs='5'", "training", "epochs", 5),
        ('training.learning_rate="auto"', "training", "learning_rate", "auto"),
        ('training.learning_rate = "1e-4"', "training", "learning_rate", 1e-4),
        ('data.source="my photos: #2"', "data", "source", "my photos: #2"),
        ("data.source='it''s'", "data", "source", "it's"),
        ("data.source='a'b'", "data", "source", "'a'b'"),
        ("data.background='#000000'", "data", "background", "#000000"),
        ('model.weights="null"', "model", "weights", "null"),
        ("model.weights=NULL", "model", "weights", None),
        ('"model.hidden=[256,128]"', "model", "hidden", (256, 128)),
        # Lists without brackets.
        ("model.hidden=256,128", "model", "hidden", (256, 128)),
        ("model.hidden=256", "model", "hidden", (256,)),
        ("model.hidden=", "model", "hidden", ()),
        ("hardware.devices=GPU:0,GPU:1", "hardware", "devices", ("GPU:0", "GPU:1")),
        ("hardware.devices=2", "hardware", "devices", 2),
        ("hardware.devices=auto", "hardware", "devices", "auto"),
    ],
)
def test_values(override: str, section: str, field: str, value: object) -> None:
    document = overridden("command: finetune\n", override)
    assert document.problems == []
    assert document.tree[section] == {field: value}


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("foo", "override 'foo' is not of the form key=value, such as training.epochs=10"),
        ("=3", "override '=3' is not of the form key=value, such as training.epochs=10"),
        ("training.=3", "override 'training.=3' is not of the form key=value, such as training.epochs=10"),
        ("training.lr=3", "override training.lr: unknown key; did you mean training.learning_rate?"),
        ("seeed=3", "override seeed: unknown key; did you mean seed?"),
        ("data.source.x=3", "override data.source.x: data.source is a value, not a section"),
        (
            "training={epochs: 3}",
            "override training is a section; set one of its keys, such as training.epochs=...",
        ),
        (
            "strategies={}",
            "override strategies is a section; set one of its keys, such as strategies.NAME.training=...",
        ),
        (
            "strategies.haed.training.epochs=3",
            "override strategies.haed: unknown key; did you mean strategies.head?",
        ),
        (
            "model.weights=None",
            "override model.weights: None is text here; did you mean null? (in quotes it is taken for text)",
        ),
        ("model.hidden=[1,", "override model.hidden: '[1,' is not a YAML value"),
    ],
)
def test_what_cannot_be_set(override: str, problem: str) -> None:
    document = overridden("command: finetune\n", override)
    assert [found.text.replace(".haed.training.epochs", ".haed") for found in document.problems] == [problem]
    assert document.tree == {"command": "finetune"}


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ('"^(.*)_"', "^(.*)_"),
        ("'^(.*)_'", "^(.*)_"),
        ("^(.*)_", "^(.*)_"),
        (r'"^(\d+)-"', r"^(\d+)-"),  # no escape of YAML
        (r'"\b(x)"', r"\b(x)"),  # one, but of a control character
        (r'"^(\\d+)-"', r"^(\d+)-"),
        (r"^(\w+) # (?:\d)", r"^(\w+) # (?:\d)"),
        ('"a" or "(b)"', '"a" or "(b)"'),
    ],
)
def test_a_pattern_is_what_was_meant(text: str, pattern: str) -> None:
    document = Document()
    apply_overrides(document, [f"data.drawer_pattern={text}"], json_schema("oneshot"), "methods")
    assert document.tree == {"data": {"drawer_pattern": pattern}}


def test_the_later_of_two_overrides_wins() -> None:
    assert overridden("a: 1\n", "seed=1", "seed=2").tree["seed"] == 2


BLOCKS = """
training: {epochs: 1}
strategies:
  scratch: {training: {epochs: 2, batch_size: 8}}
  full: {training: {epochs: 3}}
"""


def test_an_override_of_a_section_reaches_every_strategy() -> None:
    tree = overridden(BLOCKS, "training.epochs=9").tree
    assert tree["training"] == {"epochs": 9}
    assert tree["strategies"] == {"scratch": {"training": {"batch_size": 8}}, "full": {}}


@pytest.mark.parametrize("order", [1, -1])
def test_an_override_of_one_strategy_stands_beside_one_of_the_section(order: int) -> None:
    overrides = ["training.epochs=9", "strategies.full.training.epochs=4"][::order]
    tree = overridden(BLOCKS, *overrides).tree
    assert tree["training"]["epochs"] == 9
    assert tree["strategies"]["full"]["training"]["epochs"] == 4
    assert "epochs" not in tree["strategies"]["scratch"]["training"]


@pytest.mark.parametrize("text", ["training: [1]\n", "strategies: 3\n", "strategies: {head: 3}\n"])
def test_a_malformed_section_is_left_for_the_schema_to_report(text: str) -> None:
    assert overridden(text, "training.epochs=9").problems == []
