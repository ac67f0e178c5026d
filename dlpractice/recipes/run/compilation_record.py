"""Whether XLA compiles the steps of a stage: what the config asks for, or what the run was begun with.

Compiled or not, a step rounds in other places. So the choice stands in the run's environment from before the
stage's first step, and whatever takes the run up again goes by it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from dlpractice.runs.directory import RunDirectory
from dlpractice.training.devices.compile_choice import Compilation
from dlpractice.training.devices.placement import Placement

_KEY = "compilation"


def resolve_compilation(
    asked: Literal["auto"] | bool, stage: str, run: RunDirectory, placement: Placement
) -> Literal["auto"] | bool:
    """What was recorded of a stage, as the first worker reads it; what is asked for if nothing was."""
    if asked != "auto":
        return asked
    found: Literal["auto"] | bool | None = None
    if placement.is_chief:
        recorded = _recorded(run)
        # Earlier versions recorded nothing, and compiled nothing.
        found = False if recorded is None else recorded.get(stage, {}).get("compiled", asked)
    agreed: Literal["auto"] | bool = placement.agree(found)
    return agreed


def record_compilation(run: RunDirectory, placement: Placement) -> Callable[[str, Compilation], None]:
    """A function that records the choice for a stage, unless one is recorded."""

    def note(stage: str, choice: Compilation) -> None:
        if not placement.is_chief:
            return
        recorded = _recorded(run) or {}
        if stage not in recorded:
            row: dict[str, Any] = {"compiled": choice.compiled, "step_seconds": dict(choice.seconds)}
            if choice.obstacle:
                row["obstacle"] = choice.obstacle
            run.write_environment(run.environment() | {_KEY: {**recorded, stage: row}})

    return note


def was_compiled(stage: str, run: RunDirectory, placement: Placement) -> bool:
    """Whether the steps of a stage that is over were compiled, as the first worker reads it."""
    found = (_recorded(run) or {}).get(stage, {}).get("compiled", False) if placement.is_chief else None
    return bool(placement.agree(found))


def _recorded(run: RunDirectory) -> Mapping[str, Mapping[str, Any]] | None:
    found: Mapping[str, Mapping[str, Any]] | None = run.environment().get(_KEY)
    return found
