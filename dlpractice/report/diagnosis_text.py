"""What `dlp diagnose` says, in 80 columns: verdict, findings with their evidence, and a small curve."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

Document = Mapping[str, Any]

_STYLES = {"error": "bold red", "warning": "bold yellow", "info": "bold"}
_WIDTH, _HEIGHT = 56, 6
_UNREAD = 12
_CURVES = ("val_loss", "val_accuracy", "loss", "accuracy")
"""Curves that --column maps, those that say most first."""


def diagnosis_text(document: Document) -> RenderableType:
    """The document of one training: verdict, findings in their order, what could not be judged."""
    parts: list[RenderableType] = [
        Text(document["verdict"], style="bold"),
        Text(f"{document['kind']}: {document['run']}", style="dim"),
        *(Text(note, style="dim") for note in document["notes"]),
        *_describe_columns(document),
    ]
    shown: set[str] = set()
    for number, finding in enumerate(document["findings"], 1):
        parts += ["", *_describe(number, finding)]
        name = finding["curve"]
        if name in document["curves"] and name not in shown and finding["severity"] != "info":
            shown.add(name)
            drawn = draw_curve(name, document["curves"][name], document["clock"])
            parts.append(Padding(Text(drawn), (0, 0, 0, 3)))
    if document["missing"]:
        parts += ["", Text(f"not in the log: {', '.join(document['missing'])}", style="dim")]
    if unjudged := document["insufficient_evidence"]:
        parts += ["", *_describe_unjudged(unjudged)]
    return Group(*parts)


def _describe_columns(document: Document) -> list[RenderableType]:
    """Which columns of somebody else's log were read as what, and which were not."""
    columns, unused = document["columns"], document["unused"]
    if not columns:
        return []
    lines = [f"read: {', '.join(f'{curve} from {column}' for curve, column in columns.items())}"]
    if unused:
        names = ", ".join(unused[:_UNREAD])
        more = f" and {len(unused) - _UNREAD} more" if len(unused) > _UNREAD else ""
        lacking = next((curve for curve in _CURVES if curve not in columns), None)
        how = f"; one of them can be mapped, as in --column {lacking}=COLUMN" if lacking else ""
        lines.append(f"not read: {names}{more}{how}")
    return [Text(line, style="dim") for line in lines]


def _describe(number: int, finding: Document) -> list[RenderableType]:
    head = Text(f"{number}. ")
    head.append(f"{finding['severity']}: {finding['name']}", style=_STYLES[finding["severity"]])
    head.append(f"  (confidence {finding['confidence']})", style="dim")
    lines = [*finding["evidence"], f"could also be: {finding['causes']}"]
    lines.append(f"remedy: {finding['remedy']}")
    if finding["overrides"]:
        lines.append(f"   {' '.join(finding['overrides'])}")
    return [head, *(Padding(Text(line), (0, 0, 0, 3)) for line in lines)]


def _describe_unjudged(unjudged: Sequence[Document]) -> list[RenderableType]:
    """The rules that could not be judged, grouped by what they lack, since many lack the same."""
    by_need: dict[str, list[str]] = {}
    for entry in unjudged:
        by_need.setdefault(" and ".join(entry["needs"]), []).append(entry["name"])
    lines: list[RenderableType] = [Text("Insufficient evidence:", style="dim")]
    return lines + [
        Padding(Text(f"{', '.join(names)}: needs {need}", style="dim"), (0, 0, 0, 3))
        for need, names in by_need.items()
    ]


def draw_curve(name: str, curve: Document, clock: str = "epoch") -> str:
    """A curve as characters, `_HEIGHT` lines high, between its lowest and highest value.

    curve: `at` and `values`, of which those that are None are left out. Each column is the mean of the values
    that fall into it. clock: what `at` counts.
    """
    points = [(at, v) for at, v in zip(curve["at"], curve["values"], strict=True) if v is not None]
    if len(points) < 2:
        return ""
    columns = _bin([value for _, value in points], min(_WIDTH, len(points)))
    low, high = min(columns), max(columns)
    scale = (_HEIGHT - 1) / ((high - low) or 1.0)
    rows = [round((value - low) * scale) for value in columns]
    lines = []
    for level in range(_HEIGHT - 1, -1, -1):
        label = f"{high:.3g}" if level == _HEIGHT - 1 else f"{low:.3g}" if level == 0 else ""
        lines.append(f"{label:>9} |" + "".join("*" if row == level else " " for row in rows).rstrip())
    first, last = points[0][0], points[-1][0]
    axis = f"{'':>9} +{'-' * len(columns)}"
    return "\n".join([*lines, axis, f"{'':>10} {name}, {clock} {first:g} to {last:g}"])


def _bin(values: Sequence[float], width: int) -> list[float]:
    edges = [round(index * len(values) / width) for index in range(width + 1)]
    parts = [values[low:high] for low, high in pairwise(edges)]
    return [sum(part) / len(part) for part in parts]


def group_text(document: Document) -> RenderableType:
    """The document of several runs: what they say together, then the verdict on each."""
    parts: list[RenderableType] = [
        Text(document["verdict"], style="bold"),
        Text(f"{document['kind']}: {document['run']}", style="dim"),
        *(Text(note, style="yellow") for note in document["notes"]),
    ]
    for number, finding in enumerate(document["findings"], 1):
        parts += ["", *_describe(number, finding)]
    parts += ["", Text("Each run:", style="dim")]
    for run in document["runs"]:
        parts.append(Padding(Text(f"{run['run']}: {run['verdict']}"), (0, 0, 0, 3)))
    return Group(*parts)
