"""The best of several settings that lie on no line: combinations of values of several keys."""

from collections.abc import Mapping, Sequence

from dlpractice.diagnosis.curves.point import Point, subtract_errors
from dlpractice.diagnosis.finding import Confidence, Finding
from dlpractice.statistics.quantiles import shared_z
from dlpractice.statistics.shares import wilson


def read_best_setting(points: Sequence[Point], overrides: Mapping[str, tuple[str, ...]]) -> Finding | None:
    """Says which setting has the lowest validation error, and how many others are worse by more than noise.

    overrides: by the label of a point, what sets it in a config. None for fewer than two points.
    """
    if len(points) < 2:
        return None
    top = min(points, key=lambda point: (point.val, point.place))
    # The lowest of k is picked after looking, so that all k (k - 1) / 2 pairs were compared.
    z, others = shared_z(len(points) * (len(points) - 1) // 2), len(points) - 1
    worse = sum(subtract_errors(point, top, z)[0] > 0 for point in points if point is not top)
    low, high = wilson(top.val, top.trials) if top.trials else (0.0, 1.0)
    confidence: Confidence = "high" if worse == others else "medium" if worse else "low"
    return Finding(
        "best setting",
        "info",
        confidence,
        (
            f"the lowest of {len(points)}: {top.label}, validation error {top.val:.1%} "
            f"({low:.1%} to {high:.1%})",
            f"validation tells {worse} of the {others} others from it: they are worse by more than noise",
        ),
        "other seeds; a choice among many that fits these validation images by chance",
        f"take {top.label}",
        overrides.get(top.label, ()),
    )
