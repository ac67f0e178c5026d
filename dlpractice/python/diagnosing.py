"""`dlp diagnose` as a function, which takes a Keras history as well."""

from __future__ import annotations

from collections.abc import Mapping
from os import fspath
from pathlib import Path
from typing import Any

from dlpractice.python.replies import Findings


def diagnose(
    training: Any,
    *,
    target_error: float | None = None,
    classes: int | None = None,
) -> Findings:
    """Says what is wrong with a training, how sure that is, and what to change.

    Args:
        training: the path of a run, of a folder of runs or of another library's log; what Keras's `fit` gives
            back; or a dictionary with a list of numbers for each curve, such as `loss` and `val_loss`.
        target_error: the error that could be reached, in [0, 1]; else the best known for the data set.
        classes: how many classes somebody else's log is about.

    Raises:
        RunError: there is nothing to judge.
    """
    from dlpractice.diagnosis.logs.formats.json_history import read_history
    from dlpractice.diagnosis.logs.reading import holds_several, read_log
    from dlpractice.diagnosis.verdict import diagnose as judge

    curves = getattr(training, "history", training)
    if isinstance(curves, Mapping):
        plain = {str(name): [float(value) for value in values] for name, values in curves.items()}
        record = read_history(Path("history"), plain, {})
    else:
        path = Path(fspath(training))
        if holds_several(path):
            from dlpractice.diagnosis.several_runs import diagnose_group

            return _answer(diagnose_group(path, target_error).to_json())
        record = read_log(path, {})
    return _answer(judge(record, target_error, classes).to_json())


def _answer(document: Mapping[str, Any]) -> Findings:
    return Findings(document["verdict"], tuple(document["findings"]), document)
