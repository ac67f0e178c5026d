"""Records made by hand, for tests of the rules; a short Keras training, logged by Keras in its three ways."""

import contextlib
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dlpractice.diagnosis.record import Curve, Record, RunFacts

CONFIG: dict[str, Any] = {
    "command": "finetune",
    "strategy": "scratch",
    "data": {"source": "photos"},
    "model": {"weights": "imagenet", "dropout": 0.0, "width": 1.0},
    "augment": {"rotation": 0.0, "zoom": 0.0, "shift": 0.0},
    "training": {
        "epochs": 30,
        "learning_rate": 0.001,
        "weight_decay": 0.0,
        "optimizer": "adamw",
        "class_weights": "none",
        "label_smoothing": 0.0,
    },
}


def curve(values: Any) -> Curve:
    """A value an epoch."""
    return Curve(tuple(float(epoch) for epoch in range(1, len(values) + 1)), tuple(float(v) for v in values))


def log_of(**curves: Any) -> Record:
    """A log of somebody else's."""
    return Record("log.json", "Keras history", {name: curve(values) for name, values in curves.items()})


def fall(start: float, end: float, epochs: int = 30, pace: float = 5.0) -> np.ndarray:
    """A curve that falls from `start` towards `end` like exp(-t)."""
    return end + (start - end) * np.exp(-pace * np.arange(epochs) / epochs)


def split_rows(
    train: int = 1000, validation: int = 500, test: int = 500, classes: int = 2
) -> list[dict[str, str]]:
    """Rows of splits.csv, classes in turn."""
    rows = []
    for split, count in (("train", train), ("validation", validation), ("test", test)):
        for number in range(count):
            path = f"{split}/{number}.png"
            label = f"class{number % classes}"
            rows.append(
                {"path": path, "label": label, "split": split, "sha256": path, "group": "", "bound": path}
            )
    return rows


def answers(
    rows: list[dict[str, str]], wrong: int, confidence: float = 0.6, sure: float = 0.98
) -> list[dict[str, Any]]:
    """Predictions on the validation rows, the first `wrong` of them wrong, with `confidence`."""
    found = []
    for number, row in enumerate(row for row in rows if row["split"] == "validation"):
        is_wrong = number < wrong
        other = "class1" if row["label"] == "class0" else "class0"
        found.append(
            {
                "path": row["path"],
                "split": "validation",
                "label": row["label"],
                "predicted": other if is_wrong else row["label"],
                "confidence": confidence if is_wrong else sure,
                "loss": -float(np.log(1 - confidence if is_wrong else sure)),
            }
        )
    return found


def run_of(
    train_accuracy: float = 0.99,
    val_accuracy: float = 0.98,
    *,
    config: dict[str, dict[str, Any]] | None = None,
    curves: dict[str, Any] | None = None,
    rows: list[dict[str, str]] | None = None,
    diagnostics: dict[str, Any] | None = None,
    **facts: Any,
) -> Record:
    """A finished run of ours that kept its last epoch. config: changes by section."""
    tree = {
        key: value | (config or {}).get(key, {})
        if isinstance(value, dict)
        else (config or {}).get(key, value)
        for key, value in CONFIG.items()
    }
    plain = {
        "loss": fall(0.7, 1.2 * (1 - train_accuracy) + 0.02),
        "val_loss": fall(0.7, 1.2 * (1 - val_accuracy) + 0.02),
        "accuracy": 1 - fall(0.5, 1 - train_accuracy, pace=12),
        "val_accuracy": 1 - fall(0.5, 1 - val_accuracy, pace=12),
        "learning_rate": np.full(30, 1e-3),
    } | (curves or {})
    made = {name: curve(values) for name, values in plain.items()}
    run = RunFacts(
        command=tree["command"],
        config=tree,
        splits=tuple(rows if rows is not None else split_rows()),
        **{"summary": {"best_epoch": len(plain["accuracy"])}, **facts},
    )
    return Record("run", "run directory", made, run, diagnostics=diagnostics)


_START: dict[str, Any] = {
    "loss": 0.7,
    "classes": 2,
    "one_batch": {"before": 0.7, "after": 0.01, "steps": 50},
    "inputs": {"low": -2.1, "high": 2.6, "mean": 0.1, "std": 1.1},
    "output": {"activation": "linear"},
}
HEALTHY_LAYER: dict[str, Any] = {
    "name": "conv",
    "trained": True,
    "gradient_norm": 0.1,
    "weight_norm": 10.0,
    "update_ratio": 1e-3,
    "dead": 0.1,
    "saturated": None,
}


def recorded_run(start: dict[str, Any], layer: dict[str, Any]) -> Record:
    """A run whose diagnostics.json is that of a healthy net, but for some values of the net before training
    and of its last layer."""
    layers = [HEALTHY_LAYER, HEALTHY_LAYER | {"name": "dense"} | layer]
    epochs = [{"stage": "scratch", "epoch": 3, "layers": layers}]
    return run_of(diagnostics={"start": _START | start, "epochs": epochs})


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The functions above: this folder is no package that tests could import them from."""
    return SimpleNamespace(
        curve=curve,
        log_of=log_of,
        fall=fall,
        split_rows=split_rows,
        answers=answers,
        run_of=run_of,
        recorded_run=recorded_run,
        layer=HEALTHY_LAYER,
    )


@pytest.fixture(scope="session")
def keras_logs(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """`history`: what fit returned. `csv`: CSVLogger's file. `tensorboard`: the callback's folder. `printed`
    and `again`: by verbosity, what three more epochs printed, and what fit returned."""
    import keras

    folder = tmp_path_factory.mktemp("keras")
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 10)).astype(np.float32)
    labels = (inputs[:, 0] + rng.normal(size=300) > 0).astype(np.int64)
    model = keras.Sequential(
        [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(2, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = [
        keras.callbacks.CSVLogger(folder / "training.csv"),
        keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False),
    ]
    history = model.fit(
        inputs[:60],
        labels[:60],
        validation_data=(inputs[60:], labels[60:]),
        epochs=25,
        batch_size=60,
        verbose=0,
        callbacks=callbacks,
    )
    printed, again = {}, {}
    for verbose in (1, 2):
        with contextlib.redirect_stdout(io.StringIO()) as output:
            more = model.fit(
                inputs[:60],
                labels[:60],
                validation_data=(inputs[60:], labels[60:]),
                epochs=3,
                batch_size=20,
                verbose=verbose,
            )
        printed[verbose], again[verbose] = output.getvalue(), more.history
    return SimpleNamespace(
        history=history.history,
        csv=Path(folder / "training.csv"),
        tensorboard=Path(folder / "tensorboard"),
        printed=printed,
        again=again,
    )
