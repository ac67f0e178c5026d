"""Run directories of our own."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.record import CURVES, Curve, Record, RunFacts
from dlpractice.runs.directory import UNUSED, RunDirectory
from dlpractice.runs.listing import read_config_tree


def read_run(path: Path) -> Record:
    """The record of a run, finished or not. Its curves are those of its last stage: earlier ones only prepare
    the head for it.

    Raises:
        RunError: `path` is no run, or one of its files is damaged.
    """
    run = RunDirectory.read(path)
    config, rows = read_config_tree(run), run.metrics()
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
        diagnostics=run.diagnostics(),
        splits=tuple(row for row in run.splits() if row["split"] != UNUSED) if run.has_splits else (),
        predictions=tuple(run.predictions()) if finished else (),
    )
    return Record(
        path=str(path),
        kind="run directory",
        curves=_read_curves(last),
        run=facts,
        finished=finished,
        notes=_list_notes(rows, stage, finished),
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
    """The best row of the stages before: each stage keeps the epoch of the lowest validation loss, or what it
    began with where no epoch went below that."""
    scored = [row for row in before if row["val_loss"] is not None and math.isfinite(row["val_loss"])]
    return min(scored, key=lambda row: float(row["val_loss"]), default=None)


def _list_notes(rows: Sequence[Mapping[str, Any]], stage: str, finished: bool) -> tuple[str, ...]:
    notes = []
    if stages := list(dict.fromkeys(row["stage"] for row in rows if row["stage"] != stage)):
        notes.append(f"read the stage {stage}; before it: {', '.join(stages)}")
    if not finished:
        notes.append("the run has not finished; what it has logged so far was read")
    return tuple(notes)
