"""A checkpoint comes back bit for bit, is replaced whole, and says so when it is damaged."""

import os
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from dlpractice.errors import RunError
from dlpractice.training.checkpoints import Arrays, Checkpoints, Position

# Every field away from its default, floats of many digits among them.
POSITION = Position(
    **{field.name: field.type(number / 7) for number, field in enumerate(fields(Position), 7)}  # type: ignore[operator]
)


def make_arrays() -> Arrays:
    rng = np.random.default_rng(0)
    model = [rng.normal(size=(3, n)).astype(np.float32) for n in range(12)]
    model[3][0, 0], model[3][1, 0] = np.nan, -np.inf
    state = [np.array([1, 2**32 - 1], np.uint32), np.array(7, np.int64), np.array(0.1, np.float32)]
    return {"model": model, "optimiser": state}


def test_it_comes_back_bit_for_bit(tmp_path: Path) -> None:
    arrays = make_arrays()
    Checkpoints(tmp_path / "new" / "folder", 0).write(POSITION, {**arrays, "best": []})
    read = Checkpoints(tmp_path / "new" / "folder", 0).read()
    assert read is not None
    position, found = read
    assert position == POSITION
    assert found.keys() == arrays.keys()
    for group, values in arrays.items():
        assert [(a.dtype, a.shape, a.tobytes()) for a in found[group]] == [
            (a.dtype, a.shape, a.tobytes()) for a in values
        ]


def test_a_fresh_position_survives_too(tmp_path: Path) -> None:
    Checkpoints(tmp_path, 0).write(Position(), {"model": [np.zeros(1)]})
    read = Checkpoints(tmp_path, 0).read()
    assert read is not None and read[0] == Position()
    assert read[0].lowest == float("inf")


def test_a_fresh_position_is_in_front_of_the_first_step() -> None:
    fresh = Position()
    assert (fresh.stage, fresh.epoch, fresh.step, fresh.rows, fresh.optimiser_steps) == (0, 0, 0, 0, 0)
    assert (fresh.best_epoch, fresh.waited, fresh.finished) == (-1, 0, False)
    assert (fresh.plateau_factor, fresh.plateau_waited) == (1.0, 0)
    assert fresh.learning_rate == 0.0  # which means: not chosen yet


def test_none_was_written(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "absent", 0).read() is None
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("broken", ["savez", "replace"])
def test_a_crash_while_writing_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    checkpoints = Checkpoints(tmp_path, 0)
    checkpoints.write(POSITION, make_arrays())

    def crash(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr({"savez": np, "replace": os}[broken], broken, crash)
        with pytest.raises(MemoryError):
            checkpoints.write(Position(epoch=99), make_arrays())
    read = checkpoints.read()
    assert read is not None and read[0] == POSITION
    checkpoints.write(Position(epoch=100), make_arrays())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.npz"]


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, 0)
    checkpoints.write(POSITION, make_arrays())
    path = tmp_path / "latest.npz"
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [whole[: int(size)] for size in [0, 1, 4, 100, *rng.integers(len(whole), size=20)]]
    damaged += [b"not a checkpoint", whole[:50] + b"x" * 40 + whole[90:], whole[:-60] + b"x" * 60]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(RunError, match=r"latest\.npz: not a checkpoint") as caught:
            checkpoints.read()
        assert "--run-dir" in caught.value.hint


def test_a_position_of_another_version_is_an_error(tmp_path: Path) -> None:
    np.savez(tmp_path / "latest.npz", position=np.frombuffer(b'{"phase": 3}', np.uint8))
    with pytest.raises(RunError, match="phase"):
        Checkpoints(tmp_path, 0).read()


def test_it_is_due_after_the_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    checkpoints = Checkpoints(tmp_path, interval=10)
    assert not checkpoints.is_due
    now = 110.0
    assert checkpoints.is_due
    checkpoints.write(POSITION, {"model": [np.zeros(1)]})
    assert not checkpoints.is_due
    now = 119.9
    assert not checkpoints.is_due


def test_a_checkpoint_of_another_run_is_refused_and_one_that_does_not_say_is_read(tmp_path: Path) -> None:
    Checkpoints(tmp_path, 0, origin="a").write(Position(), {"model": [np.zeros(1)]})
    assert Checkpoints(tmp_path, 0, origin="a").read() is not None
    with pytest.raises(RunError, match=r"latest\.npz is a checkpoint of another run"):
        Checkpoints(tmp_path, 0, origin="b").read()
    arrays = dict(np.load(tmp_path / "latest.npz"))
    del arrays["origin"]  # as earlier versions wrote them
    np.savez(tmp_path / "latest.npz", **arrays)
    assert Checkpoints(tmp_path, 0, origin="b").read() is not None


@pytest.mark.parametrize(
    "text", ['{"epoch": "1"}', '{"epoch": null}', "[]", "3", '{"rows": 1.5}', "[" * 100_000]
)
def test_an_odd_position_is_an_error_that_names_the_file(text: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "latest.npz", position=np.frombuffer(text.encode(), np.uint8))
    with pytest.raises(RunError, match=r"latest\.npz: not a checkpoint"):
        Checkpoints(tmp_path, 0).read()
