import json
from pathlib import Path

import pytest

from dlpractice.config.load import dump_config, load_config
from dlpractice.config.names import ShippedConfig, shipped_configs
from dlpractice.errors import ConfigError

GOOD = """\
command: finetune
data:
  source: photos
training:
  learning_rate: 1e-3
"""

BAD = """\
comand: finetune
data:
  source: photos
  image_size: 4
training:
  epochs: 2
  lr: 0.1
  epochs: 3
  learning_rate: 1e-3x
strategies:
  head:
    training: {dropout: 1}
"""


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(GOOD)
    Path("bad.yaml").write_text(BAD)


def refusal(name: str, *overrides: str, command: str | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_config(name, overrides, command)
    assert caught.value.hint
    return caught.value


def test_a_config_with_overrides() -> None:
    config = load_config("good", ["training.epochs=5", "data.image_size=64"], command="finetune")
    assert config.data.source == "photos"
    assert (config.training.learning_rate, config.training.epochs, config.data.image_size) == (1e-3, 5, 64)


def test_every_problem_at_once_in_the_order_of_the_lines() -> None:
    error = refusal("bad.yaml", "seed=-1", "modle.width=2", "epochs")
    assert error.message.splitlines() == [
        "bad.yaml has 9 problems",
        "  bad.yaml:1 comand: unknown key; did you mean command?",
        "  bad.yaml:4 data.image_size must be in [8, 1024]; got 4",
        "  bad.yaml:7 training.lr: unknown key; did you mean training.learning_rate?",
        "  bad.yaml:8 training.epochs stands here and in line 6",
        '  bad.yaml:9 training.learning_rate must be a number in (0, 10] or auto; got "1e-3x"',
        "  bad.yaml:12 strategies.head.training.dropout: unknown key; did you mean model.dropout?",
        "  override 'epochs' is not of the form key=value, such as training.epochs=10",
        "  override modle.width: unknown key; did you mean model?",
        "  override seed must be in [0, 2147483648); got -1",
    ]


def test_one_problem_is_one_line() -> None:
    error = refusal("good.yaml", "training.learning_rate=-0.1")
    assert error.message == "override training.learning_rate must be a number in (0, 10] or auto; got -0.1"
    Path("good.yaml").write_text(GOOD + "seed: -3\n")
    assert refusal("good.yaml").message == "good.yaml:6 seed must be in [0, 2147483648); got -3"


def test_a_problem_of_a_strategy_laid_over_its_sections() -> None:
    Path("good.yaml").write_text(
        GOOD + "strategies:\n  head: {training: {batch_size: 1, accumulation_steps: 2}}\n"
    )
    assert "training.batch_size must be at least" in refusal("good.yaml").message


def test_a_problem_of_a_method_is_told_with_its_name_and_line() -> None:
    Path("one.yaml").write_text(
        "command: oneshot\ndata: {source: omniglot}\nmethods:\n  small: {}\n  koch: {encoder: {name: koch}}\n"
    )
    assert refusal("one.yaml").message == (
        "one.yaml:5 methods.koch: encoder koch needs data.image_size 105 and data.colour grey; "
        "got 56 and grey"
    )
    assert refusal("one.yaml", "encoder.name=koch", "methods.small.data.image_size=105").message.startswith(
        "one.yaml:1: encoder koch needs"
    )


def test_an_override_cannot_mean_a_method_that_the_config_does_not_have() -> None:
    Path("one.yaml").write_text("command: oneshot\ndata: {source: omniglot}\nmethods: {dense: {}}\n")
    for name, answer in (("dens", "did you mean dense?"), ("zzz", "it has siamese, dense")):
        message = refusal("one.yaml", f"methods.{name}.training.epochs=3").message
        assert message == f"override methods.{name}: the config has no such method; {answer}"
    own = load_config("one.yaml", ["methods.siamese.training.epochs=3"])
    assert own.with_variant("siamese").training.epochs == 3


def test_a_config_for_another_command() -> None:
    error = refusal("good.yaml", command="oneshot")
    assert error.message == "good.yaml is a config for finetune, not oneshot"
    assert error.hint == "run `dlp finetune good.yaml`"
    assert refusal("omniglot", command="finetune").hint == "run `dlp oneshot omniglot`"


def test_an_unknown_command_is_a_problem_of_its_line() -> None:
    Path("good.yaml").write_text(GOOD.replace("finetune", "finetun"))
    message = refusal("good.yaml", command="finetune").message
    assert message == 'good.yaml:1 command must be finetune; got "finetun"; did you mean finetune?'


def test_files_that_are_no_text() -> None:
    Path("utf16.yaml").write_bytes(GOOD.encode("utf-16"))
    Path("latin.yaml").write_bytes(GOOD.encode() + "# ü".encode("latin-1"))
    Path("large.yaml").write_bytes(b"#" * (1 << 20) + b"#")
    assert refusal("utf16.yaml").message == "utf16.yaml:1 is not UTF-8 text"
    assert refusal("latin.yaml").message == "latin.yaml:6 is not UTF-8 text"
    assert refusal("large.yaml").message == "large.yaml cannot be read: it is larger than 1,048,576 bytes"


def test_a_byte_order_mark_and_windows_line_ends_are_no_harm() -> None:
    Path("notepad.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_config("notepad.yaml") == load_config("good.yaml")


def test_an_unreadable_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    assert refusal("good.yaml").message == "good.yaml cannot be read: permission denied"


EVERYWHERE = ["data.source=1e-3", "data.background=#012345", "hardware.devices=[CPU:0]"]
OVERRIDES = {
    "finetune": [
        *EVERYWHERE,
        "model.hidden=[3,4]",
        "model.weights=null",
        "strategies.full.training.patience=null",
    ],
    "benchmark": ["parts=[peaks,input]", "input.folder=1e-3", "peaks.array_mebibytes=null"],
    "oneshot": [
        *EVERYWHERE,
        "encoder.dimensions=null",
        "evaluation.transductive=true",
        "methods.siamese.batch.classes=3",
    ],
}


@pytest.mark.parametrize("shipped", shipped_configs(), ids=lambda shipped: shipped.name)
def test_a_dumped_config_loads_as_an_equal_one(shipped: ShippedConfig) -> None:
    command = shipped.command
    config = load_config(shipped.name, OVERRIDES[command])
    text = dump_config(config)
    Path("dumped.yaml").write_text(text)
    again = load_config("dumped.yaml")
    assert again == config
    assert dump_config(again) == text
    for variant in config.variants():
        assert again.with_variant(variant) == config.with_variant(variant)
    assert text.startswith(f"command: {command}\n")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("training.accumulation_steps", "the loss is over all pairs of a batch"),
        ("methods.siamese.training.accumulation_steps", "the loss is over all pairs of a batch"),
        ("methods.siamese.data.source", "all methods of a comparison answer the same tasks"),
        ("methods.siamese.seed", "--seeds says how many"),
    ],
)
def test_a_key_that_cannot_be_has_its_reason_in_files_and_overrides(
    tmp_path: Path, key: str, reason: str
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("command: oneshot\ndata: {source: omniglot}\n")
    with pytest.raises(ConfigError, match=f"override {key}: cannot be set here: .*{reason}"):
        load_config(str(path), [f"{key}=2"])
    with pytest.raises(ConfigError, match=f"cannot be set here: .*{reason}"):
        tree: object = 2
        for part in reversed(key.split(".")):
            tree = {part: tree}
        text = {"command": "oneshot", "data": {"source": "omniglot"}, **tree}  # type: ignore[dict-item]
        path.write_text(json.dumps(text))
        load_config(str(path))


def test_strategies_are_judged_on_the_same_images() -> None:
    Path("good.yaml").write_text(GOOD + "strategies: {head: {data: {test: 0.2}}}\n")
    assert "strategies.head.data.test: cannot be set here: all strategies" in refusal("good.yaml").message
    Path("good.yaml").write_text(GOOD + "strategies: {head: {data: {fraction: 0.2}}}\n")
    assert load_config("good", [], "finetune").for_strategy("head").data.fraction == 0.2
