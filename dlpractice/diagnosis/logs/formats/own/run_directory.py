"""Run directories, as `dlp` writes them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.record import CURVES, Curve, Record, RunFacts
from dlpractice.errors import DlpError
from dlpractice.paths import exists, is_file, is_folder
from dlpractice.registry.strategies import AUTO
from dlpractice.runs.directory import CONFIG, METRICS, UNUSED, RunDirectory
from dlpractice.runs.listing import find_runs, list_run_paths


def find_run(path: Path) -> Path | None:
    """`path` itself, where it is a run directory; the run that it lies in, where it is a metrics.csv."""
    folder = path.parent if path.name == METRICS and is_file(path) else path
    return folder if exists(folder / CONFIG) else None


def find_above_runs(path: Path) -> Path | None:
    """`path` itself, where it is a folder above runs."""
    return path if is_folder(path) and list_run_paths(path) else None


def read_newest_run(path: Path) -> Record:
    """The record of the run that was written last, of those below the folder `path` that can be read.

    Raises:
        DlpError: none of them can be read.
    """
    problems: list[DlpError] = []
    for found in reversed(find_runs(path)):
        try:
            record = read_run(found.path)
        except DlpError as error:
            problems.append(error)
        else:
            notes = (f"a later run was passed over: {error.message}" for error in problems)
            return replace(record, notes=(*notes, *record.notes))
    raise problems[0]


def read_run(path: Path) -> Record:
    """The record of a run, finished or not.

    Its curves are those of its last stage, since earlier stages only prepare the head for that.

    Raises:
        RunError: `path` is no run, or one of its files is damaged.
    """
    run = RunDirectory.read(path)
    config, rows = run.config_tree(), run.metrics()
    stage = rows[-1]["stage"] if rows else ""
    last = [row for row in rows if row["stage"] == stage]
    finished = run.is_finished
    facts = RunFacts(
        command=str(config.get("command", "")),
        config=config,
        stage=stage,
        start=_find_start([row for row in rows if row["stage"] != stage]),
        summary=run.summary() if finished else None,
        audit=run.audit() if run.has_audit else None,
        splits=tuple(row for row in run.splits() if row["split"] != UNUSED) if run.has_splits else (),
        predictions=tuple(run.predictions()) if finished else (),
        was_chosen=_chose_strategy(run),
    )
    return Record(
        path=str(path),
        kind="run directory",
        curves=_read_curves(last),
        run=facts,
        finished=finished,
        notes=(*_list_notes(rows, stage, finished), *_tell_choice(run)),
        epochs=float(last[-1]["epoch"]) if last else None,
        diagnostics=run.diagnostics(),
        steps=max((float(row["step"]) for row in last if row["step"] is not None), default=None),
    )


def _read_curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    curves = {}
    for name in CURVES:
        kept = [(float(row["epoch"]), float(row[name])) for row in rows if row[name] is not None]
        if kept:
            at, values = zip(*kept, strict=True)
            curves[name] = Curve(at, values)
    return curves


def _find_start(before: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The row whose weights the last stage began with; None where it began with fresh ones.

    before: the rows of metrics.csv of all stages before the last. Each stage keeps the epoch of the lowest
    validation loss, or the weights that it began with where no epoch went below theirs. So the last stage
    began with the best row of them all.
    """
    scored = [row for row in before if row["val_loss"] is not None and math.isfinite(row["val_loss"])]
    return min(scored, key=lambda row: float(row["val_loss"]), default=None)


def _list_notes(rows: Sequence[Mapping[str, Any]], stage: str, finished: bool) -> tuple[str, ...]:
    notes = []
    if stages := list(dict.fromkeys(row["stage"] for row in rows if row["stage"] != stage)):
        notes.append(f"read the stage {stage}; before it: {', '.join(stages)}")
    if not finished:
        notes.append("the run has not finished; what it has logged so far was read")
    return tuple(notes)


def _chose_strategy(run: RunDirectory) -> bool:
    """Whether the config that the run was begun with left the strategy open."""
    asked = (run.choice() or {}).get("asked", "")
    return f"strategy: {AUTO}" in asked.splitlines()


def _tell_choice(run: RunDirectory) -> list[str]:
    """What the run's config left open, and why it became what it is."""
    choice = run.choice()
    if choice is None:
        return []
    return [f"auto chose {choice['reason']}" if "reason" in choice else "auto has not chosen yet"]


FORMAT = Format(
    name="run directory",
    words="a run directory",
    recognised_by=(
        "a folder with a `config.yaml` that `dlp` wrote, finished or not; of a folder above several, the one "
        "that was written last"
    ),
    places=(Place(0, find_run), Place(70, find_above_runs)),
    # The columns of our own runs have their names.
    read=lambda path, mapping: read_run(path) if find_run(path) else read_newest_run(path),
)
