import json
import re
from pathlib import Path

import pytest

from dlpractice.config.headers import copy_config, read_summary
from dlpractice.config.load import load_config
from dlpractice.config.names import ShippedConfig, shipped_configs
from dlpractice.config.schema import json_schema
from dlpractice.errors import WriteError


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def schema_of(config: Path) -> Path:
    first = config.read_text().splitlines()[0]
    match = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", first)
    assert match, f"{config} does not begin with the line for editors"
    return Path(match[1])


@pytest.mark.parametrize("config", shipped_configs(), ids=lambda config: config.name)
def test_shipped_configs_say_what_they_are(config: ShippedConfig) -> None:
    assert 20 < len(read_summary(config.path)) < 120


def test_the_summary_is_the_first_paragraph() -> None:
    Path("x.yaml").write_text("# One\n# two.\n#\n# Three.\na: 1\n")
    Path("bare.yaml").write_text("a: 1\n# not a header\n")
    assert read_summary(Path("x.yaml")) == "One two."
    assert read_summary(Path("bare.yaml")) == ""


def test_a_copy_is_the_same_config_and_finds_the_schema_beside_it() -> None:
    Path("deep").mkdir()
    copy = copy_config("digits", Path("deep/mine.yaml"))
    assert schema_of(copy).parent == Path(".")
    assert json.loads((copy.parent / schema_of(copy)).read_text()) == json_schema("finetune")
    assert load_config("deep/mine.yaml") == load_config("digits")
    assert copy_config("digits", Path("deep")) == Path("deep/digits.yaml")


@pytest.mark.parametrize("config", shipped_configs(), ids=lambda config: config.name)
def test_a_copy_claims_no_measurement_of_other_data(config: ShippedConfig) -> None:
    text = copy_config(str(config.path), Path("mine.yaml")).read_text()
    comments = "".join(line for line in text.splitlines() if line.startswith("#"))
    assert "Measured" not in comments and "±" not in comments and str(Path.cwd()) not in text
    assert text.split("\ncommand:")[1] == config.path.read_text().split("\ncommand:")[1]


def test_a_header_of_ones_own_goes_along() -> None:
    assert "black on white" in copy_config("classes", Path("a.yaml")).read_text().split("command:")[0]
    Path("mine.yaml").write_text("# Mine.\n# Measured by me.\ncommand: finetune\n")
    assert "# Mine.\n# Measured by me.\n" in copy_config("./mine.yaml", Path("b.yaml")).read_text()


def test_a_copy_of_a_copy_still_finds_the_schema() -> None:
    copy_config("digits", Path("a.yaml"))
    copy_config("./a.yaml", Path("b.yaml"))
    assert Path("a.yaml").read_text() == Path("b.yaml").read_text()
    Path("old.yaml").write_text("# yaml-language-server: $schema=/gone/finetune.json\ncommand: finetune\n")
    assert copy_config("./old.yaml", Path("new.yaml")).read_text().endswith(".json\n#\ncommand: finetune\n")


def test_a_config_for_no_command_is_copied_as_it_is() -> None:
    Path("odd.yaml").write_text("command: bake\n")
    assert copy_config("./odd.yaml", Path("b.yaml")).read_text() == "command: bake\n"
    assert sorted(path.name for path in Path().iterdir()) == ["b.yaml", "odd.yaml"]


def test_an_existing_file_is_never_overwritten() -> None:
    Path("mine.yaml").write_text("precious")
    with pytest.raises(WriteError, match=r"mine\.yaml: it exists already"):
        copy_config("digits", Path("mine.yaml"))
    assert Path("mine.yaml").read_text() == "precious"


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(WriteError, match=r"cannot write nowhere/mine\.yaml"):
        copy_config("digits", Path("nowhere/mine.yaml"))
