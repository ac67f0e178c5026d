import subprocess
import sys
from pathlib import Path

import pytest

from dlpractice.errors import RunError
from dlpractice.runs.comparison_folder import Comparison, Sweep, Trial
from dlpractice.runs.directory import RunDirectory
from dlpractice.runs.lock import lock_folder


def write_run(path: Path) -> None:
    with RunDirectory.create(path) as run:
        run.write_config("command: finetune\n")


def test_the_table_and_the_runs_have_their_places(tmp_path: Path) -> None:
    with Comparison.create(tmp_path / "c") as comparison:
        assert comparison.run_path("linear@block3", 1) == tmp_path / "c" / "linear@block3" / "seed-1"
        assert comparison.figure_path == tmp_path / "c" / "comparison.png"
        write_run(comparison.run_path("head", 0))
        comparison.write_table({"rows": [{"strategy": "head", "seconds": float("nan")}]})
    assert (tmp_path / "c" / "comparison.json").is_file()
    assert Comparison.read(tmp_path / "c").table() == {"rows": [{"strategy": "head", "seconds": None}]}


def test_the_runs_that_were_begun_are_listed_in_order(tmp_path: Path) -> None:
    with Comparison.create(tmp_path / "c") as comparison:
        # Many, since a file system may happen to list a few in their order.
        members = [comparison.run_path(variant, seed) for variant in "dbeac" for seed in (3, 1, 4, 0, 2)]
        for member in members:
            write_run(member)
        comparison.run_path("scratch", 0).mkdir(parents=True)
        assert [run.path for run in comparison.runs()] == sorted(members)


def test_create_refuses_what_is_used(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    with pytest.raises(RunError, match=r"already holds config\.yaml"):
        Comparison.create(tmp_path / "run")
    with Comparison.create(tmp_path / "c") as comparison:
        comparison.write_table({})
    for create in (Comparison.create, RunDirectory.create):
        with pytest.raises(RunError, match=r"already holds comparison\.json"):
            create(tmp_path / "c")


def test_a_comparison_killed_before_its_table_is_resumed_not_created(tmp_path: Path) -> None:
    write_run(tmp_path / "c" / "head" / "seed-0")
    with pytest.raises(RunError, match="already holds runs of a comparison") as refused:
        Comparison.create(tmp_path / "c")
    assert "--resume" in refused.value.hint
    with Comparison.resume(tmp_path / "c") as comparison:
        comparison.write_table({"rows": []})


def test_a_comparison_killed_before_its_first_run_had_a_config_is_resumed(tmp_path: Path) -> None:
    lock_folder(tmp_path).release()
    for inside in ("head", "head/seed-0", "head/seed-0/.lock"):  # one after the other, as a run begins
        (tmp_path / inside).touch() if inside.endswith("lock") else (tmp_path / inside).mkdir()
        with pytest.raises(RunError, match="already holds runs"):
            Comparison.create(tmp_path)
        Comparison.resume(tmp_path).close()
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(RunError, match="is not a comparison"):
        Comparison.resume(tmp_path)


@pytest.mark.parametrize("opened", [Comparison.resume, Comparison.read])
def test_what_is_no_comparison_is_not_opened(opened: object, tmp_path: Path) -> None:
    assert callable(opened)
    (tmp_path / "file").touch()
    for name, message in (("none", "no folder"), ("file", "is a file"), (".", "is not a comparison")):
        with pytest.raises(RunError, match=message):
            opened(tmp_path / name)
    write_run(tmp_path / "run")
    with pytest.raises(RunError, match="is not a comparison"):
        opened(tmp_path / "run")


def test_one_writer(tmp_path: Path) -> None:
    program = (
        "import sys; from dlpractice.runs.comparison_folder import Comparison; Comparison.create(sys.argv[1])"
    )
    with Comparison.create(tmp_path / "c") as comparison:
        second = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "c")], capture_output=True, text=True, check=False
        )
        assert "RunError: another process is writing" in second.stderr
        write_run(comparison.run_path("head", 0))  # the runs have locks of their own
    comparison.close()
    with pytest.raises(RunError, match="reading only"):
        comparison.write_table({})
    with pytest.raises(RunError, match="reading only"):
        Comparison.read(tmp_path / "c").write_table({})


@pytest.mark.parametrize(("kind", "name"), [(Sweep, "sweep"), (Trial, "trial")])
def test_sweeps_and_trials_have_tables_of_their_own(
    kind: type[Comparison], name: str, tmp_path: Path
) -> None:
    with kind.resume_or_create(tmp_path / "s") as opened:
        opened.write_table({"rows": []})
        with pytest.raises(RunError, match=f"already holds {name}.json"):
            kind.create(tmp_path / "s")
    assert (tmp_path / "s" / f"{name}.json").is_file()
    with kind.resume_or_create(tmp_path / "s") as opened:
        assert opened.table() == {"rows": []}
    with pytest.raises(RunError, match=f"not a {name}: it has neither {name}.json nor runs"):
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty" / "mine.txt").touch()
        kind.read(tmp_path / "empty")
    with pytest.raises(RunError, match="is not empty"):
        kind.resume_or_create(tmp_path / "empty")
    with pytest.raises(RunError, match=r"is not a comparison"):
        Comparison.read(tmp_path / "s")
