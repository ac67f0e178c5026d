"""Whether the top remedy of each faulty run beats a random one on validation, at equal steps."""

from dataclasses import dataclass
from pathlib import Path

from panel.members import FAULTY, SEEDS, Member, locate, planted

from dlpractice.diagnosis.logs.reading import read_log
from dlpractice.diagnosis.verdict import diagnose
from dlpractice.errors import RunError
from dlpractice.recipes.diagnose import trial
from dlpractice.runs.comparison_folder import Trial


@dataclass(frozen=True)
class Tried:
    """Differences in validation accuracy of the remedy to the random one and to the run itself; `why` not,
    where nothing could be tried."""

    member: Member
    seed: int
    to_random: float | None = None
    to_before: float | None = None
    why: str = ""


def try_remedy(member: Member, seed: int, folder: Path) -> Tried:
    """The trial of one run, with its fault in place; a finished one is read again."""
    place = locate(folder, member, seed)
    findings = [finding.to_json() for finding in diagnose(read_log(place / "run", {})).findings]
    try:
        with planted(member), Trial.resume_or_create(place / "try") as opened:
            document = trial.run(place / "run", findings, opened)
    except RunError as error:
        return Tried(member, seed, why=error.message.replace(str(place / "run"), "the run"))
    other = document["to_random"]
    return Tried(
        member,
        seed,
        None if other is None else other["accuracy"]["value"],
        document["to_before"]["accuracy"]["value"],
    )


def print_trials(folder: Path, seeds: tuple[int, ...] = SEEDS) -> None:
    """A row for each fault, in Markdown on stdout."""
    tried = [try_remedy(member, seed, folder) for seed in seeds for member in FAULTY]
    print("| planted fault | remedy - random, points on validation | remedy - before |\n|---|---|---|")
    for member in FAULTY:
        own = [one for one in tried if one.member is member]
        if any(one.to_before is not None for one in own):
            cells = ([getattr(one, key) for one in own] for key in ("to_random", "to_before"))
            print(f"| {member.name} | {' | '.join(_show(values) for values in cells)} |")
        else:
            print(f"| {member.name} | {own[0].why} | |")
    compared = [one.to_random for one in tried if one.to_random is not None]
    won = sum(value > 0 for value in compared)
    print(f"| **the remedy is better** | {won}/{len(compared)} ({won / max(1, len(compared)):.0%}) | |")


def _show(values: list[float | None]) -> str:
    return ", ".join("none" if value is None else f"{100 * value:+.1f}" for value in values)
