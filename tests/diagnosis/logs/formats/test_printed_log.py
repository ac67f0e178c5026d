"""What Keras, scikit-learn, XGBoost and LightGBM printed themselves, and what looks like PyTorch's."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from dlpractice.diagnosis.logs.formats.printed_log import find_text, read_console

SMALL = Path(__file__).parents[2] / "sample_logs" / "small"


@pytest.mark.parametrize("verbose", [1, 2])
def test_what_keras_printed(verbose: int, keras_logs: SimpleNamespace, tmp_path: Path) -> None:
    file = tmp_path / "fit.log"
    file.write_text(keras_logs.printed[verbose])
    assert find_text(file) == file
    record = read_console(file, {})
    for name in ("loss", "val_loss", "val_accuracy"):
        assert record.curves[name].values == pytest.approx(keras_logs.again[verbose][name], abs=6e-4), name
    assert record.curves["loss"].at == (1.0, 2.0, 3.0)
    assert record.clock == "epoch"


@pytest.mark.parametrize(
    ("name", "keys", "val_keys"),
    [
        ("xgboost", ("validation_0", "logloss"), ("validation_1", "logloss")),
        ("lightgbm", ("training", "binary_logloss"), ("valid_1", "binary_logloss")),
    ],
)
def test_what_boosting_printed(name: str, keys: tuple[str, str], val_keys: tuple[str, str]) -> None:
    written = json.loads((SMALL / f"{name}.json").read_text())
    record = read_console(SMALL / f"{name}.log", {})
    for curve, (split, metric) in (("loss", keys), ("val_loss", val_keys)):
        assert record.curves[curve].values == pytest.approx(written[split][metric], rel=1e-4)
    assert record.clock == "step"


def test_what_scikit_learn_printed() -> None:
    losses = json.loads((SMALL / "scikit_learn.json").read_text())["loss_curve_"]
    assert read_console(SMALL / "scikit_learn.log", {}).curves["loss"].values == pytest.approx(
        losses, abs=1e-8
    )


def test_running_averages_give_way_to_the_last_of_an_epoch(tmp_path: Path) -> None:
    file = tmp_path / "out.txt"
    lines = []
    for epoch in range(6):
        lines += [
            f"Epoch: [{epoch}][{n}/20]\tLoss {9 - n} ({5 - epoch - n / 100})\tAcc@1 10 (20)"
            for n in (0, 10, 20)
        ]
        lines += [f" *   Acc@1 {40 + epoch}.5 Acc@5 90.0"]
    file.write_text("\n".join(lines))
    record = read_console(file, {})
    assert record.curves["loss"].values == pytest.approx([4.8 - epoch for epoch in range(6)])
    assert record.curves["val_accuracy"].values == pytest.approx([0.405 + epoch / 100 for epoch in range(6)])


@pytest.mark.parametrize("text", ["numpy==1.26\n", "cat 0\ndog 1\n", "", "The loss was 0.5.\n"])
def test_other_texts_are_no_logs(text: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text(text)
    assert find_text(tmp_path / "notes.txt") is None
    assert find_text(tmp_path) is None
