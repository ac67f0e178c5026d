import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dlpractice.cli.config import app
from dlpractice.config.load import load_config
from dlpractice.config.names import shipped_configs
from dlpractice.config.schema import SCHEMAS, json_schema
from dlpractice.errors import ConfigError


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def dlp_config(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "80"}, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_ls_names_every_shipped_config() -> None:
    output = dlp_config("ls")
    for config in shipped_configs():
        assert f"\n{config.name} " in output
    assert all(len(line) <= 80 for line in output.splitlines())


def test_show_prints_what_loads_as_the_same_config() -> None:
    Path("shown.yaml").write_text(dlp_config("show", "digits", "training.epochs=3"))
    assert load_config("shown.yaml") == load_config("digits", ["training.epochs=3"])


def test_check_says_which_command_a_config_is_for() -> None:
    assert dlp_config("check", "digits", "training.epochs=3") == "ok: digits is a config for `dlp finetune`\n"


def test_check_refuses_a_bad_override() -> None:
    with pytest.raises(ConfigError, match=r"did you mean training\.epochs"):
        dlp_config("check", "digits", "training.epoch=3")


@pytest.mark.parametrize("command", SCHEMAS)
def test_schema_prints_what_the_command_takes(command: str) -> None:
    assert json.loads(dlp_config("schema", command)) == json_schema(command)


def test_schema_of_finetune_without_a_word() -> None:
    assert dlp_config("schema") == dlp_config("schema", "finetune")


def test_copy_names_the_new_file() -> None:
    assert dlp_config("copy", "digits", "mine.yaml") == "mine.yaml\n"
    assert load_config("mine.yaml") == load_config("digits")
