"""The tables of the registry as Markdown, for README and docs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.encoders import ENCODERS
from dlpractice.registry.objectives import OBJECTIVES
from dlpractice.registry.optimisation import OPTIMISERS, SCHEDULES
from dlpractice.registry.strategies import STRATEGIES


def tabulate(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; each line ends with a line break."""
    lines = [tuple(header)]
    lines += [("---",) * len(lines[0]), *(tuple(row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def strategy_table() -> str:
    """The strategies: which part of a classifier each one trains."""
    rows = ((f"`{name}`", row.about, row.suits) for name, row in STRATEGIES.items())
    return tabulate(("strategy", "what is trained", "for"), rows)


def backbone_table() -> str:
    """The pretrained nets, with the sides of their images in pixels."""
    rows = (
        (f"`{name}`", str(len(row.blocks)), str(row.native_size), str(row.minimum_size), row.source)
        for name, row in BACKBONES.items()
    )
    return tabulate(("backbone", "blocks", "trained at, pixels", "at least, pixels", "source"), rows)


def encoder_table() -> str:
    """The encoders of one-shot learning, with the sides of their images in pixels."""
    rows = (
        (f"`{name}`", row.about, _span(row.sizes), str(row.image_size), row.paper)
        for name, row in ENCODERS.items()
    )
    return tabulate(("encoder", "what it is", "takes, pixels", "usual, pixels", "source"), rows)


def objective_table() -> str:
    """The objectives of one-shot learning, with the config's keys that each takes."""
    rows = (
        (f"`{name}`", row.about, ", ".join(f"`{key}`" for key in row.settings) or "none", row.paper)
        for name, row in OBJECTIVES.items()
    )
    return tabulate(("objective", "what it does", "settings", "source"), rows)


def optimiser_table() -> str:
    """The optimisers, with the learning rate that is usual for each."""
    rows = ((f"`{name}`", row.about, row.usual_rate) for name, row in OPTIMISERS.items())
    return tabulate(("optimizer", "what it is", "usual learning rate"), rows)


def schedule_table() -> str:
    """The schedules: how each lets the learning rate fall."""
    return tabulate(
        ("schedule", "the learning rate falls"), ((f"`{name}`", how) for name, how in SCHEDULES.items())
    )


def _span(sizes: range) -> str:
    return str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


TABLES: Mapping[str, Callable[[], str]] = {
    "strategies": strategy_table,
    "backbones": backbone_table,
    "encoders": encoder_table,
    "objectives": objective_table,
    "optimisers": optimiser_table,
    "schedules": schedule_table,
}
"""Every table, by the name that a docs page uses for it."""
