"""The table of the panel: recall by fault, false alarms on healthy runs, beside trivial baselines."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from panel.members import FAULTY, HEALTHY, TUNED_ON, Member, locate

from dlpractice.diagnosis.logs.reading import read_log
from dlpractice.diagnosis.record import Record
from dlpractice.diagnosis.verdict import diagnose

Answer = Callable[[Record], list[str]]


def name_findings(record: Record) -> list[str]:
    """The findings of `dlp diagnose` at severity warning or above, in its order."""
    return [finding.name for finding in diagnose(record).worse_than("warning")]


def name_unrecorded(record: Record) -> list[str]:
    """The same without diagnostics.json."""
    assert record.run is not None
    return name_findings(replace(record, diagnostics=None))


def always_overfitting(record: Record) -> list[str]:
    """One answer to everything."""
    return ["overfitting"]


def relative_gap(record: Record) -> list[str]:
    """SageMaker Debugger's rule Overfit, with its default threshold."""
    train, val = (record.curves[name].values[-1] for name in ("loss", "val_loss"))
    return ["overfitting"] if (val - train) / max(train, 1e-12) > 0.1 else []


ANSWERS: dict[str, Answer] = {
    "`dlp diagnose`": name_findings,
    "without diagnostics": name_unrecorded,
    'always "overfitting"': always_overfitting,
    "(val - train) / train > 0.1": relative_gap,
}


@dataclass(frozen=True)
class Judged:
    """A run of a member, and what each of `ANSWERS` says of it."""

    member: Member
    seed: int
    said: dict[str, list[str]]

    def names_fault(self, by: str) -> bool:
        """Whether the first or the second finding names what was planted."""
        return bool(set(self.said[by][:2]) & set(self.member.names))


def judge(members: Iterable[Member], folder: Path) -> list[Judged]:
    """What is said of every run of `members` in `folder`."""
    judged = []
    for member in members:
        for seed in member.seeds:
            record = read_log(locate(folder, member, seed) / "run", {})
            judged.append(Judged(member, seed, {name: answer(record) for name, answer in ANSWERS.items()}))
    return judged


def list_rows(folder: Path) -> list[list[str]]:
    """The table's rows: for each fault, and for all, the runs in which it is named; then the false alarms."""
    faulty, healthy = judge(FAULTY, folder), judge(HEALTHY, folder)
    rows = []
    for member in FAULTY:
        own = [run for run in faulty if run.member is member]
        rows.append([member.name, *(_count(run.names_fault(by) for run in own) for by in ANSWERS)])
    for what, runs in _halves(faulty).items():
        rows.append(
            [f"**all faults, {what}**", *(_share(run.names_fault(by) for run in runs) for by in ANSWERS)]
        )
    for what, runs in _halves(healthy).items():
        alarms = (_share(bool(run.said[by]) for run in runs) for by in ANSWERS)
        rows.append([f"**alarms on healthy runs, {what}**", *alarms])
    return rows


def print_table(folder: Path) -> None:
    """The table in Markdown, on stdout, and the misses and alarms below it."""
    print("| " + " | ".join(["planted fault", *ANSWERS]) + " |")
    print("|---" * (1 + len(ANSWERS)) + "|")
    for row in list_rows(folder):
        print("| " + " | ".join(row) + " |")
    by = next(iter(ANSWERS))
    for run in judge(FAULTY, folder):
        if not run.names_fault(by):
            print(f"missed: {run.member.name}, seed {run.seed}: {', '.join(run.said[by]) or 'nothing'}")
    for run in judge(HEALTHY, folder):
        if run.said[by]:
            print(f"false alarm: {run.member.name}, seed {run.seed}: {', '.join(run.said[by])}")


def _halves(runs: list[Judged]) -> dict[str, list[Judged]]:
    return {
        "seeds of tuning": [run for run in runs if run.seed in TUNED_ON],
        "other seeds": [run for run in runs if run.seed not in TUNED_ON],
    }


def _count(hits: Iterable[bool]) -> str:
    found = list(hits)
    return f"{sum(found)}/{len(found)}"


def _share(hits: Iterable[bool]) -> str:
    found = list(hits)
    return f"{sum(found)}/{len(found)} ({sum(found) / len(found):.0%})"
