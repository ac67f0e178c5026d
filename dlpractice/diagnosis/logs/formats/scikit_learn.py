"""What scikit-learn's nets keep of their epochs: `loss_curve_` and `validation_scores_`, as JSON."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import tabulate_lists
from dlpractice.diagnosis.logs.texts.json_shapes import find_lists
from dlpractice.diagnosis.logs.texts.json_text import is_document, read_document
from dlpractice.diagnosis.record import Record
from dlpractice.errors import RunError

_LOSS, _SCORES = "loss_curve_", "validation_scores_"


def find_curves(path: Path) -> Path | None:
    """`path` itself, where it is JSON with such lists."""
    if not is_document(path):
        return None
    try:
        lists = find_lists(read_document(path))
    except RunError:
        return None
    return path if any(name.rstrip("_") == _LOSS.rstrip("_") for name in lists) else None


def read_curves(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of such a file. The scores of a classifier are accuracies; those of a regression, which may
    be below zero, are not, and are left alone.

    Raises:
        RunError: a list holds something that is no number.
    """
    table = tabulate_lists(str(path), "scikit-learn net", find_lists(read_document(path)), row="epoch")
    names = {name.rstrip("_"): name for name in table.columns}
    known = {names[_LOSS.rstrip("_")]: "loss"}
    scores = names.get(_SCORES.rstrip("_"))
    notes = []
    if scores is not None:
        values = table.columns[scores].values
        if np.all((values >= 0) & (values <= 1)):
            known[scores] = "val_accuracy"
            notes.append(f"{scores} were taken for accuracies")
    return interpret(table.rename(known, *notes), mapping)


FORMAT = Format(
    name="scikit-learn net",
    words="a loss_curve_ of scikit-learn (.json)",
    recognised_by="a `.json` file with a list `loss_curve_`, and maybe `validation_scores_`",
    places=(Place(22, find_curves),),
    read=read_curves,
)
