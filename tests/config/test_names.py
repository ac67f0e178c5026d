from pathlib import Path

import pytest

from dlpractice.config.names import find_config, shipped_configs, shipped_folder
from dlpractice.errors import ConfigError


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_shipped_names_work_from_any_folder() -> None:
    names = {config.name: config for config in shipped_configs()}
    assert {"cats-dogs", "digits"} <= set(names)
    assert names["digits"].command == "finetune"
    for spelling in ("digits", "digits.yaml"):
        assert find_config(spelling) == shipped_folder() / "finetune" / "digits.yaml"


def test_the_schema_folder_is_no_command() -> None:
    assert {config.command for config in shipped_configs()} == {"finetune", "oneshot", "benchmark"}


def test_a_file_in_the_working_folder_wins() -> None:
    Path("digits.yaml").touch()
    Path("mine.yml").touch()
    assert find_config("digits") == find_config("digits.yaml") == Path("digits.yaml")
    assert find_config("mine") == Path("mine.yml")


def test_a_folder_of_that_name_does_not_hide_a_shipped_config() -> None:
    Path("digits").mkdir()
    assert find_config("digits").parent.name == "finetune"


def test_a_run_directory_is_answered_with_its_config() -> None:
    Path("run").mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        find_config("run")
    Path("run/config.yaml").touch()
    with pytest.raises(ConfigError) as caught:
        find_config("run")
    assert caught.value.hint == "did you mean run/config.yaml?"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("digit", "did you mean digits?"),
        ("cats-dog.yaml", "did you mean cats-dogs?"),
        ("./mien.yaml", "did you mean mine.yaml?"),
        ("deep/mien.yaml", "did you mean deep/mine.yaml?"),
        ("zzz", "`dlp config ls` lists what ships"),
        ("none/zzz.yaml", "check the path"),
    ],
)
def test_a_name_that_is_not_found(name: str, hint: str) -> None:
    Path("mine.yaml").touch()
    Path("deep").mkdir()
    Path("deep/mine.yaml").touch()
    with pytest.raises(ConfigError) as caught:
        find_config(name)
    assert caught.value.hint.startswith(hint)
