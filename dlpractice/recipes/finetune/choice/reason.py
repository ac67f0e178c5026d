"""The sentence that says why a choice is what it is."""

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def tell_unmeasured(strategy: str, backbone: str, poorest: str, measurable: bool) -> str:
    """The reason where nothing was probed. poorest: the class with the fewest images, and their number, in
    words; measurable: whether there would have been enough of them."""
    if measurable:
        return f"{strategy}, which was asked for, uses no backbone"
    return (
        f"{strategy} on {backbone}, the cheapest, unmeasured: {poorest}, and a probe needs two of each class"
    )


def explain(found: Document, strategy: str, best: str | None) -> str:
    """The reason, from what choice.json has of the evidence.

    best: the candidate that did best on validation; None where only the backbone was left open.
    """
    probe = next(row for row in found["backbones"] if row["backbone"] == found["backbone"])
    blocks = {row["block"]: row["accuracy"]["value"] for row in probe["blocks"]}
    read = f"block {probe['best_block']} of {found['backbone']} tells {_percent(blocks[probe['best_block']])}"
    if probe["best_block"] != max(blocks):
        read += f", the last {_percent(blocks[max(blocks)])}"
    if best is None:
        others = len(found["backbones"]) - 1
        return (
            f"{strategy} on {found['backbone']}: {read}, and of {others} other nets none is better for less"
        )
    size = f"{found['images_per_class']:.0f} images a class are {'much' if found['large'] else 'little'} data"
    like = f"{'like' if found['similar'] else 'unlike'} what the net knows ({read})"
    return f"{strategy}: {size}, {like}; {_compare(found['candidates'], strategy, best)}"


def _compare(candidates: list[Document], strategy: str, best: str) -> str:
    """How the chosen candidate stands to the one that did best, and what was not tried."""
    rows = {row["strategy"]: row for row in candidates}
    count = rows[best]["rounds"][-1]["val_accuracy"]["n"]
    if strategy == best:
        text = f"best of those tried on {count} validation images"
    else:
        difference = rows[strategy]["difference"]["value"]
        text = (
            f"{best} is {abs(100 * difference):.1f} points better on {count} validation images, which is "
            "within one standard error, and costs more"
        )
    untried = [row["strategy"] for row in candidates if not row["rounds"]]
    return f"{text}; too dear to try: {', '.join(untried)}" if untried else text


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
