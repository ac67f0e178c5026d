import re
from pathlib import Path

import pytest

from dlpractice.config.headers import copy_config, read_summary, schema_file
from dlpractice.config.load import load_config
from dlpractice.config.names import shipped_configs
from dlpractice.errors import ConfigError


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def schema_of(config: Path) -> Path:
    first = config.read_text().splitlines()[0]
    match = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", first)
    assert match, f"{config} does not begin with the line for editors"
    return config.parent / match[1]


@pytest.mark.parametrize("config", shipped_configs(), ids=lambda config: config.name)
def test_shipped_configs_point_to_their_schema_and_say_what_they_are(config) -> None:  # type: ignore[no-untyped-def]
    assert schema_of(config.path).resolve() == schema_file(config.command)
    assert 20 < len(read_summary(config.path)) < 120


def test_the_summary_is_the_first_paragraph() -> None:
    Path("x.yaml").write_text("# yaml-language-server: $schema=a.json\n#\n# One\n# two.\n#\n# Three.\na: 1\n")
    Path("bare.yaml").write_text("a: 1\n# not a header\n")
    assert read_summary(Path("x.yaml")) == "One two."
    assert read_summary(Path("bare.yaml")) == ""


def test_a_copy_is_the_same_config_and_finds_the_schema() -> None:
    Path("deep").mkdir()
    copy = copy_config("digits", Path("deep/mine.yaml"))
    assert schema_of(copy).resolve() == schema_file("finetune")
    assert load_config("deep/mine.yaml") == load_config("digits")
    assert copy_config("digits", Path("deep")) == Path("deep/digits.yaml")


def test_a_copy_of_a_copy_still_finds_the_schema() -> None:
    copy_config("digits", Path("a.yaml"))
    copy_config("./a.yaml", Path("b.yaml"))
    assert Path("a.yaml").read_text() == Path("b.yaml").read_text()


def test_an_existing_file_is_never_overwritten() -> None:
    Path("mine.yaml").write_text("precious")
    with pytest.raises(ConfigError, match=r"mine\.yaml exists already"):
        copy_config("digits", Path("mine.yaml"))
    assert Path("mine.yaml").read_text() == "precious"


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        copy_config("digits", Path("nowhere/mine.yaml"))
