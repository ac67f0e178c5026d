"""The folder of somebody else's training: refused where it is in use, read as it was written."""

from pathlib import Path

import pytest

from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory
from dlpractice.runs.fit_folder import FitFolder


def test_what_is_written_is_read(tmp_path: Path) -> None:
    with FitFolder.create(tmp_path / "fit") as folder:
        folder.write_training({"model": "net"})
        assert (folder.metrics_text(), folder.diagnostics(), folder.is_finished) == ("", None, False)
        rows = [{"fit": 1, "epoch": 1, "seconds": 0.5, "loss": 0.25}, {"fit": 2, "epoch": 2, "auc": 0.75}]
        folder.write_metrics(rows)
        folder.write_diagnostics({"start": {}})
        folder.write_summary({"verdict": "fine"})
    read = FitFolder.read(tmp_path / "fit")
    assert read.metrics_text() == "fit,epoch,step,seconds,loss,auc\n1,1,,0.5,0.25,\n2,2,,,,0.75\n"
    assert (read.training(), read.diagnostics()) == ({"model": "net"}, {"start": {}})
    assert read.is_finished and read.summary() == {"verdict": "fine"}
    with pytest.raises(RunError):
        read.write_summary({})


def test_a_folder_that_is_reopened_is_not_finished(tmp_path: Path) -> None:
    with FitFolder.create(tmp_path) as folder:
        folder.write_training({})
        folder.write_summary({})
    with FitFolder.resume(tmp_path) as folder:
        folder.reopen()
        assert not folder.is_finished


def test_what_is_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="holds file"):
        FitFolder.create(tmp_path)
    with pytest.raises(RunError, match="is a file"):
        FitFolder.create(tmp_path / "file")
    with pytest.raises(RunError, match=r"no training\.json"):
        FitFolder.read(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_run_of_ours_does_not_go_into_such_a_folder(tmp_path: Path) -> None:
    with FitFolder.create(tmp_path) as folder:
        folder.write_training({})
    with pytest.raises(RunError, match=r"training\.json"):
        RunDirectory.create(tmp_path)
