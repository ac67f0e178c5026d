"""Writes the logs in `small/` with pandas, scikit-learn, XGBoost, LightGBM, tensorboardX and MLflow.

The tests read these files; the libraries are not installed for them. See README.md here.
"""

import contextlib
import io
import json
import os
import shutil
import sys
from pathlib import Path

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

import lightgbm
import mlflow
import numpy as np
import pandas as pd
import sklearn
import tensorboardX
import xgboost
from sklearn.neural_network import MLPClassifier

HERE = Path(__file__).parent / "small"
ROUNDS = 12


def draw(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, 8) inputs whose class is the sign of a noisy sum."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, 8))
    return inputs, (inputs.sum(1) + rng.normal(size=count) > 0).astype(int)


TRAIN, VALIDATION = draw(200, 0), draw(200, 1)


def train_net() -> MLPClassifier:
    net = MLPClassifier((32,), early_stopping=True, max_iter=ROUNDS, n_iter_no_change=50, random_state=0)
    net.fit(*TRAIN)
    return net


def write_pandas(net: MLPClassifier) -> None:
    frame = pd.DataFrame({"loss": net.loss_curve_, "val_acc": net.validation_scores_})
    for orient in ("columns", "index", "records", "split", "table", "values"):
        frame.to_json(HERE / f"pandas_{orient}.json", orient=orient)
    frame.to_json(HERE / "pandas_lines.jsonl", orient="records", lines=True)
    frame.to_csv(HERE / "pandas.csv")
    frame.to_csv(HERE / "pandas_decimal_commas.csv", sep=";", decimal=",")


def write_boosting() -> None:
    model = xgboost.XGBClassifier(n_estimators=ROUNDS, eval_metric=["logloss", "error"])
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        model.fit(*TRAIN, eval_set=[TRAIN, VALIDATION])
    (HERE / "xgboost.log").write_text(printed.getvalue())
    (HERE / "xgboost.json").write_text(json.dumps(model.evals_result()))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        gbm = lightgbm.LGBMClassifier(n_estimators=ROUNDS, verbose=-1)
        gbm.fit(
            *TRAIN,
            eval_set=[TRAIN, VALIDATION],
            eval_metric=["binary_logloss", "binary_error"],
            callbacks=[lightgbm.log_evaluation(1)],
        )
    (HERE / "lightgbm.log").write_text(printed.getvalue())
    (HERE / "lightgbm.json").write_text(json.dumps(gbm.evals_result_))


def write_scikit_learn() -> MLPClassifier:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        net = train_net().set_params(verbose=True)
        net.fit(*TRAIN)
    (HERE / "scikit_learn.log").write_text(printed.getvalue())
    curves = {
        "loss_curve_": net.loss_curve_,
        "validation_scores_": [float(v) for v in net.validation_scores_],
    }
    (HERE / "scikit_learn.json").write_text(json.dumps(curves))
    return net


def write_tensorboard(net: MLPClassifier) -> None:
    """Both ways of PyTorch's SummaryWriter, which has tensorboardX's: tags with a split, and add_scalars; and
    the folder that add_hparams makes."""
    writer = tensorboardX.SummaryWriter(str(HERE / "add_scalars"))
    for epoch, (loss, score) in enumerate(zip(net.loss_curve_, net.validation_scores_, strict=True)):
        writer.add_scalars("Loss", {"train": loss, "val": loss + 0.1}, epoch)
        writer.add_scalar("Accuracy/val", score, epoch)
    writer.add_hparams({"lr": 0.001}, {"hparam/accuracy": float(net.validation_scores_[-1])})
    writer.close()


def write_mlflow(net: MLPClassifier) -> None:
    store = HERE / "mlruns"
    mlflow.set_tracking_uri(store.as_uri())
    mlflow.set_experiment("digits")
    for shift in (0.5, 0.0):
        with mlflow.start_run():
            mlflow.log_param("lr", 0.001)
            for epoch, (loss, score) in enumerate(zip(net.loss_curve_, net.validation_scores_, strict=True)):
                mlflow.log_metric("train/loss", loss + shift, step=epoch)
                mlflow.log_metric("val/loss", loss + shift + 0.1, step=epoch)
                mlflow.log_metric("val/acc", float(score), step=epoch)
    for file in store.rglob("meta.yaml"):  # paths and people of the machine that wrote it
        kept = [
            line for line in file.read_text().splitlines() if "uri" not in line and "location" not in line
        ]
        file.write_text("\n".join(line for line in kept if "user_id" not in line) + "\n")
    for name in ("tags", "artifacts", ".trash", "models", "outputs", "inputs"):
        for folder in list(store.rglob(name)):
            shutil.rmtree(folder)
    shutil.rmtree(store / "0", ignore_errors=True)


shutil.rmtree(HERE, ignore_errors=True)
HERE.mkdir()
net = write_scikit_learn()
write_pandas(net)
write_boosting()
write_tensorboard(net)
write_mlflow(net)
for library in (pd, sklearn, xgboost, lightgbm, tensorboardX, mlflow):
    print(library.__name__, library.__version__)
print(sys.version)
