"""TensorBoard event files, as Keras and TensorBoard's own writer make them."""

import json
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


def test_add_scalars_and_add_hparams() -> None:
    folder = Path(__file__).parents[2] / "sample_logs" / "small" / "add_scalars"
    record = read_events(folder, find_event_files(folder), {})
    losses = json.loads((folder.parent / "scikit_learn.json").read_text())["loss_curve_"]
    assert record.curves["loss"].values == pytest.approx(losses, rel=1e-6)
    assert record.curves["val_loss"].values == pytest.approx([loss + 0.1 for loss in losses], rel=1e-6)
    assert record.columns["val_accuracy"] == "Accuracy/val"


@pytest.mark.parametrize(
    ("train", "val"), [("train", "test"), ("Loss_train", "Loss_val"), ("loss/train", "loss/valid")]
)
def test_folders_that_are_named_after_splits(train: str, val: str, tmp_path: Path) -> None:
    write_scalars(tmp_path / train, {"loss": [1.0, 0.5]})
    write_scalars(tmp_path / val, {"loss": [1.5, 0.75]})
    record = read_events(tmp_path, find_event_files(tmp_path), {})
    assert record.curves["loss"].values == (1.0, 0.5)
    assert record.curves["val_loss"].values == (1.5, 0.75)


def test_of_versions_the_highest_is_read(tmp_path: Path) -> None:
    for number in (2, 10, 9):
        write_scalars(tmp_path / f"version_{number}", {"loss": [float(number)]})
    record = read_events(tmp_path, find_event_files(tmp_path), {})
    assert record.curves["loss"].values == (10.0,)
    assert record.notes == ("of 3 runs beside each other version_10 was read",)


def test_a_file_that_is_being_written(tmp_path: Path) -> None:
    file = find_event_files(write_scalars(tmp_path, {"loss": [1.0, 0.5, 0.25]}))[0]
    file.write_bytes(file.read_bytes()[:-5])
    assert read_events(tmp_path, [file], {}).curves["loss"].values == (1.0, 0.5)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_scalars(tmp_path / name, {"loss": [1.0]})
    with pytest.raises(RunError, match="several runs") as error:
        read_events(tmp_path, find_event_files(tmp_path), {})
    assert error.value.hint == f"name one: {tmp_path / 'a'}, {tmp_path / 'b'}"
    own = write_scalars(tmp_path / "a" / "below", {"loss": [1.0]}).parent
    with pytest.raises(RunError) as nested:
        read_events(own, find_event_files(own), {})
    assert str(find_event_files(own)[-1]) in nested.value.hint or "below" in nested.value.hint
    assert f"{own}," not in nested.value.hint
    pointer = tmp_path / "events.out.tfevents.1"
    pointer.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n")
    with pytest.raises(RunError, match="a pointer of Git LFS") as lfs:
        read_events(tmp_path, [pointer], {})
    assert "git lfs pull" in lfs.value.hint
    folder = write_scalars(tmp_path / "c", {"reward": [1.0]})
    with pytest.raises(RunError, match="no column of losses or accuracies; it has reward"):
        read_events(folder, find_event_files(folder), {})


def test_files_of_a_run_of_ours_are_not_its_log(tmp_path: Path) -> None:
    run = write_scalars(tmp_path / "runs" / "one" / "tensorboard", {"loss": [1.0]}).parent
    assert find_folder(tmp_path) == tmp_path
    (run / "config.yaml").write_text("command: finetune\n")
    assert find_folder(tmp_path) is None
    assert find_folder(run / "tensorboard") == run / "tensorboard"
    (file,) = find_event_files(run)
    assert (find_file(file), find_file(run), find_folder(file)) == (file, None, None)
