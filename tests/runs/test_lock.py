import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dlpractice.errors import DataError, RunError
from dlpractice.runs.comparison_folder import Comparison
from dlpractice.runs.directory import RunDirectory
from dlpractice.runs.lock import LOCK_NAME, LockedFolder, lock_folder

HOLD = """
import sys, time
from pathlib import Path
from dlpractice.runs.lock import lock_folder
lock = lock_folder(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_the_folder_is_made(tmp_path: Path) -> None:
    lock_folder(tmp_path / "a" / "b").release()
    assert (tmp_path / "a" / "b").is_dir()


def test_a_second_writer_of_this_process_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    lock = lock_folder(tmp_path)
    with pytest.raises(RunError, match="another process is writing") as refused:
        lock_folder(tmp_path)
    assert "--run-dir" in refused.value.hint
    lock.release()
    lock_folder(tmp_path).release()


def test_another_thread_may_let_go(tmp_path: Path) -> None:
    lock = lock_folder(tmp_path)
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    lock_folder(tmp_path).release()


def test_a_lock_goes_with_the_process_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="another process is writing"):
            lock_folder(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
    assert (tmp_path / LOCK_NAME).exists()  # the file stays, and means nothing
    lock_folder(tmp_path).release()


def test_one_of_many_processes_wins(tmp_path: Path) -> None:
    """All wait for a go, then race; the winner holds the lock until all have tried."""
    program = """
import sys
from pathlib import Path
from dlpractice.errors import RunError
from dlpractice.runs.lock import lock_folder
print("ready", flush=True)
sys.stdin.readline()
try:
    lock = lock_folder(Path(sys.argv[1]))
    print("won", flush=True)
except RunError:
    print("lost", flush=True)
sys.stdin.readline()
"""
    command = [sys.executable, "-c", program, str(tmp_path / "run")]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    try:
        for go in ("ready", None):
            lines = []
            for racer in racers:
                assert racer.stdout is not None
                lines.append(racer.stdout.readline().strip())
            if go:
                assert lines == [go] * 4
                for racer in racers:
                    assert racer.stdin is not None
                    racer.stdin.write("go\n")
                    racer.stdin.flush()
        assert sorted(lines) == ["lost", "lost", "lost", "won"]
    finally:
        for racer in racers:
            racer.communicate("end\n", timeout=1200)


def test_a_path_below_a_file_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot write to .*: Not a directory"):
        lock_folder(tmp_path / "file" / "run")


@pytest.mark.parametrize("kind", [RunDirectory, Comparison])
def test_what_was_interrupted_before_it_wrote_anything_is_resumed(
    kind: type[LockedFolder], tmp_path: Path
) -> None:
    kind.create(tmp_path / "r").close()
    kind.resume(tmp_path / "r").close()
    with pytest.raises(RunError):
        kind.read(tmp_path / "r")
    (tmp_path / "r" / "notes.txt").touch()
    with pytest.raises(RunError, match="is not a"):
        kind.resume(tmp_path / "r")


def test_what_is_open_for_reading_or_closed_refuses_to_write(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "r") as run:
        run.write_config("seed: 0\n")
    with pytest.raises(RunError, match="for reading only"):
        run.write_config("seed: 1\n")
    with pytest.raises(RunError, match="for reading only"):
        RunDirectory.read(tmp_path / "r").write_config("seed: 1\n")
    assert (run.path / "config.yaml").read_text() == "seed: 0\n"


def test_a_failed_start_leaves_no_folder_and_an_interrupted_one_does(tmp_path: Path) -> None:
    with pytest.raises(DataError), RunDirectory.create(tmp_path / "failed"):
        raise DataError("no such data")
    assert not (tmp_path / "failed").exists()
    with pytest.raises(KeyboardInterrupt), RunDirectory.create(tmp_path / "stopped"):
        raise KeyboardInterrupt
    RunDirectory.resume(tmp_path / "stopped").close()


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").touch()
    for kind in (RunDirectory, Comparison):
        with pytest.raises(RunError, match=r"is not empty: it holds cat\.jpg"):
            kind.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cat.jpg"]


@pytest.mark.parametrize("clock", [0.0, 150 * 365.25 * 86_400])
def test_a_clock_whose_dates_no_archive_can_hold_is_named(
    clock: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlpractice.runs.lock.time.time", lambda: clock)
    with pytest.raises(RunError, match=r"clock shows the year (19|21)"):
        lock_folder(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_was_removed_while_it_was_written_is_no_success(tmp_path: Path) -> None:
    """Also where another one has been made in its place."""
    for is_replaced in (False, True):
        with (
            pytest.raises(RunError, match="r was removed, or replaced, while it was written"),
            RunDirectory.create(tmp_path / "r") as run,
        ):
            (tmp_path / "r").rename(tmp_path / f"gone-{is_replaced}")
            if is_replaced:
                run.path.mkdir()
