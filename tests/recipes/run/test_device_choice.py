"""Where a run computes, and how precisely."""

from dlpractice.recipes.run.device_choice import resolve_precision
from dlpractice.training.devices.placement import place


def test_a_precision_that_was_asked_for_is_kept() -> None:
    before = ("float32", {"float32": 0.1, "bfloat16": 0.2})
    assert resolve_precision("bfloat16", place(), before) == ("bfloat16", {})
    assert resolve_precision("auto", place(), before) == before
    chosen, timings = resolve_precision("auto", place())
    assert chosen in timings
    assert set(timings) == {"float32", "bfloat16"}
