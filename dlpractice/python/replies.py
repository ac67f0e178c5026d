"""What the functions answer: plain data, each as a table for pandas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlpractice.errors import DlpError

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Rows(Sequence[dict[str, Any]]):
    """Dictionaries with equal keys, in order; a key that a row has not is missing in a table."""

    rows: tuple[dict[str, Any], ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: Any) -> Any:
        return self.rows[place]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def to_pandas(self) -> DataFrame:
        """A row for each dictionary. Raises DlpError where pandas is not installed."""
        return tabulate(self.rows)


@dataclass(frozen=True)
class Predictions(Rows):
    """A row for each image, as `dlp predict --json` has it: path, predicted, confidence in [0, 1] and `top`,
    the likeliest classes; or path and error."""

    @property
    def labels(self) -> list[str | None]:
        """What each image was taken for; None for one that could not be read."""
        return [row.get("predicted") for row in self.rows]


@dataclass(frozen=True)
class Evaluation:
    """Scores on labelled images, as `dlp evaluate --json` has them.

    accuracy: value and ci95 in [0, 1], n. document: all of it.
    """

    accuracy: Mapping[str, Any]
    document: Mapping[str, Any]

    def to_pandas(self) -> DataFrame:
        """A row for each class of a classifier, or each kind of task of a one-shot run, with its scores."""
        parts: Mapping[str, Mapping[str, Any]] = self.document.get("per_class") or self.document["results"]
        return tabulate([{"name": name, **scores} for name, scores in parts.items()])


@dataclass(frozen=True)
class Findings:
    """What `dlp diagnose` says of a training.

    verdict: in a sentence. findings: the gravest first, each with name, severity, confidence and remedies.
    document: all of what `dlp diagnose --json` prints.
    """

    verdict: str
    findings: tuple[Mapping[str, Any], ...]
    document: Mapping[str, Any]

    def to_pandas(self) -> DataFrame:
        """A row for each finding."""
        return tabulate(self.findings)


def tabulate(rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """A table with a row for each mapping; what a mapping in it holds gets columns such as `f1.value`.

    Raises DlpError where pandas is not installed.
    """
    try:
        from pandas import json_normalize
    except ImportError as error:
        raise DlpError("tables need pandas, which is not installed", "pip install pandas") from error
    return json_normalize([dict(row) for row in rows])
