import io
from typing import Any

import pytest
from rich.console import Console

from dlpractice.benchmark.conclusions.cards import compare_with_cards
from dlpractice.benchmark.conclusions.conclusions import find_answers
from dlpractice.benchmark.conclusions.precision_gain import compare_precisions
from dlpractice.benchmark.device.measurement import NetRow
from dlpractice.benchmark.peaks.published_peaks import VENDOR_PEAKS
from dlpractice.benchmark.report.benchmark_tables import answers_text


def net(value: float, precision: str = "float32", batch: int = 8, **more: Any) -> dict[str, Any]:
    row = NetRow(more.pop("net", "vgg16"), more.pop("work", "training"), precision)
    spread = [value * (1 + 0.01 * step) for step in (-2, -1, 0, 1, 2)]
    figures = {"value": value, "samples": spread, "arithmetic": precision, "flops": 1e9, "intensity": 1e6}
    roof = {"tflops": 0.1, "attainable_tflops": 0.2, "binds": "compute"}
    return {"name": f"models/{row.label(batch)}", **row.fields(batch), **figures, **roof, **more}


def document(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"parts": {"models": {"rows": rows}}, "config": {"price_per_hour": None}, **more}


def test_a_precision_is_set_against_float32_net_by_net() -> None:
    rows = [
        net(10.0),
        net(2.0, batch=1),
        net(20.0, "bfloat16"),
        net(4.4, "bfloat16", 1),
        net(9.0, "bfloat16", 64),
    ]
    (answer,) = compare_precisions(rows)
    assert (answer["precision"], answer["work"], answer["n"]) == ("bfloat16", "training", 2)
    assert answer["ratio"] == pytest.approx((2.0 * 2.2) ** 0.5)
    assert answer["range"] == pytest.approx([2.0, 2.2])
    low, high = answer["ci95"]
    assert 1.9 < low < answer["ratio"] < high < 2.3
    assert answer["answer"].endswith("worth it")


@pytest.mark.parametrize(("value", "judged"), [(8.0, ": not worth it"), (10.5, "the figures leave it open")])
def test_a_precision_that_is_no_faster_is_not_recommended(value: float, judged: str) -> None:
    (answer,) = compare_precisions([net(10.0), net(value, "bfloat16")])
    assert answer["answer"].endswith(judged)


def test_cards_are_foreseen_at_the_same_share_of_their_roofs() -> None:
    """Half of 0.2 TFLOP/s here is half of 8.1 on a T4, which is 40.5 times as many images."""
    small = net(500.0, net="siamese", flops=1.0)
    (answer,) = compare_with_cards([small, net(10.0, cost_per_million=5.0)], 0.1)
    assert answer["row"] == "models/vgg16/training/float32/8"
    card = {one["name"]: one for one in answer["cards"]}["T4"]
    assert card["value"] == pytest.approx(10.0 * 8.1 / 0.2)
    assert card["even_price_per_hour"] == pytest.approx(0.1 * 8.1 / 0.2)
    assert len(answer["cards"]) == len(VENDOR_PEAKS)
    assert "predicted" in answer["answer"] and "T4 405 (4.05)" in answer["answer"]


def test_memory_limits_a_card_too_and_one_without_bfloat16_takes_float16() -> None:
    (answer,) = compare_with_cards([net(10.0, "bfloat16", intensity=1.0)], None)
    card = {one["name"]: one for one in answer["cards"]}["T4"]
    assert card["arithmetic"] == "float16"
    assert card["value"] == pytest.approx(10.0 * 0.3 / 0.2), "300 GB/s at an operation a byte"
    assert card["even_price_per_hour"] is None


def test_what_binds_and_what_to_be_wary_of_is_said() -> None:
    launches = net(1.0, batch=1, binds="launches", tflops=0.012)
    contradiction = {
        "row": "a",
        "value": 338.0,
        "by": "b",
        "other": 533.0,
        "unit": "images/s",
        "why": "again",
    }
    result = document(
        [launches, net(8.0)],
        steadiness={"warnings": ["the load was 9.0 on 2 cores"]},
        contradictions=[contradiction],
        left_out=["c", "d", "e", "f"],
    )
    said = [(answer["question"], answer["answer"]) for answer in find_answers(result)]
    text = "\n".join(answer for _, answer in said)
    assert (
        "neither, but the starting of operations, 1 (least: vgg16/training/float32/1 at 6% of its roof)"
        in text
    )
    assert [question for question, _ in said].count("warning") == 3
    assert "the load was 9.0" in text and "a: 338 images/s is contradicted by b: 533" in text
    assert "left out for lack of time: c, d, e and 1 more" in text


def test_without_nets_and_warnings_there_is_nothing_to_say() -> None:
    assert find_answers({"parts": {}, "config": {}}) == []


def test_answers_fit_a_terminal_and_warnings_stand_out() -> None:
    stream = io.StringIO()
    rows = [net(10.0), net(20.0, "bfloat16")]
    answers = find_answers(document(rows, steadiness={"warnings": ["the machine drifted " * 6]}))
    Console(file=stream, width=80, color_system=None).print(answers_text(answers))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80 and len(lines) <= 14
    assert lines[0].startswith("bfloat16 is 2.00 times float32 in training")
    assert any(line.startswith("warning: ") for line in lines)
