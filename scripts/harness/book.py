"""What was tried, as JSON lines, and the table of it."""

import json
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.case import INTERNAL, LOST, OUTCOMES, Case, Outcome


class Book:
    """The results of one part in a folder: PART.jsonl. A case that was as promised is not tried again."""

    def __init__(self, folder: Path, part: str, seed: int) -> None:
        self._folder, self._part, self._seed = folder, part, seed
        self._file = folder / f"{part}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)

    def rows(self) -> list[dict[str, Any]]:
        """The last result of each case and seed."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        rows = (json.loads(line) for line in lines)
        return list({(row["name"], row["seed"]): row for row in rows}.values())

    def try_all(self, cases: Iterable[Case]) -> bool:
        """Tries what has no good result yet; true if all is as promised."""
        done = {row["name"] for row in self.rows() if row["seed"] == self._seed and row["good"]}
        good = True
        for case in cases:
            if case.name not in done:
                good &= self._try(case)
        return good

    def _try(self, case: Case) -> bool:
        place = self._folder / "work" / self._part / case.name.replace("/", "_").replace(" ", "_")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        started = time.perf_counter()
        try:
            outcome = case.run(place)
        except (AssertionError, OSError, ValueError, KeyError) as error:  # one case does not end the rest
            outcome = Outcome(LOST, f"the trial itself failed: {type(error).__name__}: {error}")
        good = outcome.what in case.wanted
        row = {"part": self._part, "kind": case.kind, "name": case.name, "seed": self._seed}
        row |= asdict(outcome) | {"good": good, "seconds": round(time.perf_counter() - started, 1)}
        with self._file.open("a") as file:
            file.write(json.dumps(row) + "\n")
        mark = "  " if good else "! "
        print(f"{mark}{self._part}: {case.name}: {outcome.what} {outcome.detail[:160]}", file=sys.stderr)
        if good:
            shutil.rmtree(place, ignore_errors=True)
        return good


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """The results of all parts."""
    files = sorted(folder.glob("*.jsonl"))
    return [row for file in files for row in Book(folder, file.stem, 0).rows()]


def print_table(rows: list[dict[str, Any]], parts: Iterable[str]) -> None:
    """In Markdown, a row for each kind of fault, on stdout."""
    print(f"| fault | tries | {' | '.join(OUTCOMES)} |")
    print(f"|---|---{'|---' * len(OUTCOMES)}|")
    total: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    for part in parts:
        own = [row for row in rows if row["part"] == part]
        for kind in dict.fromkeys(row["kind"] for row in own):
            counts = dict.fromkeys(OUTCOMES, 0)
            for row in own:
                if row["kind"] == kind:
                    counts[row["what"]] += row["tries"]
            total = {what: total[what] + counts[what] for what in OUTCOMES}
            print(_line(f"{part}: {kind}", counts))
    print(_line("**all**", total))


def _line(name: str, counts: dict[str, int]) -> str:
    cells = " | ".join(f"{count:,}" if count else "" for count in counts.values())
    return f"| {name} | {sum(counts.values()):,} | {cells} |"


def print_bad(rows: list[dict[str, Any]]) -> None:
    """What was not as promised, on stderr."""
    for row in rows:
        if not row["good"] or row["what"] in (INTERNAL, LOST):
            print(f"{row['part']}: {row['name']} (seed {row['seed']}): {row['detail']}", file=sys.stderr)
