"""Drawings that many one-shot tasks ask about: what each is taken for, and whether its label is doubted.

Confident learning (Northcutt, Jiang and Chuang 2021) on drawings instead of probabilities: a wrong label is
seen where a drawing is taken for one other character as often as drawings of that character are for it. A net
that is merely bad takes a drawing now for this, now for that.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.rules.rule import Threshold
from dlpractice.statistics.intervals import wilson

LEAST = Threshold("lower end of the suspects' share, 95 % interval", 0.015, "chosen")
CONSISTENT = Threshold(
    "one-shot: suspects among the drawings that are mostly taken for something else",
    0.6,
    "chosen on the panel, seeds 0 and 1: 0.77 where half of the characters are shuffled, else up to 0.44",
)
ASKED = Threshold("one-shot: answers about a drawing, median", 5.0, "chosen: fewer make no share")
FEWEST = Threshold("predictions, or drawings", 100.0, "chosen: below, a few mistakes make a share")
_NAMED = 5


@dataclass(frozen=True)
class Drawing:
    """A drawing's label, and the other class that it is taken for most often. own, taken: the shares of the
    answers about it that are its label, and that are `other`; answers: their number."""

    path: str
    label: str
    other: str
    own: float
    taken: float
    answers: int


def gather_drawings(rows: Sequence[Mapping[str, Any]]) -> list[Drawing]:
    """The drawings of `rows`, which have path, label and predicted; undecided answers count for no class."""
    labels = {row["label"] for row in rows}
    answers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        answers[row["path"], row["label"]].append(row["predicted"])
    drawings = []
    for (path, label), predicted in answers.items():
        others = Counter(name for name in predicted if name in labels and name != label)
        other, count = others.most_common(1)[0] if others else ("", 0)
        own, total = predicted.count(label), len(predicted)
        drawings.append(Drawing(path, label, other, own / total, count / total, total))
    return drawings


def find_mixed_up(drawings: Sequence[Drawing]) -> list[Drawing]:
    """Those that are taken for one other class more often than for their own, and at least as often as the
    drawings of that class are on the average; the surest first."""
    shares: dict[str, list[float]] = defaultdict(list)
    for drawing in drawings:
        shares[drawing.label].append(drawing.own)
    usual = {label: fmean(own) for label, own in shares.items()}
    doubted = [one for one in drawings if one.taken > one.own and one.taken >= usual[one.other]]
    return sorted(doubted, key=lambda one: (one.own - one.taken, one.path))


def see_mixed_up(case: Case) -> Sign | None:
    """Many drawings that tasks agree to be of another character."""
    drawings = gather_drawings(case.run.predictions)
    asked = sorted(drawing.answers for drawing in drawings)
    if len(drawings) < FEWEST.value or asked[len(asked) // 2] < ASKED.value:
        return None
    suspects, wrong = find_mixed_up(drawings), sum(one.taken > one.own for one in drawings)
    share = len(suspects) / len(drawings)
    if wilson(share, len(drawings))[0] < LEAST.value or len(suspects) < CONSISTENT.value * wrong:
        return None
    evidence = (
        f"the labels of {len(suspects)} of {len(drawings)} drawings are doubted ({share:.1%}): of {wrong} "
        "that are mostly taken for something else, those are so as often as what belongs there",
        "the surest: "
        + ", ".join(f"{one.path} ({one.label}, taken for {one.other})" for one in suspects[:_NAMED]),
    )
    return Sign("warning", "medium", evidence, (), "", tuple(one.path for one in suspects))
