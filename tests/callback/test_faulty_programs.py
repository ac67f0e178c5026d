"""Faulty programs of scripts/panel/programs: their table, and two of them with the callback."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest

from dlpractice.callback.diagnose import Diagnose
from dlpractice.diagnosis.logs.reading import read_log
from dlpractice.diagnosis.rule_table import RULES
from dlpractice.diagnosis.verdict import diagnose

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def programs() -> Iterator[SimpleNamespace]:
    """The table of all programs, and how it is divided."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        from panel.programs.collection import PROGRAMS
        from panel.programs.program import divide

        yield SimpleNamespace(all=PROGRAMS, by_name={p.train.__name__: p for p in PROGRAMS}, divide=divide)


def test_each_program_is_there_once_and_expects_what_rules_find(programs: SimpleNamespace) -> None:
    assert len(programs.by_name) == len(programs.all)
    assert {name for program in programs.all for name in program.names} <= {rule.name for rule in RULES}


def test_the_parts_hold_every_other_program(programs: SimpleNamespace) -> None:
    seen, untouched = programs.divide(programs.all)
    assert abs(len(seen) - len(untouched)) <= 1 and len(seen) + len(untouched) == len(programs.all)
    assert [p for pair in zip(seen, untouched, strict=True) for p in pair] == list(programs.all)


@pytest.mark.parametrize(
    ("name", "mended"),
    [("apply_softmax_twice", False), ("normalise_twice", False), ("normalise_twice", True)],
)
def test_a_cause_is_named_until_it_is_mended(
    programs: SimpleNamespace, name: str, mended: bool, tmp_path: Path
) -> None:
    program = programs.by_name[name]
    keras.utils.set_random_seed(0)
    with contextlib.redirect_stdout(io.StringIO()):
        program.train(mended, Diagnose(tmp_path / "run"))
    found = [one.name for one in diagnose(read_log(tmp_path / "run", {})).worse_than("warning")]
    assert found == [] if mended else set(found[:2]) & set(program.names)
