"""The usual names of columns."""

import pytest

from dlpractice.diagnosis.logs.columns import assign, recognise
from dlpractice.errors import RunError


@pytest.mark.parametrize(
    ("name", "curve"),
    [
        ("loss", "loss"),
        ("train_loss", "loss"),
        ("train/loss", "loss"),
        ("Loss/train", "loss"),
        ("train_loss_epoch", "loss"),
        ("train/epoch_loss", "loss"),
        ("val_loss", "val_loss"),
        ("eval_loss", "val_loss"),
        ("valid_loss", "val_loss"),
        ("validation/epoch_loss", "val_loss"),
        ("acc", "accuracy"),
        ("sparse_categorical_accuracy", "accuracy"),
        ("val_acc", "val_accuracy"),
        ("eval_accuracy", "val_accuracy"),
        ("lr", "learning_rate"),
        ("lr-Adam", "learning_rate"),
        ("learning_rate", "learning_rate"),
        ("train/epoch_learning_rate", "learning_rate"),
        ("test_loss", None),
        ("top5_accuracy", None),
        ("decoder_loss", None),
        ("evaluation_loss_vs_iterations", None),
        ("epoch", None),
        ("grad_norm", None),
        ("train_val_loss", None),
    ],
)
def test_usual_names(name: str, curve: str | None) -> None:
    assert recognise(name) == curve


def test_whole_epochs_win_over_steps() -> None:
    assert assign(["train_loss_step", "train_loss_epoch"], {}, "log") == {"loss": "train_loss_epoch"}


def test_a_mapping_wins() -> None:
    columns = ["loss", "holdout"]
    assert assign(columns, {"val_loss": "holdout"}, "log") == {"val_loss": "holdout", "loss": "loss"}
    assert assign(columns, {"val_loss": "loss"}, "log") == {"val_loss": "loss"}


def test_a_mapping_names_what_there_is() -> None:
    with pytest.raises(RunError, match="log has no column 'x'"):
        assign(["loss"], {"val_loss": "x"}, "log")
    with pytest.raises(RunError, match="no curve 'recall'"):
        assign(["loss"], {"recall": "loss"}, "log")
