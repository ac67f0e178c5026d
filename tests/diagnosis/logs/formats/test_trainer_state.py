"""Hugging Face's trainer_state.json, as transformers wrote it."""

import os
import shutil
from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.formats.trainer_state import (
    find_last_checkpoint,
    find_state,
    read_trainer_state,
)
from dlpractice.diagnosis.logs.texts.json_text import read_document
from dlpractice.errors import RunError

STATE = Path(__file__).parents[2] / "sample_logs" / "trainer_state.json"


def test_a_real_state() -> None:
    record = read_trainer_state(STATE, read_document(STATE), {})
    assert set(record.curves) == {"loss", "learning_rate", "val_loss", "val_accuracy"}
    assert record.curves["loss"].at[:3] == (0.5, 1.0, 1.5)
    assert record.curves["loss"].values[0] == 0.690143346786499
    assert record.curves["val_loss"].at == tuple(float(epoch) for epoch in range(1, 13))
    assert record.curves["val_accuracy"].values[0] == 0.72
    assert "grad_norm" in record.unused
    # The summary's mean over the whole training is no measurement at its end.
    assert 0.21252207240710655 not in record.curves["loss"].values


def test_what_is_no_state() -> None:
    with pytest.raises(RunError, match="log_history must be a list"):
        read_trainer_state(STATE, {"log_history": 3}, {})
    with pytest.raises(RunError, match="no column of losses"):
        read_trainer_state(STATE, {"log_history": [{"step": 1}]}, {})


def test_a_state_is_told_by_what_it_holds_and_a_folder_s_by_its_name(tmp_path: Path) -> None:
    renamed = tmp_path / "log.json"
    shutil.copy(STATE, renamed)
    assert (find_state(renamed), find_state(STATE.parent), find_state(tmp_path)) == (renamed, STATE, None)
    for text in ('{"loss": [0.5]}', "[1]", "{"):
        renamed.write_text(text)
        assert find_state(renamed) is None


def test_the_checkpoint_of_most_steps_is_found_whenever_it_was_copied(tmp_path: Path) -> None:
    for step, age in ((8, 3), (100, 2), (24, 1)):
        state = tmp_path / f"checkpoint-{step}" / STATE.name
        state.parent.mkdir()
        shutil.copy(STATE, state)
        os.utime(state, (10 - age, 10 - age))
    assert find_last_checkpoint(tmp_path) == tmp_path / "checkpoint-100" / STATE.name
    assert find_last_checkpoint(tmp_path / "checkpoint-100") is None
