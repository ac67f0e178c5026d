import math
from typing import Any

import pytest
import yaml

from dlpractice.config.lines import read_document, read_value, write_document
from dlpractice.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        ("-.5", -0.5),
        ("3.", 3.0),
        ("+12", 12),
        ("010", 10),
        ("0o10", 8),
        ("0xff", 255),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("False", False),
        # YAML 1.1 takes these for a boolean, a date, a number and a number of minutes.
        ("no", "no"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("'1e-3'", "1e-3"),
        ("[256, 1e-1, [x]]", (256, 0.1, ("x",))),
        ("{a: 1}", {"a": 1}),
    ],
)
def test_values_follow_yaml_1_2(text: str, value: object) -> None:
    found = read_value(text)
    assert found == value
    assert type(found) is type(value)


def test_a_tag_does_not_make_text_a_number() -> None:
    assert read_value("!!int abc") == "abc"
    assert read_value("!!float abc") == "abc"


def test_nan_is_a_number() -> None:
    assert math.isnan(read_value(".nan"))


def test_an_absurdly_long_number_is_infinite() -> None:
    assert read_value("9" * 5000) == math.inf


@pytest.mark.parametrize("text", ["[1, 2", "a: b: c", "!!set {a}", "&a [*a]", "[" * 5000])
def test_what_is_no_value_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError):
        read_value(text)


def test_every_key_has_its_line() -> None:
    document = read_document("a: 1\n\nb:\n  c: [1,\n   2]\n  d: {e: 3}\n", "x.yaml")
    assert document.tree == {"a": 1, "b": {"c": (1, 2), "d": {"e": 3}}}
    assert document.lines == {("a",): 1, ("b",): 3, ("b", "c"): 4, ("b", "d"): 6, ("b", "d", "e"): 6}
    assert document.problems == []


def test_a_key_that_stands_twice_is_named_with_both_lines() -> None:
    document = read_document("a: 1\nb: {c: 1}\na: 2\n", "x.yaml")
    assert [problem.text for problem in document.problems] == ["x.yaml:3 a stands here and in line 1"]
    assert document.tree["a"] == 1


def test_tags_and_odd_keys_are_problems() -> None:
    document = read_document("a: !!python/name:os.system x\n? [1]\n: 2\nb: !mine 3\n", "x.yaml")
    texts = [problem.text for problem in document.problems]
    assert len(texts) == 3
    assert "x.yaml:1 a has the tag !!python/name:os.system" in texts[0]
    assert "x.yaml:2 has a list or a mapping for a key" in texts[1]
    assert "x.yaml:4 b has the tag !mine" in texts[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.yaml is empty"),
        ("# only a comment\n", "x.yaml is empty"),
        ("- a\n", "x.yaml:1 must be a mapping"),
        ("\n42\n", "x.yaml:2 must be a mapping"),
        ("a: 1\n\tb: 2\n", "x.yaml:2 has a tab"),
        ("a: [1\nb: 2\n", "x.yaml:2 is not YAML"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2 is not YAML"),
        ("a: *b\n", "x.yaml:1 is not YAML"),
        ("a: 1\nb: \x00\n", "x.yaml:2 has a control character"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("a: &a [*a]\n", "nested too deeply"),
    ],
)
def test_what_is_no_config_file(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_document(text, "x.yaml")
    assert message in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_aliases_work_and_are_bounded() -> None:
    assert read_document("a: &x {b: 1}\nc: *x\n", "x.yaml").tree == {"a": {"b": 1}, "c": {"b": 1}}
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigError, match="more than 10,000 values"):
        read_document("\n".join(lines), "bomb.yaml")


def test_written_text_reads_back_here_and_in_yaml_1_1() -> None:
    tree: dict[str, Any] = {
        "words": ["1e-3", "0o7", "no", "2024-01-01", "null", "#fff", "a: b", " x", "", "ü", "1_0", "12:30"],
        "numbers": [1e-5, 1e30, 3, 0.1, -2.0],
        "rest": {"none": None, "yes": True, "empty": {}},
    }
    text = write_document(tree)
    assert read_document(text, "x.yaml").tree == {
        "words": tuple(tree["words"]),
        "numbers": tuple(tree["numbers"]),
        "rest": tree["rest"],
    }
    assert yaml.safe_load(text) == tree
