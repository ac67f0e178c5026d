"""Figures of others that a comparison is set beside, by data set and strategy."""

from typing import TypedDict


class Published(TypedDict):
    """A figure of somebody else: a share in [0, 1]; where a range was given, its upper end."""

    value: float
    text: str
    source: str
    kind: str


_LECTURE = "Dudar, Practical aspects of deep learning, lecture, Kyiv 2018"


def _lecture(value: float, text: str) -> Published:
    return {"value": value, "text": text, "source": _LECTURE, "kind": "published"}


PUBLISHED: dict[str, dict[str, Published]] = {
    "cats-dogs": {
        "scratch": _lecture(0.80, "75-80"),
        "head": _lecture(0.90, "90"),
        "top-block": _lecture(0.95, "95"),
    },
}
