"""The tasks that are looked at after each epoch of a one-shot training."""

import numpy as np

from dlpractice.config.schema import Oneshot
from dlpractice.data.examples import Examples
from dlpractice.evaluation.protocols import folder_tasks, lake_extended
from dlpractice.evaluation.tasks import Task
from dlpractice.recipes.embedding import TaskExamination
from dlpractice.recipes.oneshot_setup import OneshotSetup, read_distortion

WAYS = 20
_EPISODES = 400
_TASK_SEED = 0
"""All seeds and methods answer the same tasks, so that they can be compared task by task."""


def within_alphabets(examples: Examples, *, shots: int = 1, episodes: int = _EPISODES) -> tuple[Task, ...]:
    """20-way one-shot tasks within alphabets, by different drawers: all pairs of drawers where they are
    known, and random tasks where they are not.

    Raises DataError where the examples are too few for any.
    """
    if shots == 1 and (examples.drawers >= 0).all():
        return lake_extended(examples, _TASK_SEED, ways=WAYS)
    return folder_tasks(examples, ways=WAYS, shots=shots, episodes=episodes, seed=_TASK_SEED, queries=1)


def examine_validation(config: Oneshot, setup: OneshotSetup) -> TaskExamination:
    """Tasks of the validation alphabets."""
    examples = setup.division.validation
    tasks = within_alphabets(examples)
    return TaskExamination(examples, tasks, setup.siamese.similarity, config.data.image_size)


def examine_training(config: Oneshot, setup: OneshotSetup) -> TaskExamination:
    """Tasks of as many background alphabets as there are for validation, undistorted as those are.

    Where a class has a single example, its queries are distortions of it.
    """
    background, division = setup.division.background, setup.division
    names = background.present_alphabets()
    count = min(len(names), len(division.validation.present_alphabets()))
    picked = np.sort(np.random.default_rng(config.data.split_seed).permutation(len(names))[:count])
    examples = background.of_alphabets([names[place] for place in picked])
    similarity, image_size = setup.siamese.similarity, config.data.image_size
    if config.data.examples_per_class is None:
        return TaskExamination(examples, within_alphabets(examples), similarity, image_size)
    tasks = stand_in_tasks(examples)
    return TaskExamination(examples, tasks, similarity, image_size, read_distortion(config))


def stand_in_tasks(examples: Examples) -> tuple[Task, ...]:
    """For classes of one example each: which of 20 of an alphabet is this a distortion of? Index i + N is
    the distortion of example i, of N."""
    rng = np.random.default_rng(_TASK_SEED)
    tasks = []
    for alphabet in np.unique(examples.alphabets):
        members = rng.permutation(np.flatnonzero(examples.alphabets == alphabet))
        name = examples.alphabet_names[alphabet]
        for start in range(0, len(members), WAYS):
            chosen = members[start : start + WAYS]
            if len(chosen) > 1:
                answers = np.arange(len(chosen))
                tasks.append(Task((name,) * len(chosen), chosen[:, None], chosen + len(examples), answers))
    return tuple(tasks)
