"""Labels that were flipped and honest mistakes, of images and of drawings; other rules about answers."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.doubted_labels import find_mixed_up, find_suspects, gather_drawings
from dlpractice.diagnosis.rules.labels import (
    see_capped_confidence,
    see_label_errors,
    see_mixed_up,
    see_worst_mistakes,
)


def classify(seed: int, flipped: float, count: int = 1500) -> tuple[list[dict[str, Any]], set[str]]:
    """Predictions of the best classifier for two overlapping classes, with a share of labels flipped.

    Returns the rows and the paths whose label was flipped.
    """
    rng = np.random.default_rng(seed)
    truth = rng.integers(2, size=count)
    position = rng.normal(4.0 * truth - 2.0)
    flips = rng.random(count) < flipped
    clean = 1 / (1 + np.exp(-4.0 * position))
    second = clean * (1 - flipped) + (1 - clean) * flipped  # what the flipped labels teach it
    rows = []
    for number in range(count):
        label = int(truth[number] ^ flips[number])
        predicted = int(second[number] > 0.5)
        chance = (1 - second[number], second[number])
        rows.append(
            {
                "path": f"{number}.png",
                "split": "validation",
                "label": f"class{label}",
                "predicted": f"class{predicted}",
                "confidence": chance[predicted],
                "loss": -math.log(chance[label]),
            }
        )
    return rows, {f"{number}.png" for number in np.flatnonzero(flips)}


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_flipped_labels_are_found_by_name(make: SimpleNamespace, share: float) -> None:
    rows, flipped = classify(0, share)
    suspects = {row["path"] for row in find_suspects(rows)}
    assert len(suspects & flipped) / len(suspects) > 0.85
    assert len(suspects & flipped) / len(flipped) > 0.75
    case = open_case(make.run_of(1 - share, 1 - share, predictions=tuple(rows)))
    sign = see_label_errors(case)
    assert (sign.severity, sign.confidence) == ("warning", "medium")
    assert set(sign.paths) == suspects


def test_honest_mistakes_are_not_doubted(make: SimpleNamespace) -> None:
    for seed in range(10):
        rows, _ = classify(seed, 0.0)
        assert see_label_errors(open_case(make.run_of(predictions=tuple(rows)))) is None


def test_the_worst_mistakes_have_names(make: SimpleNamespace) -> None:
    rows = make.answers(make.split_rows(), 7, confidence=0.9)
    rows[3]["loss"] = 50.0
    sign = see_worst_mistakes(open_case(make.run_of(predictions=tuple(rows))))
    assert sign.paths[0] == rows[3]["path"]
    assert sign.evidence[0].startswith(
        "7 mistakes in all; the worst: validation/3.png (class1, taken for class0)"
    )


def test_a_softmax_of_probabilities(make: SimpleNamespace) -> None:
    """Ten classes, answers of a net whose last layer ends in a softmax, scored as if they were logits."""
    rng = np.random.default_rng(0)
    rows = make.split_rows(classes=10)
    logits = 12 * np.eye(10)[np.arange(500) % 10] + rng.normal(0, 2, (500, 10))
    once = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    twice = np.exp(once) / np.exp(once).sum(axis=1, keepdims=True)
    unsure = np.full((500, 10), 0.1) + rng.normal(0, 0.005, (500, 10))
    signs = []
    for answers in (once, twice, unsure):
        predictions = [
            {"path": "", "split": "validation", "label": "class0", "predicted": "class0", "loss": 1.0}
            | {"confidence": float(row.max())}
            for row in answers
        ]
        case = open_case(make.run_of(rows=rows, predictions=tuple(predictions)))
        signs.append(see_capped_confidence(case))
    assert signs[0] is None
    assert signs[2] is None
    assert signs[1].severity == "error"
    assert "ends at 23.2%" in signs[1].evidence[0]


def test_who_has_learnt_nothing_doubts_no_label(make: SimpleNamespace) -> None:
    rows = make.split_rows()
    wrong = tuple(make.answers(rows, 250, confidence=0.97))
    assert see_label_errors(open_case(make.run_of(0.5, 0.5, rows=rows, predictions=wrong))) is None
    few = tuple(make.answers(rows, 100, confidence=0.985))
    assert see_label_errors(open_case(make.run_of(0.8, 0.8, rows=rows, predictions=few))) is not None


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
