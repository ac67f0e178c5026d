"""Whether XLA shall compile a step: what is faster, where that is worth finding out."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from dlpractice.training.devices.compile_choice import Timing, choose_compilation
from dlpractice.training.devices.placement import place

TIMING = Timing(("a processor",), "[]", ("uint8 (4, 8, 8, 3)",), "float32", 1)
LONG = 10_000_000


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[bool]:
    """The steps that were taken, by whether they were compiled, with an empty cache."""
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path))
    return []


def faster_compiled(steps: list[bool]) -> Callable[[bool], Callable[[], object]]:
    def take(compiled: bool) -> None:
        steps.append(compiled)
        time.sleep(0.001 if compiled else 0.02)

    return lambda compiled: lambda: take(compiled)


@pytest.mark.parametrize(
    "other",
    [
        {"machine": ("another",)},
        {"net": "[1]"},
        {"batch": ("uint8 (8, 8, 8, 3)",)},
        {"precision": "bfloat16"},
        {"parts": 2},
    ],
)
def test_another_step_has_times_of_its_own(other: dict[str, Any]) -> None:
    assert replace(TIMING, **other).cache_key != TIMING.cache_key


def test_times_are_kept_and_taken_anew_where_they_are_damaged(steps: list[bool], tmp_path: Path) -> None:
    first = choose_compilation(TIMING, LONG, place(), faster_compiled(steps))
    assert first.compiled and set(steps) == {False, True}
    steps.clear()
    assert choose_compilation(TIMING, LONG, place(), faster_compiled(steps)) == first
    assert steps == []
    (file,) = tmp_path.rglob("seconds.json")
    file.write_text('{"plain": ')
    assert choose_compilation(TIMING, LONG, place(), faster_compiled(steps)).compiled
    assert set(steps) == {False, True}


def test_a_short_training_is_not_compiled(steps: list[bool]) -> None:
    choice = choose_compilation(TIMING, 10, place(), faster_compiled(steps))
    assert not choice.compiled and set(steps) == {False}


def test_a_step_without_kernels_stays_as_it_is(steps: list[bool]) -> None:
    def prepare(compiled: bool) -> Callable[[], object]:
        def take() -> None:
            if compiled:
                raise tf.errors.UnimplementedError(None, None, "no kernel")
            time.sleep(0.01)

        return take

    choice = choose_compilation(TIMING, LONG, place(), prepare)
    assert not choice.compiled and list(choice.seconds) == ["plain"]
    assert choice.obstacle == "XLA cannot compile the step: no kernel"
