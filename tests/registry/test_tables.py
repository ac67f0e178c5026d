"""Tables for pages: a line for each row of the registry."""

import re

from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.encoders import ENCODERS
from dlpractice.registry.objectives import OBJECTIVES
from dlpractice.registry.optimisation import OPTIMISERS, SCHEDULES
from dlpractice.registry.strategies import STRATEGIES
from dlpractice.registry.tables import TABLES

ROWS = {
    "strategies": STRATEGIES,
    "backbones": BACKBONES,
    "encoders": ENCODERS,
    "objectives": OBJECTIVES,
    "optimisers": OPTIMISERS,
    "schedules": SCHEDULES,
}


def test_a_table_has_a_line_for_each_row() -> None:
    assert set(TABLES) == set(ROWS)
    for name, rows in ROWS.items():
        head, rule, *lines = TABLES[name]().splitlines()
        assert [re.match(r"\| `(.+?)` \|", line)[1] for line in lines] == list(rows)  # type: ignore[index]
        assert {line.count(" | ") for line in (head, rule, *lines)} == {head.count(" | ")}, name


def test_a_table_tells_sizes_and_settings() -> None:
    assert "| `xception` | 6 | 299 | 71 | Chollet 2017, arXiv:1610.02357 |" in TABLES["backbones"]()
    assert "| 16 to 512 | 28 |" in TABLES["encoders"]() and "| 105 | 105 |" in TABLES["encoders"]()
    assert "| `margin` |" in TABLES["objectives"]() and "| none |" in TABLES["objectives"]()
