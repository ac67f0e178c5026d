"""The test of a one-shot run: every protocol once, each number with its protocol's name."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from dlpractice.config.schema import Oneshot
from dlpractice.data.examples import Examples
from dlpractice.data.oneshot.class_split import ClassSplit
from dlpractice.errors import DataError
from dlpractice.evaluation.feature_maps import make_scorer as make_map_scorer
from dlpractice.evaluation.oneshot_tasks import Answers, Task, accuracy_by_group, answer
from dlpractice.evaluation.protocols import (
    Pairs,
    folder_tasks,
    lake_20,
    lake_extended,
    verification_pairs,
    vinyals,
)
from dlpractice.evaluation.transduction import answer_one_to_one
from dlpractice.layers.similarity import Similarity
from dlpractice.models.encoders import map_shape
from dlpractice.models.siamese import Verdict
from dlpractice.progress import Progress
from dlpractice.recipes.oneshot.embedding_answers import (
    EmbeddingScorer,
    Floats,
    embed,
    embed_views,
    score_pairs,
)
from dlpractice.recipes.oneshot.examinations import within_alphabets
from dlpractice.recipes.oneshot.pair_verdict import fit_verdict
from dlpractice.recipes.oneshot.setup import OneshotSetup, read_distortion
from dlpractice.statistics.roc import (
    accuracy_at,
    best_threshold,
    choose_threshold,
    equal_error_rate,
    roc_auc,
)
from dlpractice.training.forward import Forward

TASK_SEED = 0
"""All seeds and methods answer the same tasks, so that they can be compared task by task."""

_PAIRS = 20_000
ORDER_SEED = 0


@dataclass(frozen=True)
class Protocol:
    """Tasks on some examples. turns: quarter turns that count as classes, see `evaluation.protocols`. within:
    whether every task stays within an alphabet."""

    name: str
    examples: Examples
    tasks: tuple[Task, ...]
    turns: int = 1
    within: bool = False
    split: Literal["test", "validation"] = "test"


@dataclass(frozen=True)
class Exam:
    """All that a run is asked in the end.

    `protocols` are the tasks on unseen alphabets, the headline first; `validation` are the tasks on
    validation alphabets, by which the run chose its best epoch. `seen` are pairs of the validation part, to
    choose thresholds by, and `unseen` are pairs of the test part.
    """

    protocols: tuple[Protocol, ...]
    validation: Protocol
    seen: Pairs
    unseen: Pairs


@dataclass(frozen=True)
class Scored:
    """What the test gave: `results` by protocol, as summary.json holds them, the answers to the headline
    protocol, which is the first, and how scores become verdicts.
    """

    results: dict[str, dict[str, Any]]
    headline: Protocol
    answers: Answers
    verdict: Verdict
    threshold: dict[str, float]


def plan_exam(config: Oneshot, class_split: ClassSplit) -> Exam:
    """Draws all tasks and pairs before any training, so that unfit data are found out before it.

    Raises:
        DataError: a part has too few classes, examples or drawers.
    """
    protocols, validation = tuple(plan_protocols(class_split)), class_split.validation
    asks_once = (len(set(task.answers.tolist())) == len(task.answers) for task in protocols[0].tasks)
    asks_all = (len(task.answers) == len(task.supports) for task in protocols[0].tasks)
    if config.evaluation.transductive and not all((*asks_once, *asks_all)):
        raise DataError(
            f"evaluation.transductive needs tasks with one query of each class; not all of "
            f"{class_split.root} have it",
            "give every class of the test two examples, by different drawers, or set it to false",
        )
    # As many as the false-accept rate needs to be seen at all, and else each example about once.
    least = math.floor(1 / config.evaluation.false_accept_rate) + 1
    count = 2 * max(least, min(_PAIRS // 2, len(validation)))
    return Exam(
        protocols,
        Protocol("val_accuracy", validation, within_alphabets(validation), within=True, split="validation"),
        verification_pairs(validation, count, TASK_SEED),
        verification_pairs(class_split.evaluation, min(_PAIRS, 2 * len(class_split.evaluation)), TASK_SEED),
    )


def plan_protocols(class_split: ClassSplit) -> list[Protocol]:
    """The protocols of a data set, the headline first. They are the same for all methods and seeds."""
    examples = class_split.evaluation
    if class_split.vinyals is not None:
        episodes = _plan_vinyals(examples, class_split.vinyals)
        if not class_split.runs:
            return list(episodes)
        return [
            Protocol("lake-20", examples, lake_20(class_split.runs), within=True),
            Protocol("lake-extended", examples, lake_extended(examples, TASK_SEED), within=True),
            *episodes,
        ]
    protocols = [name_protocol(examples, within_alphabets(examples), 1)]
    if class_split.digits is not None:
        tasks = folder_tasks(class_split.digits, ways=10, shots=1, episodes=1000, seed=TASK_SEED)
        protocols.append(Protocol("digits-10-way-1-shot", class_split.digits, tasks))
    return protocols


def name_protocol(examples: Examples, tasks: tuple[Task, ...], shots: int) -> Protocol:
    """Tasks within alphabets, named by how many classes they really have, which is not always 20."""
    ways = sorted({len(task.supports) for task in tasks})
    span = f"{ways[0]}" if len(ways) == 1 else f"{ways[0]}-to-{ways[-1]}"
    within = "within-alphabet-" if len(examples.present_alphabets()) > 1 else ""
    return Protocol(f"{within}{span}-way-{shots}-shot", examples, tasks, within=True)


def _plan_vinyals(examples: Examples, classes: NDArray[np.int64]) -> Iterator[Protocol]:
    members = examples.select(np.flatnonzero(np.isin(examples.classes, classes)))
    for turns, name in ((1, "vinyals"), (4, "vinyals-rotated")):
        for ways in (20, 5):
            for shots in (1, 5):
                tasks = vinyals(
                    members, classes, ways=ways, shots=shots, seed=TASK_SEED, rotations=turns == 4
                )
                yield Protocol(f"{name}-{ways}-way-{shots}-shot", members, tasks, turns)


def score_exam(
    config: Oneshot, setup: OneshotSetup, exam: Exam, forward: Forward, progress: Progress
) -> Scored:
    """Answers the tasks of every protocol with the embeddings that `forward` gives, and judges pairs.

    The threshold and the curve of the verdict come from validation pairs.
    """
    similarity = setup.siamese.similarity
    protocols = *exam.protocols, exam.validation
    progress.stage("testing", len(protocols) + 1, "protocols")
    results: dict[str, dict[str, Any]] = {}
    headline: Answers | None = None
    embedded: dict[tuple[int, int], Floats] = {}
    for protocol in protocols:
        key = id(protocol.examples), protocol.turns
        if key not in embedded:
            embedded = {key: embed(forward, protocol.examples, config.data.image_size, protocol.turns)}
        answers = answer_protocol(protocol, embedded[key], similarity)
        results[protocol.name] = describe_answers(answers, protocol.examples)
        if headline is None:
            headline = answers
            results |= score_options(config, setup, forward, protocol, answers)
        progress.advance()
    assert headline is not None
    results["verification"], verdict, threshold = judge_pairs(config, setup, exam, forward)
    progress.advance()
    return Scored(results, protocols[0], headline, verdict, threshold)


def score_validation(exam: Exam, forward: Forward, similarity: Similarity, image_size: int) -> Scored:
    """Answers the validation tasks and nothing else."""
    embeddings = embed(forward, exam.validation.examples, image_size)
    answers = answer_protocol(exam.validation, embeddings, similarity)
    result = describe_answers(answers, exam.validation.examples)
    return Scored({exam.validation.name: result}, exam.validation, answers, Verdict(), {})


def score_options(
    config: Oneshot, setup: OneshotSetup, forward: Forward, protocol: Protocol, answers: Answers
) -> dict[str, dict[str, Any]]:
    """The rows that the config asks for beside the plain one; each is named by what it does in addition."""
    rows = {}
    asked, size, tasks = config.evaluation, config.data.image_size, protocol.tasks
    similarity = setup.siamese.similarity
    if asked.views > 1:
        sums = embed_views(forward, protocol.examples, size, read_distortion(config), asked.views)
        rows[f"{protocol.name}-{asked.views}-views"] = answer_protocol(protocol, sums, similarity)
    if asked.alignment:
        embeddings = embed(forward, protocol.examples, size)
        maps = embeddings.reshape(len(embeddings), *map_shape(setup.siamese.encoder))
        rows[f"{protocol.name}-aligned"] = answer(tasks, make_map_scorer(maps, asked.alignment), ORDER_SEED)
    if asked.transductive:
        rows[f"{protocol.name}-one-to-one"] = answer_one_to_one(tasks, answers, ORDER_SEED)
    return {name: describe_answers(row, protocol.examples) for name, row in rows.items()}


def answer_protocol(protocol: Protocol, embeddings: Floats, similarity: Similarity) -> Answers:
    """The answers by the similarity of embeddings, (turns N, D) for the N examples of the protocol."""
    groups = protocol.examples.alphabets if protocol.within else None
    return answer(protocol.tasks, EmbeddingScorer(embeddings, similarity, groups), ORDER_SEED)


def describe_answers(answers: Answers, examples: Examples) -> dict[str, Any]:
    """Accuracy with its interval by alphabets, and the errors, of tasks on `examples`."""
    return {**accuracy_by_group(answers, examples).to_json(), "errors": answers.errors}


def judge_pairs(
    config: Oneshot, setup: OneshotSetup, exam: Exam, forward: Forward
) -> tuple[dict[str, Any], Verdict, dict[str, float]]:
    """Verification on pairs of unseen alphabets: the result, the verdict layer, and the threshold's rates.

    The accuracy is that at the threshold which makes the fewest errors on validation pairs.
    """
    class_split, similarity = setup.class_split, setup.siamese.similarity

    def score(examples: Examples, pairs: Pairs) -> NDArray[np.float32]:
        return score_pairs(embed(forward, examples, config.data.image_size), pairs.indices, similarity)

    seen, unseen = score(class_split.validation, exam.seen), score(class_split.evaluation, exam.unseen)
    best = best_threshold(seen, exam.seen.same)
    measure = accuracy_at(best.value, unseen, exam.unseen.same, exam.unseen.groups)
    result = {
        **measure.to_json(),
        "auc": roc_auc(unseen, exam.unseen.same),
        "eer": equal_error_rate(unseen, exam.unseen.same),
    }
    threshold = choose_threshold(seen, exam.seen.same, config.evaluation.false_accept_rate)
    verdict = fit_verdict(config, class_split, seen, exam.seen.same, threshold)
    rates: Mapping[str, float] = vars(threshold)
    return result, verdict, dict(rates)


def list_answers(scored: Scored) -> Iterator[dict[str, object]]:
    """The rows of predictions.csv: every query of the headline protocol.

    Confidence and loss are those of a softmax over the scores of the task's classes.
    """
    examples, answers = scored.headline.examples, scored.answers
    names = examples.class_names
    tasks = scored.headline.tasks
    start = 0
    for task, scores in zip(tasks, answers.scores, strict=True):
        shares = softmax(scores.astype(np.float64), axis=1)
        for row, query in enumerate(task.queries):
            guess = int(answers.predicted[start + row])
            label = names[examples.classes[query]]
            yield {
                "path": examples.paths[query],
                "split": scored.headline.split,
                "label": label,
                "predicted": names[examples.classes[task.supports[guess, 0]]] if guess >= 0 else "undecided",
                "confidence": float(shares[row].max()),
                "loss": float(-np.log(max(shares[row, task.answers[row]], 1e-300))),
            }
        start += len(task.queries)
