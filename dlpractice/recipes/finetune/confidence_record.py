"""How sure a finished net's answers may call themselves, by its validation images."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.statistics.calibration import (
    bin_answers,
    calibration_error,
    fit_temperature,
    select_answers,
    soften,
    soften_across,
)


def calibrate(
    logits: NDArray[np.float32], labels: NDArray[np.int64], bound: Sequence[str]
) -> dict[str, Any] | None:
    """What summary.json holds as `calibration`, from the (N, K) logits of the validation images.

    `temperature` is fitted to all of them. What is said of its effect is of confidences that were softened by
    a temperature from other images, so that no image is judged by one that it had a part in. The same images
    chose the epoch, which this does not undo.

    labels: (N,) in [0, K). bound: (N,) what each image is bound to. Of a net that diverged to logits that are
    no numbers there is nothing to say: None.
    """
    if not np.isfinite(logits).all():
        return None
    correct = logits.argmax(axis=1) == labels
    before = soften(logits, 1.0).max(axis=1)
    after = soften_across(logits, labels, bound).max(axis=1)
    return {
        "temperature": fit_temperature(logits, labels),
        "n": len(labels),
        "error_before": calibration_error(before, correct, bound).to_json(),
        "error_after": calibration_error(after, correct, bound).to_json(),
        "bins_before": [asdict(one) for one in bin_answers(before, correct)],
        "bins_after": [asdict(one) for one in bin_answers(after, correct)],
        "coverage": [
            asdict(one) | {"accuracy": one.accuracy.to_json()}
            for one in select_answers(after, correct, bound)
        ],
    }
