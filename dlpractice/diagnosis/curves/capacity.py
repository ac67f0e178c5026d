"""The best of several sizes or values, by the training and validation errors of runs that differ in it.

The lecture's picture: a model that is too small has high errors on both, one that is too big a low training
error and a high validation error, and the optimum lies in between (Dudar 2018). An optimum is claimed only
where validation tells it from its sides; intervals hold for all comparisons together.
"""

from collections.abc import Sequence

from dlpractice.diagnosis.curves.point import Point, subtract_errors
from dlpractice.diagnosis.finding import Confidence, Finding
from dlpractice.statistics.equivalence import describe_relations, relate
from dlpractice.statistics.quantiles import shared_z
from dlpractice.statistics.shares import wilson

FEWEST_POINTS = 3


def read_capacity_curve(points: Sequence[Point], axis: str, key: str = "") -> Finding | None:
    """Says which size or value is the best, and which ones are worse by more than noise.

    points: in the order of the axis. axis: what the runs differ in, in words. key: the key of the config that
    was varied, for the remedy; "" in a comparison of strategies. None for fewer than three points.
    """
    if len(points) < FEWEST_POINTS:
        return None
    best = min(range(len(points)), key=lambda place: (points[place].val, place))
    # The lowest of k is picked after looking, so that all k (k - 1) / 2 pairs were compared.
    top, z = points[best], shared_z(len(points) * (len(points) - 1) // 2)
    worse = [place for place, point in enumerate(points) if subtract_errors(point, top, z)[0] > 0]
    equal = [place for place in range(len(points)) if place not in worse]
    same = [place for place in equal if place == best or _is_as_good(points[place], top, z)]
    below, above = [p for p in worse if p < best], [p for p in worse if p > best]
    is_size = len({point.parameters for point in points}) > 1
    chosen = points[same[0]] if is_size else top
    return Finding(
        "best size" if is_size else "best value",
        "info",
        _judge_confidence(bool(below), bool(above), len(equal)),
        (
            _conclude(points, best, below, above, equal),
            *(
                _describe_side(points[place], top, is_size)
                for place in (0, len(points) - 1)
                if place in worse
            ),
            *_describe_equal(points, best, equal, z),
        ),
        "other seeds; schedules that suit some values better than others",
        _advise(points, best, below, above, chosen.label, axis),
        (f"{key}={chosen.label}",) if key else (),
    )


def _judge_confidence(below: bool, above: bool, equal: int) -> Confidence:
    if below and above:
        return "high" if equal == 1 else "medium"
    return "medium" if below or above else "low"


def _conclude(
    points: Sequence[Point], best: int, below: Sequence[int], above: Sequence[int], equal: Sequence[int]
) -> str:
    """The sentence of the verdict; it claims an optimum only where points on both sides of it are worse."""
    top = points[best]
    low, high = wilson(top.val, top.trials) if top.trials else (0.0, 1.0)
    error = f"validation error {top.val:.1%} ({low:.1%} to {high:.1%})"
    if below and above:
        return f"the best lies between: {top.label}, {error}; both ends are worse by more than noise"
    if below:
        return (
            f"{points[below[-1]].label} is too small; from {points[equal[0]].label} on, validation tells "
            f"nothing apart: the lowest is {top.label}, {error}"
        )
    if above:
        return (
            f"{points[above[0]].label} is too much; up to {points[equal[-1]].label}, validation tells "
            f"nothing apart: the lowest is {top.label}, {error}"
        )
    return f"no optimum to be seen, validation tells none apart: the lowest is {top.label}, {error}"


def _describe_side(point: Point, top: Point, is_size: bool) -> str:
    text = f"{point.label}: training error {point.train:.1%}, validation error {point.val:.1%}"
    if not is_size:
        return text
    return f"{text}: {'underfits' if point.train - top.train > point.val - point.train else 'overfits'}"


def _describe_equal(points: Sequence[Point], best: int, equal: Sequence[int], z: float) -> list[str]:
    """Which points are shown to be as good as the best, and which ones are merely not shown to be worse."""
    top = points[best]
    named = {
        points[place].label: (_invert(subtract_errors(points[place], top, z)), float(points[place].n))
        for place in equal
        if place != best
    }
    return describe_relations(named, top.label)


def _invert(interval: tuple[float, float]) -> tuple[float, float]:
    """The interval of a difference of accuracies, from that of errors."""
    return -interval[1], -interval[0]


def _is_as_good(point: Point, top: Point, z: float) -> bool:
    return relate(subtract_errors(point, top, z)) == "as good"


def _advise(
    points: Sequence[Point], best: int, below: Sequence[int], above: Sequence[int], chosen: str, axis: str
) -> str:
    if not below and not above:
        return f"more validation images or seeds, or values further apart; until then {chosen}, the lowest"
    edge = {0: "less", len(points) - 1: "more"}.get(best)
    if edge is not None and not (below and above):
        return f"take {chosen}; the lowest error stands at the edge: {edge} ({axis}) is worth a try"
    return f"take {chosen}"
