"""The usual names of columns."""

import pytest

from dlpractice.diagnosis.logs.columns import assign, find_adversaries, recognise
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
        ("test_loss", "val_loss"),
        ("trainLoss", "loss"),
        ("valAcc", "val_accuracy"),
        ("train_losses", "loss"),
        ("Validation Accuracy (%)", "val_accuracy"),
        ("metrics/accuracy_top1", "val_accuracy"),
        ("metrics/accuracy_top5", None),
        ("eval_top1", "val_accuracy"),
        ("eval_top5", None),
        ("val_acc_top1_epoch", "val_accuracy"),
        ("top1", "accuracy"),
        ("test_acc1", "val_accuracy"),
        ("test_acc5", None),
        ("accuracy_top-1", "accuracy"),
        ("Acc@1", "accuracy"),
        ("valid_error_rate", "val_accuracy"),
        ("mean_squared_error", None),
        ("CELoss", "loss"),
        ("val_mse", "val_loss"),
        ("total_loss", "loss"),
        ("lr/pg0", "learning_rate"),
        ("weight_decay", None),
        ("metrics/mAP50(B)", None),
        ("top5_accuracy", None),
        ("decoder_loss", None),
        ("evaluation_loss_vs_iterations", None),
        ("epoch", None),
        ("grad_norm", None),
        ("train_val_loss", None),
    ],
)
def test_usual_names(name: str, curve: str | None) -> None:
    meaning = recognise(name)
    assert (meaning.curve if meaning else None) == curve


def choose(*names: str, **mapping: str) -> dict[str, str]:
    """The columns that are chosen, by curves, where each has ten values."""
    found = assign(dict.fromkeys(names, 10), mapping, "log")
    return {curve: source.column for curve, source in found.items()}


def test_whole_epochs_win_over_steps() -> None:
    assert choose("train_loss_step", "train_loss_epoch") == {"loss": "train_loss_epoch"}
    found = assign({"train_loss_step": 50, "train_loss_epoch": 1}, {}, "log")
    assert found["loss"].column == "train_loss_step"


def test_validation_wins_over_test_and_the_loss_over_what_stands_for_it() -> None:
    assert choose("test_loss", "val_loss", "loss", "mse") == {"loss": "loss", "val_loss": "val_loss"}
    assert choose("test_loss", "mse") == {"loss": "mse", "val_loss": "test_loss"}
    guess = assign({"test_loss": 10}, {}, "log")["val_loss"].guess
    assert guess == "test_loss was taken for validation, since there is no other"


def test_a_loss_beside_that_of_training_is_validation_s() -> None:
    assert choose("loss", "train_loss") == {"loss": "train_loss", "val_loss": "loss"}
    assert choose("loss", "train_loss", "val_loss") == {"loss": "train_loss", "val_loss": "val_loss"}
    assert choose("score loss", "total loss") == {"loss": "total loss"}


def test_parts_of_a_loss_are_no_loss() -> None:
    assert choose("dice_loss", "ce_loss") == {}
    assert choose("dice_loss") == {"loss": "dice_loss"}
    assert choose("dice_loss", "ce_loss", "loss") == {"loss": "loss"}


def test_words_that_all_names_share_say_nothing() -> None:
    assert choose("vgg/train_loss", "vgg/val_loss", "other") == {
        "loss": "vgg/train_loss",
        "val_loss": "vgg/val_loss",
    }


def test_an_accuracy_without_a_split_beside_losses_with_one_is_validation_s() -> None:
    assert choose("train_loss", "valid_loss", "accuracy")["val_accuracy"] == "accuracy"
    assert choose("loss", "val_loss", "accuracy")["accuracy"] == "accuracy"
    assert choose("train_loss", "val_loss", "accuracy", "val_acc")["accuracy"] == "accuracy"


def test_a_mapping_wins() -> None:
    assert choose("loss", "holdout", val_loss="holdout") == {"val_loss": "holdout", "loss": "loss"}
    assert choose("loss", "holdout", val_loss="loss") == {"val_loss": "loss"}
    assert choose("loss", "Hold Out", val_loss=" hold out ")["val_loss"] == "Hold Out"


def test_a_mapping_names_what_there_is() -> None:
    with pytest.raises(RunError, match="log has no column 'x'"):
        choose("loss", val_loss="x")
    with pytest.raises(RunError, match="no curve 'recall'"):
        choose("loss", recall="loss")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["g_loss", "d_loss"], ["g_loss", "d_loss"]),
        (["Loss_D", "Loss_G", "D(x)"], ["Loss_G", "Loss_D"]),
        (["errD", "errG"], ["errG", "errD"]),
        (["generator/loss", "discriminator/loss_real"], ["generator/loss", "discriminator/loss_real"]),
        (["gen_loss"], []),
        (["loss", "val_loss", "d_accuracy"], []),
    ],
)
def test_losses_of_two_nets_against_each_other(names: list[str], found: list[str]) -> None:
    assert find_adversaries(names) == found
