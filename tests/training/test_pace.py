from itertools import accumulate, chain, repeat

import pytest

from dlpractice.training.pace import Pace, describe_seconds


def expect(seconds: list[float], steps: int) -> tuple[float, float] | None:
    """What is told of a stage whose steps take so long; it must be told once."""
    clock = accumulate(seconds)
    pace = Pace(steps, lambda: next(clock))
    for _ in seconds:
        if (told := pace.tick()) is not None:
            assert pace.is_told
            return told
    return None


@pytest.mark.parametrize("step", [0.003, 0.2, 30.0])
def test_even_steps(step: float) -> None:
    told = expect([100.0, *repeat(step, 400)], 1000)  # the first one compiles
    assert told is not None
    low, high = told
    assert low == pytest.approx(0.8 * 1000 * step) and high == pytest.approx(1.5 * 1000 * step)


def test_examinations_between_short_epochs_are_part_of_it() -> None:
    told = expect([1.0, *chain.from_iterable(repeat([0.1, 0.5], 20))], 400)
    assert told is not None
    assert told[0] <= 400 * 0.3 <= told[1] <= 400 * 0.6


def test_too_few_steps_to_tell() -> None:
    assert expect([1.0, 0.1, 0.1], 3) is None


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (4.6, 12.3, "4.6 to 12 s"),
        (80, 300, "1.3 to 5 min"),
        (4000, 9000, "1.1 to 2.5 h"),
        (1e6, 2e6, "2.8e+02"),
    ],
)
def test_in_words(low: float, high: float, words: str) -> None:
    assert words in describe_seconds(low, high)
