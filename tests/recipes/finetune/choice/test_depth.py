"""Which blocks are offered for a linear layer, and what probes are asked about."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from dlpractice.recipes.finetune.choice.depth import Depth, Questions, ask_questions


def read_blocks(*rights: int) -> Depth:
    """Blocks that read so many of 400 images rightly, the first ones."""
    groups = tuple(map(str, range(400)))
    questions = Questions({}, np.zeros(400, np.int64), groups, 5, [])
    right = {number: np.arange(400) < count for number, count in enumerate(rights, 1)}
    evidence = dict.fromkeys(right, 0.0)
    return Depth("net", "imagenet", right, evidence, dict.fromkeys(right, 1), questions, 400, 0.0)


def test_the_second_best_block_is_offered_where_noise_leaves_open_which_is_best() -> None:
    assert read_blocks(300, 360, 359, 358).good_blocks == (2, 3)
    assert read_blocks(359, 300, 310, 360).good_blocks == (4, 1)
    assert read_blocks(300, 360, 320, 330).good_blocks == (2,)


def test_validation_is_judged_by_the_probe_of_all_training_images() -> None:
    def split(count: int, name: str) -> SimpleNamespace:
        bound = tuple(f"{name}{number}" for number in range(count))
        return SimpleNamespace(labels=np.arange(count) % 2, bound=bound)

    splits = {"train": split(12, "t"), "validation": split(6, "v"), "test": split(9, "x")}
    questions = ask_questions(cast(Any, SimpleNamespace(splits=splits)), 0)
    *folds, (fit, judged) = questions.rounds
    assert questions.folds == len(folds) == 5
    assert sorted(np.concatenate([judge for _, judge in folds])) == [*range(12)]
    assert (fit.tolist(), judged.tolist()) == ([*range(12)], [*range(12, 18)])
    assert questions.groups == (*splits["train"].bound, *splits["validation"].bound)
