"""How long each stage of a run was expected to take, in its environment."""

from collections.abc import Callable

from dlpractice.runs.directory import RunDirectory
from dlpractice.training.devices.placement import Placement

_KEY = "expected_seconds"


def record_expectation(run: RunDirectory, placement: Placement) -> Callable[[str, tuple[float, float]], None]:
    """A function that records the range of seconds for a stage, unless one is recorded."""

    def note(stage: str, expected: tuple[float, float]) -> None:
        if not placement.is_chief:
            return
        environment = run.environment()
        recorded = environment.get(_KEY) or {}
        if stage not in recorded:
            run.write_environment(environment | {_KEY: {**recorded, stage: list(expected)}})

    return note
