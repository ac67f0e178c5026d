"""TensorBoard event files, as Keras and TensorBoard's own writer make them."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from dlpractice.diagnosis.logs.formats.tensorboard import (
    find_event_files,
    find_file,
    find_folder,
    read_events,
)
from dlpractice.errors import RunError


def write_scalars(folder: Path, tags: dict[str, list[float]]) -> Path:
    """Scalars as PyTorch's SummaryWriter writes them, which uses the same writer."""
    writer = EventFileWriter(str(folder))
    for tag, values in tags.items():
        for step, value in enumerate(values):
            scalar = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            writer.add_event(Event(step=step, wall_time=step, summary=scalar))
    writer.close()
    return folder


def test_keras_s_own_files(keras_logs: SimpleNamespace) -> None:
    folder = keras_logs.tensorboard
    record = read_events(folder, find_event_files(folder), {})
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert record.curves[name].values == pytest.approx(keras_logs.history[name], rel=1e-6)
        assert record.curves[name].at == tuple(float(epoch) for epoch in range(1, 26))


def test_one_file_with_both_splits(tmp_path: Path) -> None:
    folder = write_scalars(tmp_path, {"Loss/train": [1.0, 0.5], "Loss/val": [1.25, 0.75], "other": [3.0]})
    record = read_events(folder, find_event_files(folder), {})
    assert record.curves["loss"].values == (1.0, 0.5)
    assert record.curves["val_loss"].values == (1.25, 0.75)
    assert record.unused == ("other",)


def test_a_file_that_is_being_written(tmp_path: Path) -> None:
    file = find_event_files(write_scalars(tmp_path, {"loss": [1.0, 0.5, 0.25]}))[0]
    file.write_bytes(file.read_bytes()[:-5])
    assert read_events(tmp_path, [file], {}).curves["loss"].values == (1.0, 0.5)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_scalars(tmp_path / name, {"loss": [1.0]})
    with pytest.raises(RunError, match="several runs"):
        read_events(tmp_path, find_event_files(tmp_path), {})
    folder = write_scalars(tmp_path / "c", {"reward": [1.0]})
    with pytest.raises(RunError, match="no loss or accuracy among its scalars; it has reward"):
        read_events(folder, find_event_files(folder), {})


def test_files_of_a_run_of_ours_are_not_its_log(tmp_path: Path) -> None:
    run = write_scalars(tmp_path / "runs" / "one" / "tensorboard", {"loss": [1.0]}).parent
    assert find_folder(tmp_path) == tmp_path
    (run / "config.yaml").write_text("command: finetune\n")
    assert find_folder(tmp_path) is None
    assert find_folder(run / "tensorboard") == run / "tensorboard"
    (file,) = find_event_files(run)
    assert (find_file(file), find_file(run), find_folder(file)) == (file, None, None)
