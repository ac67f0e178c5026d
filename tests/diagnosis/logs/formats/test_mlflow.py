"""A store that MLflow wrote."""

import shutil
from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.formats.mlflow import find_run, read_run
from dlpractice.errors import RunError

STORE = Path(__file__).parents[2] / "sample_logs" / "small" / "mlruns"


def test_the_last_run_of_a_store(tmp_path: Path) -> None:
    (experiment,) = (folder for folder in STORE.iterdir() if folder.is_dir())
    runs = [folder for folder in experiment.iterdir() if folder.is_dir()]
    found = {find_run(path) for path in (STORE.parent, STORE, experiment)}
    assert len(found) == 1
    run = found.pop()
    assert run in runs
    assert {find_run(path) for path in (run, run / "metrics")} == {run}
    record = read_run(run, {})
    first_line = (run / "metrics" / "val" / "loss").read_text().split()
    assert record.curves["val_loss"].values[0] == float(first_line[1])
    assert record.curves["loss"].at == tuple(float(epoch) for epoch in range(1, 13))
    assert record.notes == ("it is one of the 2 runs of its experiment",)
    # The run that was made first has losses that are higher by a half.
    other = next(path for path in runs if path != run)
    assert read_run(other, {}).curves["loss"].values[0] == pytest.approx(
        record.curves["loss"].values[0] + 0.5
    )
    shutil.copytree(STORE, tmp_path / "mlruns", copy_function=shutil.copyfile)  # times of files say nothing
    assert find_run(tmp_path) == tmp_path / run.relative_to(STORE.parent)


def test_metrics_without_steps_are_numbered_and_damage_is_named(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "params").mkdir()
    file = tmp_path / "metrics" / "loss"
    file.write_text("1700000000000 0.5 0\n1700000000001 0.25 0\n")
    assert read_run(tmp_path, {}).curves["loss"].at == (1.0, 2.0)
    file.write_text("1700000000000 0.5 0\nlow\n")
    with pytest.raises(RunError, match="loss:2 is no line of an MLflow metric: 'low'"):
        read_run(tmp_path, {})
    assert find_run(tmp_path / "params") is None
