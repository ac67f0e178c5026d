"""The record of a number that says how sure it is and where it comes from."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["measured", "published", "predicted"]


@dataclass(frozen=True)
class Measure:
    """A number that says where it comes from.

    `value` and both ends of `ci95` have the same unit (an accuracy: a share in [0, 1]; a difference of
    accuracies: [-1, 1]). `n` counts the items behind it, and `groups` what they belong to, where several of
    them are right or wrong together and count as less: None where all are independent. `source` names where a
    number that was not measured here was published.
    """

    value: float
    ci95: tuple[float, float]
    n: int
    kind: Kind = "measured"
    source: str = ""
    groups: int | None = None

    def to_json(self) -> dict[str, object]:
        """The shape that scripts rely on: value, ci95, n, kind, and groups and source where there are any."""
        document: dict[str, object] = {
            "value": self.value,
            "ci95": list(self.ci95),
            "n": self.n,
            **({} if self.groups is None else {"groups": self.groups}),
            "kind": self.kind,
        }
        return document | ({"source": self.source} if self.source else {})
