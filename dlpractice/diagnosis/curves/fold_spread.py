"""How accurate the nets of a cross-validation are, and whether its folds differ by more than chance."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlpractice.diagnosis.finding import Finding

_SURE = 0.01
"""Of folds that are alike, so large a share would be called different."""


def read_folds(table: Mapping[str, Any]) -> Finding:
    """What folds.json says: the error of all images, its range over folds, and the class with most errors."""
    pooled, rows = table["accuracy"], table["rows"]
    errors = [1 - row["test_accuracy"]["value"] for row in rows]
    low, high = (1 - end for end in reversed(pooled["ci95"]))
    chance = _chance_of_spread(errors, [_count_trials(row["test_accuracy"]) for row in rows])
    worst = min(table["per_class"], key=lambda name: float(table["per_class"][name]["value"]))
    differ = chance < _SURE
    return Finding(
        "cross-validation",
        "warning" if differ else "info",
        "high" if differ else "medium",
        (
            f"{1 - pooled['value']:.1%} of {pooled['n']:,} images are wrong out of fold "
            f"({low:.1%} to {high:.1%})",
            f"over {len(rows)} folds from {min(errors):.1%} to {max(errors):.1%}: "
            + ("more than" if differ else "no more than")
            + f" chance makes of folds that are alike (p = {chance:.2g})",
            f"most errors are in {worst}: {1 - table['per_class'][worst]['value']:.1%} of its images",
        ),
        "folds of another split seed",
        "look what the images of the worst fold share, and name it as their group"
        if differ
        else "compare with other settings by the same folds",
        (),
    )


def _count_trials(accuracy: Mapping[str, Any]) -> float:
    """How many independent images a fold has: its groups, where images belong to groups."""
    return float(accuracy.get("groups") or accuracy["n"])


def _chance_of_spread(errors: Sequence[float], trials: Sequence[float]) -> float:
    """Pearson's chi-squared test: how often folds that are alike would differ as much."""
    from scipy.special import chdtrc

    mean = sum(error * count for error, count in zip(errors, trials, strict=True)) / sum(trials)
    if mean in (0, 1):
        return 1.0
    away = sum(
        count * (error - mean) ** 2 / (mean * (1 - mean)) for error, count in zip(errors, trials, strict=True)
    )
    return float(chdtrc(len(errors) - 1, away))
