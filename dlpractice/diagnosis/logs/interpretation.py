"""From a table to a record: which columns are which curves, when they were measured, and in which units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlpractice.diagnosis.logs.clocks import Times, align, name_clock, read_times
from dlpractice.diagnosis.logs.columns import Source, assign, find_adversaries
from dlpractice.diagnosis.logs.long_form import spread_splits
from dlpractice.diagnosis.logs.phases import Phase, choose_phase
from dlpractice.diagnosis.logs.table import Ints, Table
from dlpractice.diagnosis.logs.units import read_shares
from dlpractice.diagnosis.record import Curve, Floats, Record
from dlpractice.errors import RunError

Pair = tuple[Floats, Floats]


def interpret(table: Table, mapping: Mapping[str, str]) -> Record:
    """The record of a log. mapping: curve -> column, for columns without one of the usual names.

    Raises:
        RunError: there is no loss and no accuracy, a cell of one is no number, or `mapping` names what is not
            there.
    """
    if not table.length and (table.columns or table.texts):
        raise RunError(
            f"{table.path} has names of columns, and no rows", "let the training go on, and try again"
        )
    table = spread_splits(table)
    counts = {
        name: len(column.rows)
        for name, column in table.columns.items()
        if name_clock(name) is None and (len(column.rows) or column.flaw)
    }
    chosen = assign(counts, mapping, table.path)
    if not chosen.keys() - {"learning_rate"}:
        if adversaries := find_adversaries(counts):
            raise RunError(
                f"{table.path} cannot be judged: {', '.join(adversaries)} are losses of two nets that work "
                "against each other, of which neither falls to the end where all is well",
                "look at what is generated, or at a score of it; --column loss=COLUMN reads one of them",
            )
        has = ", ".join([*counts, *table.texts][:40]) or "none"
        raise RunError(f"{table.path} has no column of losses or accuracies; it has {has}", table.hint)
    _refuse_flaws(table, chosen)
    used = [source.column for source in chosen.values()]
    times = read_times(table, {curve: source.column for curve, source in chosen.items()})
    phase = choose_phase(table, times, used)
    pairs, averaged = {}, 1
    for curve, source in chosen.items():
        column = table.columns[source.column].keep(phase.rows)
        if len(column.rows):
            rows, values = _drop_gaps(curve, column.rows, column.values)
            merged = _merge(times, rows, values)
            pairs[curve], averaged = merged.pair, max(averaged, merged.most)
    notes = [*table.notes, *([phase.note] if phase.note else []), *_list_guesses(chosen)]
    if averaged > 1:
        notes.append(f"the values of an epoch were averaged, up to {averaged} of them")
    if times.loose:
        pairs, ratio = align(pairs)
        if ratio is not None:
            notes.append(
                f"training was counted apart from validation: {ratio:g} of its values were taken for an epoch"
            )
            times = Times(times.times * ratio, "epoch", times.times * ratio)
    trained = _count_trained(times, table, used, phase)
    pairs, more = read_shares(table.path, pairs, chosen)
    return Record(
        path=table.path,
        kind=table.kind,
        curves={name: Curve(tuple(at.tolist()), tuple(v.tolist())) for name, (at, v) in pairs.items()},
        unused=tuple(name for name in [*counts, *table.texts] if name not in used),
        notes=(*notes, *more),
        clock=times.clock,
        columns={curve: source.column for curve, source in chosen.items()},
        epochs=trained["epochs"],
        steps=trained["steps"],
    )


def _count_trained(times: Times, table: Table, used: Sequence[str], phase: Phase) -> dict[str, float | None]:
    """How many epochs and steps were trained: the highest that some curve was measured at."""
    rows = np.zeros(table.length, np.bool_)
    for name in used:
        rows[table.columns[name].rows] = True
    found = {}
    for clock, counted in (("epochs", times.epochs), ("steps", times.steps)):
        own = counted[rows & phase.rows] if counted is not None else np.zeros(0)
        found[clock] = float(np.nanmax(own)) if np.isfinite(own).any() else None
    return found


def _refuse_flaws(table: Table, chosen: Mapping[str, Source]) -> None:
    for source in chosen.values():
        if (flaw := table.columns[source.column].flaw) is not None:
            place, cell = flaw
            raise RunError(f"{place} {source.column} must be a number; got {cell!r}", table.hint)


def _list_guesses(chosen: Mapping[str, Source]) -> list[str]:
    """What was assumed; the same for two columns is said once."""
    guesses: dict[str, list[str]] = {}
    for source in chosen.values():
        if source.guess:
            guesses.setdefault(source.guess.removeprefix(source.column), []).append(source.column)
    return [
        " and ".join(names) + (text.replace(" was ", " were ", 1) if len(names) > 1 else text)
        for text, names in guesses.items()
    ]


def _drop_gaps(curve: str, rows: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Leaves out NaN between the numbers of a validation that was made now and then; NaN at the end stay."""
    finite = np.flatnonzero(~np.isnan(values))
    if not curve.startswith("val_") or not len(finite):
        return rows, values
    kept = ~np.isnan(values) | (np.arange(len(values)) > finite[-1])
    return rows[kept], values[kept]


@dataclass(frozen=True)
class _Merged:
    pair: Pair
    most: int


def _merge(times: Times, rows: Ints, values: Floats) -> _Merged:
    """A column as a curve, whose times rise. Of several values for one epoch the mean is taken, and of
    several for one step the last."""
    at = times.times[rows]
    known = ~np.isnan(at)
    at, values = at[known], values[known]
    order = np.argsort(at, kind="stable")
    at, values = at[order], values[order]
    unique, first, counts = np.unique(at, return_index=True, return_counts=True)
    if len(unique) == len(at):
        return _Merged((at, values), 1)
    if times.clock != "epoch":
        return _Merged((unique, values[first + counts - 1]), 1)
    return _Merged((unique, np.add.reduceat(values, first) / counts), int(counts.max()))
