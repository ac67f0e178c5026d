"""Several runs read together: those of a comparison, a sweep over keys of the config, a search, or folds."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from dlpractice.diagnosis.case import Case, Errors, Target, open_case
from dlpractice.diagnosis.curves.best_setting import read_best_setting
from dlpractice.diagnosis.curves.capacity import read_capacity_curve
from dlpractice.diagnosis.curves.extrapolation import FEWEST_SIZES, find_sizes, fit_families, predict_range
from dlpractice.diagnosis.curves.fold_spread import read_folds
from dlpractice.diagnosis.curves.point import Point, subtract_errors
from dlpractice.diagnosis.finding import Finding
from dlpractice.diagnosis.logs.formats.own.run_directory import read_run
from dlpractice.diagnosis.verdict import Diagnosis, diagnose
from dlpractice.errors import DlpError, RunError
from dlpractice.paths import find_matching
from dlpractice.registry.strategies import AUTO
from dlpractice.runs.answers import Answers, average_answers
from dlpractice.runs.atomic_files import is_there
from dlpractice.runs.comparison_folder import Folds, Search, Sweep
from dlpractice.runs.directory import CONFIG
from dlpractice.statistics.quantiles import Z95
from dlpractice.statistics.shares import count_groups, wilson

FRACTION = "data.fraction"
"""The key of a sweep over subsets of the training images."""
_AXES = {"": "trained parameters", FRACTION: "training images", "data.fold": "folds"}
"""What runs differ in, in words, by the key that they differ in."""


@dataclass(frozen=True)
class GroupDiagnosis:
    """The answer of `dlp diagnose` about runs that belong together.

    axis: what the runs differ in, in words. points: one for each value on that axis, seeds averaged.
    findings: about the runs as a whole. runs: the diagnosis of each run. notes: which runs were left out, and
    why, as sentences.
    """

    path: str
    axis: str
    verdict: str
    points: tuple[Point, ...]
    findings: tuple[Finding, ...] = ()
    runs: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What `dlp diagnose --json` prints for several runs."""
        return {
            "verdict": self.verdict,
            "findings": [finding.to_json() for finding in self.findings],
            "run": self.path,
            "kind": f"several runs, by {self.axis}",
            "points": [point.to_json() for point in self.points],
            "runs": [run.to_json() for run in self.runs],
            "notes": list(self.notes),
        }


def diagnose_group(folder: Path, target_error: float | None = None) -> GroupDiagnosis:
    """Diagnoses the finished runs of such a folder, one by one and together. Damaged ones are left out.

    Raises:
        RunError: there is no finished run in it, or its table is damaged.
    """
    cases, runs, notes = [], [], []
    for config in find_matching(folder, f"*/seed-*/{CONFIG}"):
        try:
            record = read_run(config.parent)
            if record.run is None or record.run.summary is None:
                continue
            runs.append(diagnose(record, target_error))
        except DlpError as error:
            notes.append(f"left out: {error.message}")
        else:
            cases.append(open_case(record, target_error))
    if not runs:
        left_out = f" that can be read; {notes[0]}" if notes else " yet"
        raise RunError(f"{folder} has no finished run{left_out}", "wait for the first, or name a single run")
    kind = next((kind for kind in (Sweep, Search, Folds) if is_there(folder / kind.TABLE)), None)
    table = kind.read(folder).table() if kind is not None else {}
    key = str(table.get("key", ""))
    axis = _AXES.get(key, key.replace(",", ", "))
    points = gather_points(cases, key)
    finding: Finding | None
    if kind is Folds:
        finding = read_folds(table)
    elif len(keys := key.split(",")) > 1 or kind is Search:
        overrides = {
            _label(case, key): tuple(f"{one}={case.run.setting(one)}" for one in keys) for case in cases
        }
        finding = read_best_setting(points, overrides)
    elif key == FRACTION:
        finding = read_learning_curve(points, cases[0].target)
    else:
        finding = read_capacity_curve(points, axis, key)
    verdict = f"Insufficient evidence: {len(points)} different {axis}."
    if finding is not None:
        sentence = finding.evidence[0]
        verdict = f"{sentence[0].upper()}{sentence[1:]}."
    findings = (finding,) if finding is not None else ()
    return GroupDiagnosis(str(folder), axis, verdict, tuple(points), findings, tuple(runs), tuple(notes))


def gather_points(cases: Sequence[Case], key: str) -> list[Point]:
    """Averages the runs of each value of the config's `key`, or of each strategy or method where `key` is "".

    key: may be several keys, separated by commas; then of each combination of their values.

    Returns a point for each value, in the order of the axis. Runs without accuracies are left out.
    """
    at: dict[str, list[tuple[Errors, Case]]] = defaultdict(list)
    for case in cases:
        if case.errors is not None:
            at[_label(case, key)].append((case.errors, case))
    points = [
        Point(
            _place(members[0][1], key),
            fmean(errors.train for errors, _ in members),
            fmean(errors.val for errors, _ in members),
            _count(members[0][1]),
            members[0][1].trials[1] if members[0][1].trials else 0.0,
            label,
            _count_parameters(members[0][1]),
            count_groups(members[0][1].run.bound("validation")),
            average_runs([case for _, case in members]),
        )
        for label, members in at.items()
    ]
    return sorted(points, key=lambda point: (point.place, point.label))


def average_runs(cases: Sequence[Case]) -> Answers | None:
    """The mean answers to the validation images; None where there are none, or runs had different ones."""
    every = [case.run.answers("validation") for case in cases]
    if not every[0].items or not all(answers.has_questions_of(every[0]) for answers in every):
        return None
    return average_answers(every)


def _label(case: Case, key: str) -> str:
    if not key:
        name = str(case.run.setting("strategy") or case.run.setting("method"))
        return f"{AUTO} ({name})" if case.run.was_chosen else name
    keys = key.split(",")
    values = [case.run.setting(one) for one in keys]
    texts = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    if len(keys) == 1:
        return texts[0]
    return ", ".join(f"{one.rpartition('.')[2]} {text}" for one, text in zip(keys, texts, strict=True))


def _place(case: Case, key: str) -> float:
    """Where a run stands on the axis: at the value of `key` where that is a number, at its number of training
    images for a sweep over subsets of them, and else at the number of parameters that it trains."""
    if key == FRACTION:
        return float(case.run.count("train"))
    value = case.run.setting(key) if key else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return float(_count_parameters(case))


def _count(case: Case) -> int:
    """The number of validation images, or of the queries of validation tasks; 0 where that is not known."""
    if case.run.command == "oneshot":
        measure = ((case.run.summary or {}).get("results") or {}).get("val_accuracy") or {}
        return int(measure.get("n", 0))
    return case.run.count("validation")


def _count_parameters(case: Case) -> int:
    return int((case.run.summary or {}).get("trainable_parameters", 0))


def read_learning_curve(points: Sequence[Point], target: Target | None) -> Finding | None:
    """Says what more data would bring, as a range over families of curves; None for fewer than four sizes."""
    sizes, errors = [point.place for point in points], [point.val for point in points]
    fits = fit_families(sizes, errors, points[-1].trials or 1) if len(points) >= FEWEST_SIZES else []
    if not fits:
        return None
    last, before = points[-1], points[-2]
    low, high = predict_range(fits, 2 * last.place)
    ends = wilson(last.val, last.trials) if last.trials else (0.0, 1.0)
    change = subtract_errors(last, before, Z95)
    evidence = [
        f"twice the data ({2 * last.place:,.0f} images) would bring the validation error from {last.val:.1%} "
        f"({ends[0]:.1%} to {ends[1]:.1%}) to between {low:.1%} and {high:.1%}",
        f"from {before.place:,.0f} to {last.place:,.0f} images it changed by "
        f"{100 * (last.val - before.val):+.1f} points (95 % interval {100 * change[0]:+.1f} to "
        f"{100 * change[1]:+.1f})",
        f"over {', '.join(fit.family for fit in fits)}, fitted to {len(points)} sizes",
    ]
    if target is not None:
        evidence.append(_describe_need(*find_sizes(fits, target.error), target, last))
    return Finding(
        "learning curve",
        "info",
        "medium" if change[1] < 0 else "low",
        tuple(evidence),
        "subsets that are not like what would be collected; an error that is within its noise",
        "more data, as far as the range says that it pays"
        + ("" if target is not None else "; --target-error says how much a target takes"),
        (),
    )


def _describe_need(least: float | None, most: float | None, target: Target, last: Point) -> str:
    about = f"the target of {target.error:.1%} ({target.source})"
    if last.val <= target.error:
        return f"{about} is reached"
    if least is None:
        return f"{about} is reached by no family, be it with a thousand times the data"
    if most is None:
        return f"{about} takes {least:,.0f} images or more; not every family reaches it"
    return f"{about} takes between {least:,.0f} and {most:,.0f} images"
