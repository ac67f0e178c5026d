"""`dlp runs compare`: what was done differently, what came of it, and whether that is more than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlpractice.errors import PathError, RunError
from dlpractice.paths import exists, refuse_special
from dlpractice.runs.answers import Answers, Item, compose_names, read_answers
from dlpractice.runs.directory import PREDICTIONS, SPLITS, RunDirectory
from dlpractice.runs.listing import list_run_paths
from dlpractice.statistics.measure import Measure

ABSENT = "(absent)"
"""Stands for the value of a key that a config does not have."""


def run(paths: Sequence[Path | str]) -> dict[str, Any]:
    """Set runs side by side. The first is the one the others are compared to.

    Returns:
        {"config": {"training.epochs": [30, 10], ...},
         "runs": [{"path", "finished", "results", "difference", "note"}, ...],
         "passed_over": ["comparison.json", ...],
         "unreadable": [{"path", "problem"}, ...]}
        `config` has the keys that differ, with a value per run; `difference` is the paired difference of the
        accuracies on test to the first run, None where there is none, and then `note` says why. A damaged run
        is unreadable, and the others are compared.

    Raises:
        RunError: fewer than two runs that can be read.
        PathError: a path is that of a pipe, a socket or a device.
    """
    found, passed_over = expand_paths(paths)
    sides, damaged = [], {}
    for path in found:
        try:
            sides.append(_open(path))
        except (RunError, PathError) as error:
            damaged[str(path)] = error
    if len(sides) < 2:
        if damaged:
            raise next(iter(damaged.values()))
        others = f"; no run is {', '.join(map(str, passed_over))}" if passed_over else ""
        hint = "`dlp runs ls` lists the runs there are"
        raise RunError(f"a comparison needs two runs or more{others}", hint)
    reference = sides[0]
    return {
        "config": differing_keys([side.config for side in sides]),
        "runs": [describe_run(side, None if side is reference else reference) for side in sides],
        "passed_over": [str(path) for path in passed_over],
        "unreadable": [{"path": path, "problem": error.message} for path, error in damaged.items()],
    }


@dataclass(frozen=True)
class Side:
    """A run of a comparison, read as a whole. results: those of its summary. asked: what it answered on test,
    each question with the sha256 of its image. Of an unfinished run there are neither."""

    run: RunDirectory
    config: Mapping[str, Any]
    results: Mapping[str, Any]
    answers: Answers | None
    asked: frozenset[tuple[Item, str]]


def _open(path: Path) -> Side:
    """Raises RunError where a file that the comparison needs is damaged."""
    run = RunDirectory.read(path)
    config = run.config_tree()
    if not run.is_finished:
        return Side(run, config, {}, None, frozenset())
    answers = read_answers(run, "test")
    return Side(run, config, run.summary().get("results", {}), answers, _identify(run, answers))


def expand_paths(paths: Sequence[Path | str]) -> tuple[list[Path], list[Path]]:
    """The runs that `paths` mean, so that a shell's `folder/*` will do.

    A folder above runs stands for all of them. What lies beside runs and is none, such as the table of a
    comparison, is passed over.

    Returns:
        the runs, in the order given, and what was passed over.
    """
    found: list[Path] = []
    passed_over = []
    for path in map(Path, paths):
        refuse_special(path)
        inside = list_run_paths(path)
        if inside == [path] or not exists(path):
            found.append(path)
        elif inside:
            found += [run for run in inside if run not in found]
        elif path.parent not in (beside := list_run_paths(path.parent)) and beside:
            passed_over.append(path)
        else:
            found.append(path)  # which will be refused, with the reason
    return found, passed_over


def differing_keys(trees: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The dotted keys whose values are not the same in all of `trees`, with the values in order."""
    flat = [_flatten(tree) for tree in trees]
    keys = dict.fromkeys(key for tree in flat for key in tree)
    values = {key: [tree.get(key, ABSENT) for tree in flat] for key in keys}
    return {key: row for key, row in values.items() if any(value != row[0] for value in row)}


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def describe_run(side: Side, reference: Side | None) -> dict[str, Any]:
    """The results of a run, and its paired difference on test to `reference` unless that is None."""
    difference, note = None, ""
    if side.answers is None:
        note = "not finished"
    elif reference is not None and reference.answers is None:
        note = "not compared: the first run is not finished"
    elif reference is not None:
        difference, note = difference_on_test(side, reference)
    return {
        "path": str(side.run.path),
        "finished": side.answers is not None,
        "results": side.results,
        "difference": difference.to_json() if difference else None,
        "note": note,
    }


def difference_on_test(side: Side, reference: Side) -> tuple[Measure | None, str]:
    """The paired difference in accuracy on test of two finished runs, `side` less `reference`; or None and
    why there is none.

    Images are the same if path, bytes (sha256) and label are. All of them must be: what two test sets share
    would be a third test set, which nobody chose. An image that is the query of several one-shot tasks counts
    once for each; the tasks and their order are the same for all runs on the same data.
    """
    ours, theirs = side.answers, reference.answers
    if ours is None or theirs is None or not (ours.items or theirs.items):
        return None, "not compared: no predictions on test"
    if different := len(side.asked ^ reference.asked):
        return None, f"not compared: {different:,} test images are not in both runs with the same label"
    return ours.difference(theirs), ""


def _identify(run: RunDirectory, answers: Answers) -> frozenset[tuple[Item, str]]:
    """What was asked, each with the sha256 of its image."""
    sha256 = {row["path"]: row["sha256"] for row in compose_names(run.splits())}
    if unknown := [item.path for item in answers.items if item.path not in sha256]:
        raise RunError(
            f"{run.path}: {PREDICTIONS} names {unknown[0]}, which {SPLITS} does not",
            "its files are of different runs: restore them from a copy",
        )
    return frozenset((item, sha256[item.path]) for item in answers.items)
