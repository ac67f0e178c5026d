"""Printed lines of many programs, and the numbers that they hold."""

import pytest

from dlpractice.diagnosis.logs.texts.console_lines import read_lines

LINES = [
    (
        "Epoch 3/10, Train Loss: 0.5, Val Loss: 0.6, Val Acc: 88.2%",
        3,
        {"train_loss": 0.5, "val_loss": 0.6, "val_acc": 0.882},
    ),
    ("Epoch [3/10], Step [100/600], Loss: 0.5", 3, {"loss": 0.5}),
    ("Train Epoch: 3 [640/60000 (1%)]\tLoss: 2.300039", 3, {"train/loss": 2.300039}),
    (
        "Test set: Average loss: 0.0561, Accuracy: 9808/10000 (98%)",
        None,
        {"test/average_loss": 0.0561, "test/accuracy": 0.9808},
    ),
    ("train Loss: 0.5 Acc: 0.7", None, {"train_loss": 0.5, "train/acc": 0.7}),
    ("| end of epoch   3 | time: 30.1s | valid loss  5.50 | valid ppl   245.00", 3, {"valid_loss": 5.5}),
    ("step 250: train loss 4.2874, val loss 4.2823", None, {"train_loss": 4.2874, "val_loss": 4.2823}),
    (
        "Epoch: [3][  0/5005]\tTime  0.5 ( 0.5)\tLoss 6.9e+00 (6.8e+00)\tAcc@1   0.00 (  1.50)",
        3,
        {"loss": 6.8, "acc_1": 1.5},
    ),
    (" *   Acc@1 43.650 Acc@5 71.000", None, {"val/acc_1": 43.65}),
    (
        "[Eval][Epoch 3][Avg]CELoss: 2.1, loss: 2.1, top1: 0.43",
        3,
        {"val/ce_loss": 2.1, "val/loss": 2.1, "val/top1": 0.43},
    ),
    (
        "{'loss': 0.6931, 'grad_norm': 1.5, 'learning_rate': '1e-05', 'epoch': 0.5}",
        0.5,
        {"loss": 0.6931, "learning_rate": 1e-5},
    ),
    ("Epoch 3: val_loss improved from 0.52 to 0.50, saving model to m.keras", None, {}),
    ("Best val acc: 0.91", None, {}),
    ("Max accuracy: 80.1%", None, {}),
    ("\x1b[1m3/3\x1b[0m - 1s 5ms/step - loss: 0.5 - lr: 1.0e-03", None, {"loss": 0.5, "lr": 0.001}),
    ("Train: 3 [   0/100 (  0%)]  Loss: 2.5 (2.4)", 3, {"train/loss": 2.4}),
    ("Train: [3/300][0/100]\teta 0:10\tloss 2.5 (2.4)", 3, {"train/loss": 2.4}),
    ("INFO  * Acc@1 43.650 Acc@5 71.000", None, {"val/acc_1": 43.65}),
    ("3:\tlearn: 0.5\ttest: 0.6\tbest: 0.6 (3)", None, {"train/loss": 0.5, "val/loss": 0.6}),
    ("epoch: 3, iou_loss: 2.0, total_loss: 6.0, box loss: 1.0", 3, {"total_loss": 6.0}),
    ("| Epochs | 500 |", None, {}),
    ("rate of this epoch 0.01, loss: 0.5", None, {"loss": 0.5}),
    ("epoch 003 | loss nan | lr 0.1", 3, {"loss": float("nan"), "lr": 0.1}),
    ("Accuracy of the network on the 10000 test images: 55 %", None, {"test/accuracy": 0.55}),
]


@pytest.mark.parametrize(("line", "epoch", "values"), LINES, ids=[line[:20] for line, _, _ in LINES])
def test_a_line(line: str, epoch: float | None, values: dict[str, float]) -> None:
    found = list(read_lines(line))
    assert (found[0].values if found else {}) == pytest.approx(values, nan_ok=True)
    assert not found or found[0].epoch == epoch


def test_headings_and_epochs_stand_for_the_lines_below() -> None:
    lines = list(
        read_lines("Epoch 1/2\nTraining:\nloss: 0.9\nValidation:\nloss: 0.8\nEpoch 2/2\nloss: 0.7\n")
    )
    assert [(line.epoch, *line.values) for line in lines] == [
        (1.0, "train/loss"),
        (1.0, "val/loss"),
        (2.0, "loss"),
    ]


def test_what_a_bar_overwrote_is_running() -> None:
    lines = list(read_lines("1/2 [=>...] - loss: 0.9\r2/2 [====] - loss: 0.7 - val_loss: 0.8\n"))
    assert [line.running for line in lines] == [True, True]
    assert lines[1].values == {"loss": 0.7, "val_loss": 0.8}
