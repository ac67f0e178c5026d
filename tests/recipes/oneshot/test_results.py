"""The test of a one-shot run, on a net that is no net: what it says against loops and closed forms."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from dlpractice.config.schema import Oneshot
from dlpractice.data.examples import Examples
from dlpractice.data.oneshot.class_split import ClassSplit
from dlpractice.data.sets.omniglot import OneshotRun
from dlpractice.errors import DataError
from dlpractice.evaluation.oneshot_tasks import Task, answer
from dlpractice.layers.similarity import NegativeDistance
from dlpractice.models.siamese import Verdict
from dlpractice.progress import Silent
from dlpractice.recipes.oneshot.results import (
    Protocol,
    Scored,
    answer_protocol,
    describe_answers,
    judge_pairs,
    list_answers,
    plan_exam,
    plan_protocols,
    score_exam,
)
from dlpractice.recipes.oneshot.setup import OneshotSetup, prepare_oneshot
from dlpractice.training.forward import Forward

HEADLINE = "within-alphabet-6-way-1-shot"


def make_examples(alphabets: int, classes: int, drawers: int, first: int = 0) -> Examples:
    """Alphabets of `classes` characters, each drawn once by each: noise around a mean of its own."""
    count = alphabets * classes * drawers
    codes = np.arange(count) // drawers
    rng = np.random.default_rng(first)
    means = rng.uniform(60, 200, (alphabets * classes, 1, 1, 1))
    pixels = (means[codes] + rng.normal(0, 8, (count, 2, 2, 1))).astype(np.uint8)
    names = tuple(f"a{first + code}" for code in range(alphabets))
    return Examples(
        pixels,
        codes // classes,
        codes,
        np.arange(count) % drawers,
        names,
        tuple(f"{names[code // classes]}/c{code:02d}" for code in range(alphabets * classes)),
        tuple(
            f"c{code:02d}/d{drawer:02d}" for code in range(alphabets * classes) for drawer in range(drawers)
        ),
        tuple(map(str, range(count))),
    )


def begin_flattening(sent: Any, receive: Any) -> Callable[[], NDArray[np.float32]]:
    images = np.asarray(receive(*sent))
    return lambda: images.reshape(len(images), -1) / np.float32(16)


flatten = Forward(begin_flattening)
"""Stands for a net: an image's pixels."""


def changed(config: Oneshot, **sections: dict[str, Any]) -> Oneshot:
    document = config.model_dump()
    for name, values in sections.items():
        document[name] |= values
    return Oneshot.model_validate(document)


@pytest.fixture(scope="module")
def setup(tiny_oneshot_config: Oneshot, shared_cache: Path) -> OneshotSetup:
    """A prepared run whose similarity is minus the squared distance, on other examples."""
    prepared = prepare_oneshot(tiny_oneshot_config, Silent())
    class_split = ClassSplit(
        "made-up", make_examples(2, 5, 4), make_examples(1, 9, 4, 1), make_examples(3, 6, 4, 2)
    )
    siamese = replace(prepared.siamese, similarity=NegativeDistance())
    return replace(prepared, class_split=class_split, siamese=siamese)


def test_a_folder_or_glyphs_have_one_protocol_and_digits() -> None:
    class_split = ClassSplit(
        "made-up", make_examples(2, 5, 4), make_examples(1, 5, 4, 1), make_examples(3, 6, 4, 2)
    )
    (protocol,) = plan_protocols(class_split)
    assert (protocol.name, protocol.examples, protocol.turns) == (HEADLINE, class_split.evaluation, 1)
    digits = make_examples(1, 10, 6, 3)
    _, second = plan_protocols(replace(class_split, digits=digits))
    assert (second.name, second.examples, len(second.tasks)) == ("digits-10-way-1-shot", digits, 1000)
    assert {task.supports.shape for task in second.tasks} == {(10, 1)}


def test_omniglot_has_the_published_protocols_the_runs_first() -> None:
    evaluation = make_examples(2, 12, 20)
    supports, queries = np.arange(0, 60, 20), np.array([21, 41, 1])
    run = OneshotRun("run01", "a0", supports, queries, np.array([1, 2, 0]))
    protocols = plan_protocols(
        ClassSplit(
            "omniglot",
            make_examples(2, 5, 4),
            make_examples(1, 5, 4, 1),
            evaluation,
            runs=(run,),
            vinyals=np.arange(1, 24),
        )
    )
    assert [protocol.name for protocol in protocols] == [
        "lake-20",
        "lake-extended",
        *(
            f"{name}-{ways}-way-{shots}-shot"
            for name in ("vinyals", "vinyals-rotated")
            for ways in (20, 5)
            for shots in (1, 5)
        ),
    ]
    (task,) = protocols[0].tasks
    np.testing.assert_array_equal(task.supports[:, 0], supports)
    assert len(protocols[1].tasks) == 2 * 20 * 19
    for protocol in protocols[2:]:
        assert protocol.turns == (4 if "rotated" in protocol.name else 1)
        assert 0 not in protocol.examples.classes
        ways, shots = (int(part) for part in protocol.name.split("-") if part.isdigit())
        assert {task.supports.shape for task in protocol.tasks} == {(ways, shots)}
        assert max(task.queries.max() for task in protocol.tasks) < protocol.turns * len(protocol.examples)


def test_an_exam_is_planned_of_unseen_alphabets(tiny_oneshot_config: Oneshot, setup: OneshotSetup) -> None:
    exam = plan_exam(tiny_oneshot_config, setup.class_split)
    assert exam.validation.examples is setup.class_split.validation
    assert exam.protocols[0].examples is setup.class_split.evaluation
    # A hundred different pairs at least, so that one in a hundred can be seen.
    assert (len(exam.seen.same), len(exam.unseen.same)) == (202, 2 * 72)
    often = changed(tiny_oneshot_config, evaluation={"false_accept_rate": 0.4})
    assert len(plan_exam(often, setup.class_split).seen.same) == 2 * 36


def test_any_rate_of_false_accepts_can_be_seen_in_the_pairs(
    tiny_oneshot_config: Oneshot, setup: OneshotSetup
) -> None:
    for rate in (1 / 49, 0.01, 0.07, 1 / 3):
        config = changed(tiny_oneshot_config, evaluation={"false_accept_rate": rate})
        exam = plan_exam(config, setup.class_split)
        _, _, threshold = judge_pairs(config, setup, exam, flatten)
        assert threshold["false_accept_rate"] <= rate


def test_queries_decided_together_need_one_of_each_class(
    tiny_oneshot_config: Oneshot, setup: OneshotSetup
) -> None:
    # The last class keeps a single drawing: shown, and never asked.
    evaluation = setup.class_split.evaluation.select(np.arange(69))
    unknown = replace(evaluation, drawers=np.full(69, -1))
    class_split = replace(setup.class_split, evaluation=unknown)
    with pytest.raises(DataError, match="one query of each class"):
        plan_exam(tiny_oneshot_config, class_split)
    plan_exam(changed(tiny_oneshot_config, evaluation={"transductive": False}), class_split)


def test_an_exam_is_scored_protocol_by_protocol(tiny_oneshot_config: Oneshot, setup: OneshotSetup) -> None:
    exam = plan_exam(tiny_oneshot_config, setup.class_split)
    advanced: list[int] = []
    progress = Silent()
    progress.advance = lambda done=1: advanced.append(done)  # type: ignore[method-assign]
    scored = score_exam(tiny_oneshot_config, setup, exam, flatten, progress)
    assert list(scored.results) == [HEADLINE, f"{HEADLINE}-one-to-one", "val_accuracy", "verification"]
    assert sum(advanced) == 3
    # By hand: the nearest support of each query, of pixels enlarged to what the net sees.
    pixels = enlarged(setup.class_split.evaluation)
    right = []
    for task in exam.protocols[0].tasks:
        for query, truth in zip(task.queries, task.answers, strict=True):
            distances = [np.square(pixels[query] - pixels[support]).sum() for support in task.supports[:, 0]]
            right.append(int(np.argmin(distances)) == truth)
    assert scored.results[HEADLINE]["value"] == pytest.approx(np.mean(right))
    assert scored.results[HEADLINE]["errors"] == len(right) - sum(right)
    assert scored.answers.errors == scored.results[HEADLINE]["errors"]
    assert scored.headline is exam.protocols[0]


def enlarged(examples: Examples) -> NDArray[np.float64]:
    """(N, 16 x 16 x C) bilinear, by hand: 2 x 2 pixels seen at 16 x 16."""
    places = ((np.arange(16) + 0.5) / 8 - 0.5).clip(0, 1)
    share = np.stack([1 - places, places], axis=1)
    pixels = np.asarray(examples.pixels, np.float64)
    return np.einsum("yi,xj,nijc->nyxc", share, share, pixels).reshape(len(pixels), -1) / 16


def test_pairs_are_judged_as_loops_over_them_do(tiny_oneshot_config: Oneshot, setup: OneshotSetup) -> None:
    exam = plan_exam(tiny_oneshot_config, setup.class_split)
    result, verdict, threshold = judge_pairs(tiny_oneshot_config, setup, exam, flatten)
    scores, kinds = {}, {"seen": exam.seen.same, "unseen": exam.unseen.same}
    for name, part, pairs in (
        ("seen", setup.class_split.validation, exam.seen),
        ("unseen", setup.class_split.evaluation, exam.unseen),
    ):
        pixels = enlarged(part)
        scores[name] = np.array([-np.square(pixels[a] - pixels[b]).sum() for a, b in pairs.indices])
    same, different = (scores["unseen"][kinds["unseen"] == kind] for kind in (True, False))
    wins = [np.mean(one > different) for one in same]
    assert result["auc"] == pytest.approx(np.mean(wins), abs=2e-3)
    # The threshold: as few different validation pairs as asked for, and no stricter than needed.
    accepted = scores["seen"] >= threshold["value"]
    assert np.mean(accepted[~kinds["seen"]]) == pytest.approx(threshold["false_accept_rate"], abs=1e-9)
    assert threshold["false_accept_rate"] <= 0.01
    assert threshold["false_reject_rate"] == pytest.approx(np.mean(~accepted[kinds["seen"]]), abs=1e-9)
    # No threshold makes fewer errors on validation pairs than the one that accuracy is measured at.
    cuts = np.concatenate([np.sort(scores["seen"]), [np.inf]])
    errors = [np.mean((scores["seen"] >= cut) != kinds["seen"]) for cut in cuts]
    best = [
        np.mean((scores["unseen"] >= cut) == kinds["unseen"])
        for cut, wrong in zip(cuts, errors, strict=True)
        if wrong == min(errors)
    ]
    assert min(best) - 0.03 <= result["value"] <= max(best) + 0.03
    assert verdict.threshold == threshold["value"]
    assert (verdict.false_accept_rate, verdict.side) == (0.01, 2)


def test_a_verdict_is_the_likeliest_logistic_curve(tiny_oneshot_config: Oneshot, setup: OneshotSetup) -> None:
    exam = plan_exam(tiny_oneshot_config, setup.class_split)
    _, verdict, _ = judge_pairs(tiny_oneshot_config, setup, exam, flatten)
    pixels = enlarged(setup.class_split.validation)
    scores = np.array([-np.square(pixels[a] - pixels[b]).sum() for a, b in exam.seen.indices])
    middle, spread = scores.mean(), scores.std()
    standard, same = (scores - middle) / spread, exam.seen.same

    def surprise(line: NDArray[np.float64]) -> float:
        sure = np.logaddexp(0, np.where(same, -1, 1) * (line[0] * standard + line[1])).sum()
        return float(sure + line[0] ** 2 / 200)

    slope, intercept = minimize(surprise, np.zeros(2)).x
    wanted = expit(slope * standard + intercept)
    np.testing.assert_allclose(expit(verdict.slope * scores + verdict.intercept), wanted, atol=0.02)


def test_turned_classes_are_looked_up_in_the_rows_of_their_turn() -> None:
    examples = make_examples(1, 2, 2)
    embeddings = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    # Example 0 against itself turned once (row 4), both drawn by the other hand for the query.
    task = Task(("a",), np.array([[0], [4]]), np.array([5]), np.array([1]))
    answers = answer_protocol(Protocol("turned", examples, (task,), 2), embeddings, NegativeDistance())
    wanted = [-np.square(embeddings[5] - embeddings[row]).sum() for row in (0, 4)]
    np.testing.assert_allclose(answers.scores[0][0], wanted, rtol=1e-4)


def test_rows_of_answers_say_how_sure_and_undecided_at_a_tie() -> None:
    examples = make_examples(1, 3, 2)
    supports, queries = np.array([[0], [2], [4]]), np.array([1, 3, 5])
    table = np.log(np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.2, 0.4, 0.4]]))
    task = Task(("a0",) * 3, supports, queries, np.arange(3))

    def scorer(asked: NDArray[np.int64], shown: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(table[np.ix_(asked // 2, shown[:, 0] // 2)])

    answers = answer((task,), scorer, seed=0)
    scored = Scored({}, Protocol("p", examples, (task,)), answers, Verdict(), {})
    rows = list(list_answers(scored))
    assert [row["label"] for row in rows] == ["a0/c00", "a0/c01", "a0/c02"]
    assert [row["predicted"] for row in rows] == ["a0/c00", "a0/c00", "undecided"]
    assert [row["path"] for row in rows] == ["c00/d01", "c01/d01", "c02/d01"]
    np.testing.assert_allclose([row["confidence"] for row in rows], [0.7, 0.5, 0.4])
    np.testing.assert_allclose([row["loss"] for row in rows], -np.log([0.7, 0.3, 0.4]))
    described = describe_answers(answers, examples)
    assert described["value"] == pytest.approx(1 / 3)
    assert (described["errors"], described["n"]) == (2, 3)
