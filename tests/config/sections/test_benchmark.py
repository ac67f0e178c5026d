import pytest
from pydantic import ValidationError

from dlpractice.config.commands.benchmark import PARTS, Benchmark
from dlpractice.config.sections.benchmark import Peaks


def test_every_section_can_be_left_out() -> None:
    config = Benchmark(command="benchmark")
    for part in PARTS:
        section = config.section(part)
        assert type(section)() == section


@pytest.mark.parametrize(
    "changes",
    [
        {"sizes": ()},
        {"sizes": (8,)},
        {"precisions": ("int8",)},
        {"longest_call_seconds": 0.0},
        {"sustained_seconds": -1.0},
        {"array_mebibytes": 0},
    ],
)
def test_sizes_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changes))):
        Peaks(**changes)  # type: ignore[arg-type]


def test_a_sustained_run_can_be_left_out() -> None:
    assert Peaks(sustained_seconds=0.0).sustained_seconds == 0
