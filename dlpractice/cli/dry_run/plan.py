"""What `--dry-run` prints: what each run would begin with, its resolved config, and where it would go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlpractice.cli.console import print_json, results

if TYPE_CHECKING:
    from dlpractice.config.schema import Config

Found = Mapping[str, Any]


def show_plan(
    configs: Mapping[str, Config | None],
    found: Mapping[str, Found],
    seeds: int,
    folder: Path,
    *,
    as_json: bool,
) -> None:
    """Prints the plan of each run as YAML with comments, or that of all of them as one JSON document.

    Args:
        configs: by name; None for what is not trained.
        found: what was prepared, by the same names.
    """
    from dlpractice.config.load import dump_config

    if as_json:
        plan = {
            name: config and config.model_dump(mode="json", exclude={config.VARIANTS})
            for name, config in configs.items()
        }
        print_json({"run": str(folder), "seeds": seeds, "configs": plan, "found": dict(found)})
        return
    for name, config in configs.items():
        if config is None:
            results().print(f"# {name}, which is not trained\n")
            continue
        results().print(f"# {name}, {seeds} seed{'s' if seeds > 1 else ''}")
        for line in describe(found[name], config.command):
            results().print(f"# {line}", soft_wrap=True)
        results().print(dump_config(config), soft_wrap=True)
    results().print(str(folder), soft_wrap=True)


def describe(found: Found, command: str) -> Iterator[str]:
    """What a run would begin with, in lines."""
    sizes = ", ".join(f"{name} {size:,}" for name, size in found["sizes"].items())
    if found.get("open"):
        yield "auto: what follows is of head, the cheapest candidate; probes and trials choose"
    yield f"{found['classes']} classes: {sizes}" + ("" if command == "oneshot" else " images")
    yield (
        f"{found['trainable_parameters']:,} of {found['parameters']:,} parameters are trained; "
        f"weights: {found['weights']}"
    )
    yield f"{found['precision']} on {', '.join(found['devices'])}, {found['batch']} images in a batch"
    if "epochs" in found:
        yield f"{found['epochs']:,} epochs"
