"""From the similarities of validation pairs to the last layer of a one-shot net, its verdict."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.config.schema import Oneshot
from dlpractice.data.audit.drawings_audit import DRAWINGS
from dlpractice.data.files.index_items import RECORDINGS
from dlpractice.data.oneshot.class_split import ClassSplit
from dlpractice.data.oneshot.query_files import Kind
from dlpractice.models.siamese import Verdict
from dlpractice.statistics.roc import Threshold


def fit_verdict(
    config: Oneshot,
    class_split: ClassSplit,
    scores: NDArray[np.floating[Any]],
    same: NDArray[np.bool_],
    threshold: Threshold,
) -> Verdict:
    """The layer that turns a similarity into a probability and a decision, fitted to validation pairs.

    Args:
        scores: (P,) similarities of the pairs; same: (P,) whether both images are of one class.
        threshold: the similarity from which on a pair is taken for the same.
    """
    from sklearn.linear_model import LogisticRegression

    # Standardised first, since the fit is regularised; both kinds of pairs are equally many.
    middle, spread = float(scores.mean()), float(scores.std()) or 1.0
    fit = LogisticRegression(C=100.0).fit(((scores - middle) / spread)[:, None], same)
    slope = float(fit.coef_[0, 0]) / spread
    return Verdict(
        slope=slope,
        intercept=float(fit.intercept_[0]) - slope * middle,
        threshold=threshold.value,
        false_accept_rate=config.evaluation.false_accept_rate,
        kind=_find_kind(config, class_split),
        side=class_split.evaluation.pixels.shape[1],
        resize=config.data.resize,
        background=config.data.background,
    )


def _find_kind(config: Oneshot, class_split: ClassSplit) -> Kind:
    if config.data.source in DRAWINGS:
        return "drawings"
    return "recordings" if RECORDINGS.fits(class_split.evaluation.paths[0]) else "images"
