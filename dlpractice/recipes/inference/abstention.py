"""Answers that are not given: from which confidence on, and how right the others are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.errors import ModelError
from dlpractice.recipes.run.model_note import Selection

if TYPE_CHECKING:  # it needs TensorFlow
    from dlpractice.recipes.inference.trained_classifier import TrainedClassifier

UNSURE = "unsure"
"""What is answered below the threshold."""


@dataclass(frozen=True)
class Abstention:
    """Confidences below `threshold` get no answer. selection: what validation images say of the others; None
    where nothing is known of them."""

    threshold: float
    selection: Selection | None


def choose_abstention(
    classifier: "TrainedClassifier", min_confidence: float | None, coverage: float | None
) -> Abstention | None:
    """From which confidence on there are answers: `min_confidence`, or that of the surest share `coverage` of
    validation images; None where neither is given.

    What validation says of a confidence between two that were kept is what it says of the lower one, with at
    most a hundredth more of the images.

    Raises:
        ModelError: a coverage is asked for, and the model was made before its confidence was calibrated; or
            one of its classes is called `unsure`.
    """
    if min_confidence is None and coverage is None:
        return None
    if UNSURE in classifier.class_names:
        raise ModelError(f"the model has a class called {UNSURE}", "rename the class, and train again")
    known = classifier.calibration.coverage if classifier.calibration else ()
    if coverage is not None:
        if not known:
            raise ModelError(
                "which confidence that coverage needs is not known: the model was made before it was kept",
                "train it again, or give --min-confidence",
            )
        chosen = [one for one in known if one.coverage >= coverage][-1]
        return Abstention(chosen.threshold, chosen)
    assert min_confidence is not None
    below = [one for one in known if one.threshold <= min_confidence] or list(known[:1])
    return Abstention(min_confidence, below[-1] if below else None)


def describe_answer(
    class_names: Sequence[str],
    probabilities: NDArray[np.float32],
    top: int,
    threshold: float | None = None,
) -> dict[str, Any]:
    """What (K,) probabilities say of an image: predicted, confidence in [0, 1] and `top`.

    Args:
        top: how many of the likeliest classes are named at most.
        threshold: with a confidence below it `predicted` is `unsure`; `top` is as it is. None: never.
    """
    ranked = probabilities.argsort()[::-1][:top]
    best = [{"label": class_names[k], "confidence": float(probabilities[k])} for k in ranked]
    confidence = best[0]["confidence"]
    sure = threshold is None or confidence >= threshold
    return {"predicted": best[0]["label"] if sure else UNSURE, "confidence": confidence, "top": best}
