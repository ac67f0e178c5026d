"""What XGBoost, LightGBM and CatBoost keep of their rounds: `evals_result`, as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.columns import split_words
from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import tabulate_lists
from dlpractice.diagnosis.logs.texts.json_text import is_document, read_document
from dlpractice.diagnosis.record import Record
from dlpractice.errors import RunError

_LOSSES: tuple[str, ...] = (
    "logloss",
    "mlogloss",
    "binary_logloss",
    "multi_logloss",
    "crossentropy",
    "multiclass",
    "rmse",
    "mae",
)
_LOSSES += ("mse", "l1", "l2", "poisson")
_ERRORS = ("error", "merror", "binary_error", "multi_error", "zeroonloss")
_OTHERS = ("auc", "aucpr", "map", "ndcg", "accuracy", "f1", "mape", "gamma", "huber", "quantile", "tweedie")
_TRAINING = ("validation_0", "training", "train", "learn", "dtrain")
_WORDS = {"validation", "valid", "training", "train", "learn", "eval", "test", "dtrain", "dtest", "dval"}


def find_result(path: Path) -> Path | None:
    """`path` itself, where it is JSON with lists of such metrics for each data set."""
    return path if is_document(path) and _read(path) is not None else None


def _read(path: Path) -> Mapping[str, Mapping[str, Any]] | None:
    try:
        document = read_document(path)
    except RunError:
        return None
    if not isinstance(document, dict) or not document:
        return None
    sets = {
        name: metrics
        for name, metrics in document.items()
        if isinstance(metrics, dict) and _are_metrics(metrics)
    }
    named = all(set(split_words(str(name))) & _WORDS for name in sets)
    return sets if sets and named and len(sets) == len(document) else None


def _are_metrics(metrics: Mapping[str, Any]) -> bool:
    known = [*_LOSSES, *_ERRORS, *_OTHERS]
    lists = all(isinstance(values, list) for values in metrics.values())
    return bool(metrics) and lists and any(_normalise(name) in known for name in metrics)


def _normalise(metric: str) -> str:
    return str(metric).lower().partition("@")[0].partition(":")[0]


def read_result(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of such a file. Of two sets `validation_0` is the training set, as it is in most programs.

    Raises:
        RunError: there is no loss among the metrics.
    """
    sets = _read(path) or {}
    names = list(sets)
    training = next((name for name in _TRAINING if name in names), "") if len(names) > 1 else ""
    columns, notes = {}, []
    for name, metrics in sets.items():
        split = "train" if name in ("training", "train", "learn", "dtrain") or name == training else "val"
        if split not in name:
            notes.append(f"{name} was taken for {'training' if split == 'train' else 'validation'}")
        for metric, values in metrics.items():
            columns[
                f"{split}/{name}/{_rename(metric)}" if split == "val" else f"{split}/{_rename(metric)}"
            ] = values
    columns = _shorten(columns)
    table = tabulate_lists(str(path), "boosting rounds", columns, row="step", notes=tuple(notes))
    return interpret(table, mapping)


def _shorten(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Names of validation without that of the set; of several sets the last one is validation."""
    return {
        name if name.count("/") < 2 else f"val/{name.rpartition('/')[2]}": v for name, v in columns.items()
    }


def _rename(metric: str) -> str:
    """A metric as it is known elsewhere: the share of wrong answers, or a loss."""
    plain = _normalise(metric)
    return "error_rate" if plain in _ERRORS else "loss" if plain in _LOSSES[:6] else metric


FORMAT = Format(
    name="boosting rounds",
    words="a JSON of evals_result (XGBoost, LightGBM, CatBoost)",
    recognised_by=(
        "a `.json` file with an object for each data set, such as `validation_0`, and in it lists of "
        "`logloss` and the like: `json.dump(model.evals_result(), file)`"
    ),
    places=(Place(24, find_result),),
    read=read_result,
)
