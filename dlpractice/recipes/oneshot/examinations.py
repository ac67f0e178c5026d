"""The tasks that are looked at after each epoch of a one-shot training."""

from collections import Counter

import numpy as np

from dlpractice.config.schema import Oneshot
from dlpractice.data.examples import UNKNOWN_DRAWER, Examples
from dlpractice.data.oneshot.class_split import ClassSplit
from dlpractice.errors import DataError
from dlpractice.evaluation.oneshot_tasks import Task
from dlpractice.evaluation.protocols import folder_tasks, lake_extended
from dlpractice.recipes.oneshot.embedding_answers import TaskExamination
from dlpractice.recipes.oneshot.setup import OneshotSetup, read_distortion

WAYS = 20
_EPISODES = 400
_TASK_SEED = 0
"""All seeds and methods answer the same tasks, so that they can be compared task by task."""


def within_alphabets(examples: Examples) -> tuple[Task, ...]:
    """20-way one-shot tasks within alphabets, by different drawers.

    If each known drawer drew all characters of an alphabet, all pairs of drawers are asked. If not, or if the
    drawers are unknown, tasks are drawn at random.

    Raises:
        DataError: the examples are too few for any.
    """
    if all(_is_drawn_by_all(examples, code) for code in np.unique(examples.alphabets)):
        return lake_extended(examples, _TASK_SEED, ways=WAYS)
    return folder_tasks(examples, ways=WAYS, shots=1, episodes=_EPISODES, seed=_TASK_SEED)


def _is_drawn_by_all(examples: Examples, alphabet: int) -> bool:
    """Whether two known drawers or more each drew all of the alphabet's characters, two or more."""
    members = examples.alphabets == alphabet
    drawn = np.unique(np.stack([examples.classes[members], examples.drawers[members]]), axis=1)
    classes, drawers = (len(np.unique(codes)) for codes in drawn)
    known = UNKNOWN_DRAWER not in drawn[1]
    return known and min(classes, drawers) > 1 and drawn.shape[1] == classes * drawers


def examine_validation(config: Oneshot, setup: OneshotSetup) -> TaskExamination:
    """Tasks of the validation alphabets."""
    examples = setup.class_split.validation
    tasks = within_alphabets(examples)
    return TaskExamination(examples, tasks, setup.siamese.similarity, config.data.image_size)


def examine_training(config: Oneshot, setup: OneshotSetup) -> TaskExamination:
    """Tasks of as many background alphabets as there are for validation, undistorted as those are.

    Where a class has a single example, its queries are distortions of it.

    Raises DataError where no alphabet has two classes to ask about.
    """
    examples, tasks = draw_training_tasks(config, setup.class_split)
    distortion = None if config.data.examples_per_class is None else read_distortion(config)
    return TaskExamination(examples, tasks, setup.siamese.similarity, config.data.image_size, distortion)


def draw_training_tasks(config: Oneshot, class_split: ClassSplit) -> tuple[Examples, tuple[Task, ...]]:
    """The tasks of `examine_training`, and the examples that they are about.

    Raises DataError where no alphabet has two classes to ask about.
    """
    background = class_split.background
    names = _list_alphabets(background, 2 if config.data.examples_per_class is None else 1)
    count = min(len(names), len(class_split.validation.present_alphabets()))
    picked = np.sort(np.random.default_rng(config.data.split_seed).permutation(len(names))[:count])
    examples = background.of_alphabets([names[place] for place in picked])
    single = config.data.examples_per_class is not None
    return examples, stand_in_tasks(examples) if single else within_alphabets(examples)


def _list_alphabets(examples: Examples, least: int) -> list[str]:
    """The alphabets with two classes or more of at least `least` examples.

    Raises DataError where there is none.
    """
    large = [members for members in examples.by_class().values() if len(members) >= least]
    counts = Counter(int(examples.alphabets[members[0]]) for members in large)
    names = [examples.alphabet_names[code] for code in sorted(counts) if counts[code] > 1]
    if not names:
        raise DataError(
            f"no alphabet to train on has two classes of {least} or more examples",
            "add classes to an alphabet, or put all classes into one folder",
        )
    return names


def stand_in_tasks(examples: Examples) -> tuple[Task, ...]:
    """Tasks for classes of one example each: which of 20 examples of an alphabet is this a distortion of?

    Of N examples, the index i + N stands for the distortion of example i.
    """
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
