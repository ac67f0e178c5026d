"""Several runs read together: error against capacity, and error against the number of training examples."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.case import Case, Errors, Target, open_case
from dlpractice.diagnosis.extrapolation import FEWEST_SIZES, find_sizes, fit_families, predict_range
from dlpractice.diagnosis.finding import Finding
from dlpractice.diagnosis.intervals import difference
from dlpractice.diagnosis.run_logs import read_run
from dlpractice.diagnosis.verdict import Diagnosis, diagnose
from dlpractice.errors import RunError
from dlpractice.runs.directory import CONFIG, SWEEP
from dlpractice.runs.files import read_json

FRACTION = "data.fraction"
"""The key of a sweep over subsets of the training images."""
_FEWEST_SIZES_OF_NET = 3


@dataclass(frozen=True)
class Point:
    """The runs at one place of the axis, seeds averaged. place: parameters, a config's value, or images."""

    place: float
    train: float
    val: float
    n: int
    label: str


@dataclass(frozen=True)
class GroupDiagnosis:
    """What is said of runs that belong together. axis: what they differ in."""

    path: str
    axis: str
    verdict: str
    points: tuple[Point, ...]
    findings: tuple[Finding, ...] = ()
    runs: tuple[Diagnosis, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What `dlp diagnose --json` prints for several runs."""
        return {
            "verdict": self.verdict,
            "findings": [finding.to_json() for finding in self.findings],
            "run": self.path,
            "kind": f"several runs, by {self.axis}",
            "points": [vars(point) for point in self.points],
            "runs": [run.to_json() for run in self.runs],
        }


def diagnose_group(folder: Path, target_error: float | None = None) -> GroupDiagnosis:
    """Diagnoses the finished runs of a comparison or a sweep, one by one and together.

    Raises:
        RunError: there is no finished run in it.
    """
    records = [read_run(config.parent) for config in sorted(folder.glob(f"*/seed-*/{CONFIG}"))]
    records = [record for record in records if record.run is not None and record.run.summary is not None]
    if not records:
        raise RunError(f"{folder} has no finished run yet", "wait for the first, or name a single run")
    cases = [open_case(record, target_error) for record in records]
    key = str(read_json(folder / SWEEP).get("key", "")) if (folder / SWEEP).is_file() else ""
    axis = {"": "trained parameters", FRACTION: "training images"}.get(key, key)
    points = gather_points(cases, key)
    findings = [finding for finding in (_judge(points, key, axis, cases[0].target),) if finding is not None]
    verdict = (
        findings[0].evidence[0] if findings else f"Insufficient evidence: {len(points)} places on the axis."
    )
    runs = tuple(diagnose(record, target_error) for record in records)
    return GroupDiagnosis(str(folder), axis, verdict, tuple(points), tuple(findings), runs)


def gather_points(cases: Sequence[Case], key: str) -> list[Point]:
    """A point for each place on the axis, in order; runs without accuracies give none."""
    at: dict[float, list[tuple[Errors, Case]]] = defaultdict(list)
    for case in cases:
        if case.errors is not None:
            at[_place(case, key)].append((case.errors, case))
    return [
        Point(
            place,
            sum(errors.train for errors, _ in members) / len(members),
            sum(errors.val for errors, _ in members) / len(members),
            members[0][1].sizes[1] if members[0][1].sizes else 0,
            _label(members[0][1], key, place),
        )
        for place, members in sorted(at.items())
    ]


def _place(case: Case, key: str) -> float:
    if key == FRACTION:
        return float(case.run.count("train"))
    if key:
        return float(case.run.setting(key))
    return float((case.run.summary or {}).get("trainable_parameters", 0))


def _label(case: Case, key: str, place: float) -> str:
    return str(case.run.setting("strategy") or case.run.setting("method")) if not key else f"{place:g}"


def _judge(points: Sequence[Point], key: str, axis: str, target: Target | None) -> Finding | None:
    if key == FRACTION:
        return read_learning_curve(points, target)
    return read_capacity_curve(points, axis, key)


def read_capacity_curve(points: Sequence[Point], axis: str, key: str = "") -> Finding | None:
    """Where between too small and too big the best size lies; None below three sizes.

    A neighbour that validation does not tell from the best, at 95 %, counts as equally good.
    """
    if len(points) < _FEWEST_SIZES_OF_NET:
        return None
    best = min(range(len(points)), key=lambda place: (points[place].val, points[place].place))
    top = points[best]
    equal = [p for p in points if p.n == 0 or difference(p.val, p.n, top.val, top.n)[0] <= 0]
    sides = [("the smallest", points[0]), ("the largest", points[-1])]
    evidence = [f"the best size is {top.label} ({axis} {top.place:g}), validation error {top.val:.1%}"]
    for name, point in sides:
        if point is not top:
            evidence.append(
                f"{name}, {point.label}: training error {point.train:.1%}, validation error {point.val:.1%}"
            )
    if len(equal) > 1:
        evidence.append(
            f"validation does not tell it from {', '.join(p.label for p in equal if p is not top)}"
        )
    edge = {0: "smaller", len(points) - 1: "larger"}.get(best)
    remedy = f"try a {edge} one as well: the best stands at the edge" if edge else "take the best size"
    return Finding(
        "best size",
        "info",
        "high" if len(equal) == 1 else "medium",
        tuple(evidence),
        "seeds and schedules that suit some sizes better than others",
        remedy,
        (f"{key}={top.place:g}",) if key else (),
    )


def read_learning_curve(points: Sequence[Point], target: Target | None) -> Finding | None:
    """What more data would bring, as a range over families of curves; None below four sizes."""
    sizes, errors = [point.place for point in points], [point.val for point in points]
    fits = fit_families(sizes, errors, points[-1].n or 1) if len(points) >= FEWEST_SIZES else []
    if not fits:
        return None
    largest = max(sizes)
    low, high = predict_range(fits, 2 * largest)
    evidence = [
        f"twice the data ({2 * largest:,.0f} images) would bring the validation error from {errors[-1]:.1%} "
        f"to between {low:.1%} and {high:.1%}",
        f"over {', '.join(fit.family for fit in fits)}, fitted to {len(points)} sizes",
    ]
    if target is not None:
        evidence.append(_describe_need(*find_sizes(fits, target.error), target.error))
    return Finding(
        "learning curve",
        "info",
        "medium",
        tuple(evidence),
        "subsets that are not like what would be collected",
        "more data, as far as the range says that it pays",
        (),
    )


def _describe_need(least: float | None, most: float | None, error: float) -> str:
    if least is None:
        return f"no family reaches the target of {error:.1%}, be it with a thousand times the data"
    upper = "out of reach" if most is None else f"{most:,.0f}"
    return f"the target of {error:.1%} takes {least:,.0f} images at least; at most: {upper}"
