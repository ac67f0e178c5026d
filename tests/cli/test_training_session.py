"""What the commands that train share, with recipes that train nothing."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.text import Text

from dlpractice.cli import training_session
from dlpractice.cli.console import messages, results
from dlpractice.config.schema import Oneshot
from dlpractice.errors import ConfigError, RunError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    results.cache_clear()
    messages.cache_clear()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def config() -> Oneshot:
    small = {"encoder": {"width": 0.5}}
    return Oneshot.model_validate(
        {"command": "oneshot", "data": {"source": "omniglot"}, "methods": {"small": small}}
    )


def serve(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    """Let `recipe` be a module whose `run` is this one."""
    monkeypatch.setitem(sys.modules, "recipe", SimpleNamespace(run=run))  # type: ignore[arg-type]


def table(document: Mapping[str, Any]) -> Text:
    return Text(f"table of {document['seconds']}")


def test_a_run_goes_where_it_is_told_or_is_named_after_its_config() -> None:
    assert training_session.choose_folder("oneshot", "x/mine.yaml", Path("r"), True) == Path("r")
    chosen = training_session.choose_folder("oneshot", "x/mine.yaml", None, False)
    assert chosen.parent == Path("runs/oneshot")
    assert chosen.name.startswith("mine-20")
    with pytest.raises(RunError, match="--resume needs --run-dir"):
        training_session.choose_folder("oneshot", "mine", None, True)


def test_names_are_separated_by_commas() -> None:
    assert training_session.split_names(" a, b,,c ") == ["a", "b", "c"]
    assert training_session.split_names("") == []
    training_session.refuse_twice(["a", "b"])
    with pytest.raises(ConfigError, match="names b twice"):
        training_session.refuse_twice(["a", "b", "b"])


def test_a_rehearsal_is_told_the_folders_and_leaves_none(
    config: Oneshot, monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def run(whole: Oneshot, configs: Any, folders: Any, progress: Any) -> dict[str, Any]:
        assert Path("a/b").is_dir()
        calls.append((whole, configs, folders))
        return {}

    serve(monkeypatch, run)
    configs = {"small": config.for_method("small"), "affine": None}
    session = training_session.Session(Path("a/b"), resume=False, as_json=True)
    session.rehearse("recipe", configs, 2, "comparison", config)
    assert calls == [(config, configs, {"small": [Path("a/b/small/seed-0"), Path("a/b/small/seed-1")]})]
    document = json.loads(capsys.readouterr().out)
    assert (document["run"], document["configs"]["affine"]) == ("a/b", None)
    assert list(folder.iterdir()) == []


def test_a_rehearsal_refuses_what_training_refuses(
    config: Oneshot, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    serve(monkeypatch, lambda *arguments: pytest.fail("the folder is refused first"))
    Path("full").mkdir()
    Path("full/mine.txt").touch()
    for path, resume, message in (("full", False, "not empty"), ("absent", True, "there is no folder")):
        session = training_session.Session(Path(path), resume=resume, as_json=True)
        with pytest.raises(RunError, match=message):
            session.rehearse("recipe", {"small": config}, 1, "run", config)
    assert sorted(path.name for path in folder.rglob("*")) == ["full", "mine.txt"]


def test_a_run_is_opened_called_and_printed(
    config: Oneshot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def run(config: Oneshot, run: Any, progress: Any, **options: Any) -> dict[str, Any]:
        run.write_config("command: oneshot\n")
        calls.append((config.method, run.path, options))
        return {"seconds": 3}

    serve(monkeypatch, run)
    training_session.Session(Path("r"), False, False).run("recipe", config, table, draw=1)
    assert calls == [("siamese", Path("r"), {"draw": 1})]
    assert capsys.readouterr().out == "table of 3\nr\n"
    with pytest.raises(RunError, match="already holds"):
        training_session.Session(Path("r"), False, False).run("recipe", config, table)
    training_session.Session(Path("r"), True, True).run("recipe", config, table)
    assert json.loads(capsys.readouterr().out) == {"run": "r", "seconds": 3}


def test_a_comparison_is_drawn_and_printed(
    config: Oneshot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(config: Oneshot, names: list[str], seeds: int, comparison: Any, progress: Any) -> dict[str, Any]:
        document = {"seconds": seeds, "names": names}
        comparison.write_table(document)
        return document

    def figure(document: Mapping[str, Any], path: Path) -> None:
        path.write_text(str(document["names"]))

    serve(monkeypatch, run)
    training_session.Session(Path("c"), False, False).run_group(
        "comparison", "recipe", (config, ["a", "b"], 2), table, figure
    )
    assert capsys.readouterr().out == "table of 2\nfigure: c/comparison.png\nc\n"
    assert Path("c/comparison.png").read_text() == "['a', 'b']"
    training_session.Session(Path("c"), True, True).run_group(
        "comparison", "recipe", (config, ["a"], 1), table, figure
    )
    assert json.loads(capsys.readouterr().out) == {"run": "c", "seconds": 1, "names": ["a"]}


def test_an_interrupt_says_how_to_go_on(config: Oneshot, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(config: Oneshot, run: Any, progress: Any) -> dict[str, Any]:
        raise KeyboardInterrupt

    serve(monkeypatch, run)
    with pytest.raises(KeyboardInterrupt) as caught:
        training_session.Session(Path("r"), False, False).run("recipe", config, table)
    assert caught.value.__notes__ == ["go on with --resume --run-dir r"]
