import json
import os
from pathlib import Path

import pytest

from dlpractice.benchmark.results_file import SCHEMA, BenchmarkFolder
from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory
from dlpractice.runs.listing import find_runs, headline

CONFIG = "command: finetune\nstrategy: head\ndata:\n  source: cats-dogs\n"
MEASURE = {"value": 0.9, "ci95": [0.8, 0.95], "n": 50, "kind": "measured"}


def write_run(path: Path, written: int, config: str = CONFIG, finished: bool = True) -> Path:
    """A run whose files were last written `written` seconds after 1970."""
    with RunDirectory.create(path) as run:
        run.write_config(config)
        if finished:
            run.write_summary({"results": {"test_accuracy": MEASURE}})
    for file in path.iterdir():
        os.utime(file, (written, written))
    return path


def test_runs_are_found_at_any_depth_and_the_newest_is_last(tmp_path: Path) -> None:
    newest = write_run(tmp_path / "c" / "head" / "seed-0", 3000)
    oldest = write_run(tmp_path / "z", 1000)
    middle = write_run(tmp_path / "a", 2000, finished=False)
    found = find_runs(tmp_path)
    assert [run.path for run in found] == [oldest, middle, newest]
    assert [run.state for run in found] == ["finished", "unfinished", "finished"]
    assert (found[0].command, found[0].strategy, found[0].source) == ("finetune", "head", "cats-dogs")
    assert [run.test_accuracy for run in found] == [MEASURE, None, MEASURE]
    assert found[0].written.timestamp() == 1000


def test_the_folder_itself_may_be_a_run_and_its_inside_is_not_searched(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", 1000)
    (path / "checkpoints").mkdir()
    (path / "checkpoints" / "config.yaml").write_text(CONFIG)
    assert [run.path for run in find_runs(path)] == [path]


def test_metrics_count_as_written_and_other_files_do_not(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", 1000)
    (path / "metrics.csv").write_text("")
    os.utime(path / "metrics.csv", (5000, 5000))
    (path / "report.html").write_text("")
    assert find_runs(tmp_path)[0].written.timestamp() == 5000


@pytest.mark.parametrize(
    ("config", "summary", "problem"),
    [
        ("a: [", None, "is not YAML"),
        ("- a\n", None, "must hold a mapping; it holds a list"),
        ("", None, "must hold a mapping; it holds a NoneType"),
        ("command: oneshot\ndata: omniglot\n", None, "config.yaml: data must be a mapping"),
        (CONFIG, "{", "is not JSON"),
        (CONFIG, '{"results": null}', "summary.json: results must be a mapping; got null"),
    ],
)
def test_a_damaged_run_is_listed_with_what_is_wrong(
    config: str, summary: str | None, problem: str, tmp_path: Path
) -> None:
    path = write_run(tmp_path / "run", 1000, config, finished=False)
    if summary:
        (path / "summary.json").write_text(summary)
        os.utime(path / "summary.json", (1000, 1000))
    write_run(tmp_path / "good", 2000)
    bad, good = find_runs(tmp_path)
    assert (bad.state, good.state) == ("unreadable", "finished")
    assert problem in bad.problem


def test_json(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", 1000)
    document = json.loads(json.dumps(find_runs(tmp_path)[0].to_json()))
    assert document["path"] == str(path)
    assert document["written"].startswith("1970-01-01T") or document["written"].startswith("1969-12-31T")
    assert document["test_accuracy"] == MEASURE
    assert set(document) >= {"command", "strategy", "source", "state", "problem"}


def test_no_folder_and_no_runs(tmp_path: Path) -> None:
    assert find_runs(tmp_path) == []
    with pytest.raises(RunError, match="there is no folder") as refused:
        find_runs(tmp_path / "runs")
    assert "dlp runs ls FOLDER" in refused.value.hint


def test_a_real_run(finished_run: Path) -> None:
    (run,) = find_runs(finished_run.parent)
    assert (run.path, run.command, run.strategy, run.state) == (
        finished_run,
        "finetune",
        "scratch",
        "finished",
    )
    assert run.test_accuracy is not None
    assert run.test_accuracy["n"] == 16
    assert RunDirectory.read(finished_run).config_tree()["strategy"] == "scratch"


def test_a_one_shot_run_is_judged_by_its_first_protocol(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", 1000, "command: oneshot\nmethod: siamese\ndata: {source: omniglot}\n")
    results = {"val_accuracy": MEASURE | {"n": 1}, "lake-20": MEASURE, "lake-extended": MEASURE | {"n": 2}}
    (path / "summary.json").write_text(json.dumps({"results": results}))
    (found,) = find_runs(tmp_path)
    assert (found.command, found.strategy, found.source) == ("oneshot", "siamese", "omniglot")
    assert (found.result, found.test_accuracy) == ("lake-20", MEASURE)


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (["val_accuracy", "test_accuracy"], "test_accuracy"),
        (["lake-20", "verification"], "lake-20"),
        (["val_accuracy"], ""),
        ([], ""),
    ],
)
def test_the_headline_is_the_first_result_on_test(names: list[str], first: str) -> None:
    assert headline(dict.fromkeys(names, MEASURE)) == first


@pytest.mark.parametrize(("finished", "state"), [(True, "finished"), (False, "unfinished")])
def test_a_benchmark_is_a_run_without_accuracy(finished: bool, state: str, tmp_path: Path) -> None:
    with BenchmarkFolder.create(tmp_path / "b") as folder:
        folder.write_config("command: benchmark\n")
        folder.write_document({"schema": SCHEMA, "command": "benchmark", "finished": finished, "parts": {}})
    (found,) = find_runs(tmp_path)
    assert (found.command, found.state, found.test_accuracy) == ("benchmark", state, None)
