"""What this machine is worth beside GPUs whose data sheets are known: in images per second, and in price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dlpractice.benchmark.models.roofline import Roof
from dlpractice.benchmark.peaks.published_peaks import VENDOR_PEAKS, VendorPeak
from dlpractice.benchmark.report.figures_in_words import significant

Row = Mapping[str, Any]

SPOKEN = ("T4", "A100 SXM 80 GB", "H100 SXM")
"""The cards that the sentence names; the figures have all."""

# Where a card lacks the arithmetic of the row, it would compute in the next of these that it has.
_INSTEAD = {"bfloat16": ("float16", "float32"), "float16": ("bfloat16", "float32"), "float32": ("tf32",)}


def compare_with_cards(rows: Sequence[Row], price_per_hour: float | None) -> Iterator[dict[str, Any]]:
    """The largest net that was measured, at its fastest, beside what each card would do: predicted.

    A card is taken to reach the same share of its roof, from its data sheet, as this machine reaches of its
    measured one. With a price, the price of an hour at which the card costs as much per image.

    rows: measured rows of the part `models`.
    """
    known = [row for row in rows if row["attainable_tflops"]]
    for work in ("training", "inference"):
        of_work = [row for row in known if row["work"] == work]
        if not of_work:
            continue
        net = max(of_work, key=lambda row: float(row["flops"]))["net"]
        best = max((row for row in of_work if row["net"] == net), key=lambda row: float(row["value"]))
        yield _answer(best, price_per_hour)


def _answer(row: Row, price: float | None) -> dict[str, Any]:
    cards = [_foresee(row, card, price) for card in VENDOR_PEAKS]
    spoken = [card for card in cards if card["name"] in SPOKEN]
    costs = "" if price is None else f" ({significant(row['cost_per_million'])} per million)"
    even = ", worth up to the price in brackets an hour" if price is not None else ""
    said = (
        f"{row['net']} {row['work']}: {significant(row['value'])} images/s here{costs}; predicted at the "
        f"same share of their roofs{even}: {', '.join(map(_say, spoken))}"
    )
    return {
        "question": "cards",
        "answer": said,
        "row": row["name"],
        "images_per_second": row["value"],
        "cards": cards,
    }


def _say(card: Mapping[str, Any]) -> str:
    price = card["even_price_per_hour"]
    return f"{card['name']} {significant(card['value'])}" + (
        "" if price is None else f" ({significant(price)})"
    )


def _foresee(row: Row, card: VendorPeak, price: float | None) -> dict[str, Any]:
    names = (row["arithmetic"], *_INSTEAD.get(row["arithmetic"], ("float32",)))
    arithmetic = next(name for name in names if name in card.tflops)
    attainable = Roof(card.tflops, card.memory).attainable(arithmetic, row["intensity"]) or 0.0
    times = attainable / row["attainable_tflops"]
    return {
        "name": card.name,
        "arithmetic": arithmetic,
        "value": row["value"] * times,
        "unit": "images/s",
        "kind": "predicted",
        "times_this_machine": times,
        "even_price_per_hour": None if price is None else price * times,
        "source": card.source,
    }
