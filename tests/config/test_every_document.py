"""Whatever a config file or an override says, it is a config or a ConfigError that names the place.

Documents are drawn: from the schema, with values that it allows and that it does not; and as text. The number
of examples is small here; `DLP_EXAMPLES=3000` tries more.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlpractice.config.load import assume_config, dump_config, load_config
from dlpractice.config.schema import SCHEMAS, Config
from dlpractice.errors import ConfigError

EXAMPLES = int(os.environ.get("DLP_EXAMPLES", "25"))
Value = st.SearchStrategy[Any]
some = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

JSON_SCHEMAS = {command: schema.model_json_schema() for command, schema in SCHEMAS.items()}
ODD_NAMES = [
    "baseline",
    "my method",
    "",
    "head",
    "siamese",
    "table",
    "\ud800",
    "a.b",
    "[key]",
    "<<",
    "*a",
    "é\0",
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["all", "auto", "none", "2024-01-01", "0o9", "\ud800", "\x1b[31m", 10**400, -0.0]),
)
NAMES = st.one_of(st.sampled_from(ODD_NAMES), st.text(max_size=6))
ANYTHING = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
PIECES = [
    *(
        "command: finetune\n",
        "data: ",
        "source: x\n",
        "&a ",
        "*a ",
        "<<: ",
        "!!set ",
        "!x ",
        "- ",
        "? ",
        ": ",
    ),
    *("{", "}", "[", "]", "\t", "\n", "  ", "'", '"', "|\n", ">\n", "#", "---\n", "...\n", "%YAML 1.1\n"),
    *("2024-01-01", "\x85", "\ufeff", "1e999", "0x" + "f" * 5000, "1" * 5000, "\\ud800", "null", "seed: "),
]


def allowed(node: dict[str, Any], schema: dict[str, Any]) -> Value:
    """Values that a schema allows."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in node:
        return st.one_of([allowed(option, schema) for option in node["anyOf"]])
    if "const" in node or "enum" in node:
        return st.sampled_from(node.get("enum", [node.get("const")]))
    kind, low, high = node.get("type"), node.get("minimum"), node.get("maximum")
    if kind == "object":
        if "properties" not in node:
            (inner,) = node["patternProperties"].values()
            names = st.sampled_from(node["propertyNames"]["examples"])
            return st.dictionaries(names, allowed(inner, schema), max_size=1)
        optional = {name: allowed(inner, schema) for name, inner in node["properties"].items()}
        required = {name: optional.pop(name) for name in node.get("required", ())}
        return st.fixed_dictionaries(required, optional=optional)
    if kind == "array":
        return st.lists(allowed(node["items"], schema), min_size=node.get("minItems", 0), max_size=2)
    if kind == "integer":
        least = low if low is not None else node.get("exclusiveMinimum", -10) + 1
        return st.integers(least, high if high is not None else 10**6)
    if kind == "number":
        bounds = (node.get("exclusiveMinimum", low), node.get("exclusiveMaximum", high))
        return st.floats(*bounds, allow_nan=False, exclude_min=low is None and bounds[0] is not None)
    texts = st.sampled_from(node["examples"]) if "examples" in node else st.text(max_size=6)
    return {"boolean": st.booleans(), "null": st.none()}.get(str(kind), texts)


def spoilt(document: dict[str, Any]) -> Value:
    """The document with something else at one of its places."""

    def place(picked: tuple[str, Any, str, Any]) -> dict[str, Any]:
        section, name, how, value = picked
        tree: dict[str, Any] = json.loads(json.dumps(document))
        inner = tree.get(section)
        if how == "section" or not isinstance(inner, dict):
            tree[section] = value
        else:
            inner[name] = value
        return tree

    sections = st.sampled_from(list(document)) | NAMES
    return st.tuples(sections, NAMES, st.sampled_from(["section", "key"]), ANYTHING).map(place)


VALID = st.sampled_from(list(SCHEMAS)).flatmap(
    lambda command: allowed(JSON_SCHEMAS[command], JSON_SCHEMAS[command])
)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], None]:
    """Loads a file; what it loads it writes and loads again."""
    path = tmp_path_factory.mktemp("configs") / "c.yaml"

    def load(content: bytes) -> None:
        path.write_bytes(content)
        try:
            config = load_config(str(path))
        except ConfigError as error:
            assert "c.yaml" in error.message and error.hint
        else:
            assert_the_same_again(config, path)

    return load


def assert_the_same_again(config: Config, path: Path) -> None:
    path.write_text(dump_config(config))
    assert load_config(str(path)) == config


@some
@given(document=VALID)
def test_what_the_schema_allows(document: dict[str, Any], judge: Callable[[bytes], None]) -> None:
    judge(json.dumps(document).encode())


@some
@given(document=VALID.flatmap(spoilt))
def test_what_it_does_not_allow(document: dict[str, Any], judge: Callable[[bytes], None]) -> None:
    try:
        text = json.dumps(document)
    except ValueError:  # Python writes no whole number of so many digits
        return
    judge(text.encode())


@some
@given(pieces=st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=14))
def test_any_text(pieces: list[str], judge: Callable[[bytes], None]) -> None:
    judge("".join(pieces).encode("utf-8", "surrogatepass"))


def list_keys(command: str) -> list[str]:
    schema = JSON_SCHEMAS[command]
    found = []
    for name, node in schema["properties"].items():
        section = schema["$defs"].get(node.get("$ref", "").rsplit("/", 1)[-1], {})
        found += [name, *(f"{name}.{inner}" for inner in section.get("properties", {}))]
    return found


@some
@given(data=st.data())
def test_any_override(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    command = data.draw(st.sampled_from(list(SCHEMAS)))
    keys = st.sampled_from(list_keys(command)) | st.builds("methods.{}.{}".format, NAMES, NAMES) | NAMES
    values = st.sampled_from(PIECES) | ODD.map(str) | st.text(max_size=6)
    changes = st.lists(st.builds("{}={}".format, keys, values) | st.text(max_size=6), max_size=3)
    try:
        config = assume_config(command, ["data.source=x", *data.draw(changes)][command == "benchmark" :])
    except ConfigError as error:
        assert ("override " in error.message or "the config:1" in error.message) and error.hint
    else:
        assert_the_same_again(config, tmp_path_factory.getbasetemp() / "override.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "command: finetune\ndata: {source: x}\nstrategies: {baseline: {training: {epochs: 2}}}\n",
            "c.yaml:3 strategies.baseline: no such name",
        ),
        (
            "command: oneshot\ndata: {source: x}\nmethods: {my method: {}}\n",
            "c.yaml:3 methods.my method: no such name",
        ),
        (
            "command: oneshot\ndata: {source: x}\nmethods: {a: {training: {epochs: all}}}\n",
            "c.yaml:3 methods.a.training.epochs must be a whole number in [1, ",
        ),
        (
            'command: finetune\ndata: {source: x}\n"\\ud800": 1\n',
            "c.yaml:3 has a key that is no Unicode text",
        ),
        ("command: finetune\ndata: {source: x}\nseed: 0x" + "f" * 5000 + "\n", "c.yaml:3 seed must be"),
        ("command: finetune\ndata: {source: x}\nseed: " + "1" * 5000 + "\n", "c.yaml:3 seed must be"),
        ("command: finetune\ndata: " + "[" * 100_000 + "\n", "c.yaml is nested too deeply"),
    ],
)
def test_shapes_that_nobody_foresees(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_config(str(tmp_path / "c.yaml"))
    assert message in refused.value.message
