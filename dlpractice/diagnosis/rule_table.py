"""Every rule, in the order of importance, and which findings are explained by others.

Both are read from the rows that lie in `rules`; nothing is said of a rule here.
"""

from collections.abc import Mapping

from dlpractice.diagnosis import rules
from dlpractice.diagnosis.discovery import import_modules
from dlpractice.diagnosis.rule import UNTRAINED, Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (rule for module in import_modules(rules) for rule in module.RULES), key=lambda rule: -rule.importance
    )
)
"""The RULES of every file in `rules`, the most important first."""

_STOPPING = tuple(rule.name for rule in RULES if rule.stops_training)

EXPLAINED_BY: Mapping[str, tuple[str, ...]] = {
    rule.name: tuple(
        name for cause in rule.explained_by for name in (_STOPPING if cause == UNTRAINED else (cause,))
    )
    for rule in RULES
}
"""By a finding's name, the names of the findings that cause such a thing."""
