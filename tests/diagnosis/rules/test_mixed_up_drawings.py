"""Drawings under a wrong label, among tasks that a net answers well and badly."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules.labels import see_label_errors
from dlpractice.diagnosis.rules.mixed_up_drawings import find_mixed_up, gather_drawings, see_mixed_up


def answer_tasks(
    seed: int, moved: float, skill: float, tasks: int = 15
) -> tuple[list[dict[str, Any]], set[str]]:
    """Answers about 20 drawings of each of 20 characters, a share of which bear another character's label, by
    a net that sees the true character with the chance `skill` and else guesses.

    Returns the rows and the paths under a wrong label.
    """
    rng = np.random.default_rng(seed)
    rows, wrong = [], set()
    for number in range(400):
        truth = label = number % 20
        if rng.random() < moved:
            label = (truth + int(rng.integers(1, 20))) % 20
            wrong.add(f"{number}.png")
        for _ in range(tasks):
            predicted = truth if rng.random() < skill else int(rng.integers(20))
            row = {
                "path": f"{number}.png",
                "label": f"c{label}",
                "predicted": f"c{predicted}",
                "split": "test",
            }
            rows.append(row | {"confidence": 0.3, "loss": 2.0})
    return rows, wrong


def one_shot(make: SimpleNamespace, rows: list[dict[str, Any]], area: float = 0.9) -> Any:
    results = {"verification": {"auc": area}}
    return open_case(
        make.run_of(config={"command": "oneshot"}, summary={"results": results}, predictions=tuple(rows))
    )


def test_answers_are_counted_by_drawing() -> None:
    rows = [
        {"path": "x", "label": "a", "predicted": predicted} for predicted in ("a", "b", "b", "c", "undecided")
    ]
    rows += [{"path": "y", "label": name, "predicted": name} for name in ("b", "c")]
    first, second, third = gather_drawings(rows)
    assert (first.other, first.own, first.taken, first.answers) == ("b", 0.2, 0.4, 5)
    # One file under two labels is two drawings.
    assert (second.label, third.label, second.own, third.taken) == ("b", "c", 1.0, 0.0)


@pytest.mark.parametrize("moved", [0.1, 0.5])
def test_drawings_under_a_wrong_label_are_found_by_name(make: SimpleNamespace, moved: float) -> None:
    rows, wrong = answer_tasks(0, moved, skill=0.7)
    suspects = {one.path for one in find_mixed_up(gather_drawings(rows))}
    assert len(suspects & wrong) > 0.6 * len(wrong)
    assert len(suspects & wrong) > 0.9 * len(suspects)
    sign = see_label_errors(one_shot(make, rows))
    assert (sign.severity, set(sign.paths), sign.overrides) == ("warning", suspects, ())
    assert see_label_errors(one_shot(make, rows, area=0.5)) is None  # who has learnt nothing


@pytest.mark.parametrize("skill", [0.9, 0.6, 0.3, 0.15])
def test_a_net_that_is_merely_bad_doubts_no_labels(make: SimpleNamespace, skill: float) -> None:
    for seed in range(5):
        assert see_mixed_up(one_shot(make, answer_tasks(seed, 0.0, skill)[0])) is None


def test_few_answers_say_nothing(make: SimpleNamespace) -> None:
    assert see_mixed_up(one_shot(make, answer_tasks(0, 0.5, 0.7, tasks=4)[0])) is None
    assert see_mixed_up(one_shot(make, answer_tasks(0, 0.5, 0.7)[0][: 99 * 15])) is None
