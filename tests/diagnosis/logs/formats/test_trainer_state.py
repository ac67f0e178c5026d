"""Hugging Face's trainer_state.json, as transformers wrote it."""

from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.formats.trainer_state import read_trainer_state
from dlpractice.diagnosis.logs.json_files import read_object
from dlpractice.errors import RunError

STATE = Path(__file__).parents[2] / "sample_logs" / "trainer_state.json"


def test_a_real_state() -> None:
    record = read_trainer_state(STATE, read_object(STATE), {})
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
    with pytest.raises(RunError, match="logs no loss"):
        read_trainer_state(STATE, {"log_history": [{"step": 1}]}, {})
