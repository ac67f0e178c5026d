"""Runs faulty programs and their mended twins with `Diagnose`, and counts which causes are named."""

import contextlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
from panel.programs.program import Program

from dlpractice import Diagnose
from dlpractice.diagnosis.logs.reading import read_log
from dlpractice.diagnosis.verdict import diagnose


@dataclass(frozen=True)
class Judged:
    """What is said of a program: the warnings and errors of the faulty one, and of the mended one."""

    program: Program
    faulty: list[str]
    mended: list[str]

    @property
    def named(self) -> bool:
        """Whether the cause is the first or the second finding."""
        return bool(set(self.faulty[:2]) & set(self.program.names))


def judge(program: Program, folder: Path) -> Judged:
    """Trains the program, faulty and mended, where it is not in `folder` yet, and asks what is wrong."""
    return Judged(program, *(_judge_one(program, mended, folder) for mended in (False, True)))


def _judge_one(program: Program, mended: bool, folder: Path) -> list[str]:
    target = folder / program.train.__name__ / ("mended" if mended else "faulty")
    if not (target / "summary.json").is_file():
        keras.utils.set_random_seed(0)
        with contextlib.redirect_stdout(io.StringIO()):  # the verdict, which is asked for below
            program.train(mended, Diagnose(target))
    return [finding.name for finding in diagnose(read_log(target, {})).worse_than("warning")]


def tabulate(judged: Iterable[Judged]) -> list[str]:
    """The lines of a table in Markdown: of each program its fault, and what was said."""
    lines = [
        "| program | fault | answer | first | second | named | mended |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in judged:
        first, second = [*one.faulty, "-", "-"][:2]
        cells = (one.program.source, one.program.name, one.program.answer, first, second)
        named, mended = "yes" if one.named else "no", ", ".join(one.mended) or "silent"
        lines.append("| " + " | ".join((*cells, named, mended)) + " |")
    return lines


def count(judged: Sequence[Judged]) -> str:
    """How many causes are named, and how many mended programs are without a warning, in a sentence."""
    named, silent = sum(one.named for one in judged), sum(not one.mended for one in judged)
    total = len(judged)
    return (
        f"cause first or second in {named} of {total} ({named / total:.0%}); "
        f"no warning of {silent} of {total} mended ones ({silent / total:.0%})"
    )
