"""How much each block of a backbone tells of the classes of the images that may be learnt and chosen by."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.config.schema import Finetune
from dlpractice.data.dataset import Dataset
from dlpractice.data.naming.split_names import SplitName
from dlpractice.evaluation.probes.linear_probe import count_folds, divide_folds, judge_features, pick_sample
from dlpractice.evaluation.probes.log_evidence import log_evidence
from dlpractice.models.products import count_products
from dlpractice.progress import Progress
from dlpractice.recipes.finetune.setup import freeze_features, prepare_setup
from dlpractice.registry.strategies import pooled_cut
from dlpractice.statistics.differences import paired_difference, paired_interval
from dlpractice.statistics.equivalence import relate
from dlpractice.statistics.shares import accuracy
from dlpractice.training.devices.precision_choice import Choice

MOST_PROBED = 2000
"""Images of a split that are probed. More make the intervals narrower than the blocks lie apart."""
MOST_BLOCKS = 2
"""Blocks that are offered for a linear layer, where noise leaves open which is best."""
PROBED: tuple[SplitName, ...] = ("train", "validation")


@dataclass(frozen=True)
class Questions:
    """The images that probes are asked about: those of training, then those of validation, N in all.

    rows: the numbers of the images of each split. labels: (N,) int64. groups: (N,) what each is bound to.
    folds: into how many the training images are divided; 0 where a class has fewer than two groups.
    rounds: what each probe is fitted on and what it judges: a pair for each fold, and one for validation,
    which the probe of all training images judges.
    """

    rows: Mapping[SplitName, NDArray[np.int64]]
    labels: NDArray[np.int64]
    groups: tuple[str, ...]
    folds: int
    rounds: list[tuple[NDArray[np.int64], NDArray[np.int64]]]


@dataclass(frozen=True)
class Depth:
    """What the blocks of a backbone tell, each by its number, from 1.

    right: (N,) whether the class of each image was read rightly. evidence: LogME. products: multiplications
    of an image up to the end of the block. images: how many images' frozen features were computed.
    """

    backbone: str
    weights: str
    right: Mapping[int, NDArray[np.bool_]]
    evidence: Mapping[int, float]
    products: Mapping[int, int]
    questions: Questions
    images: int
    seconds: float

    @property
    def best_block(self) -> int:
        """The block that is read best; of equals, the one with the higher evidence."""
        return max(self.right, key=lambda block: (self.right[block].mean(), self.evidence[block]))

    @property
    def good_blocks(self) -> tuple[int, ...]:
        """The best block, and others that are less than one standard error worse, the better ones first: at
        most `MOST_BLOCKS`."""
        order = sorted(self.right, key=lambda block: (self.right[block].mean(), self.evidence[block]))
        best, *others = reversed(order)
        groups = self.questions.groups
        good = [b for b in others if paired_interval(self.right[b], self.right[best], 1.0, groups)[1] >= 0]
        return (best, *good[: MOST_BLOCKS - 1])

    @property
    def is_similar(self) -> bool:
        """Whether no block is read better than the last one by more than noise: what the base has learnt
        last, which is what it was trained for, then suits these images too."""
        last = max(self.right)
        return relate(self._difference(last).ci95) != "worse" if last != self.best_block else True

    def _difference(self, block: int) -> Any:
        questions = self.questions
        return paired_difference(self.right[block], self.right[self.best_block], questions.groups)

    def to_json(self) -> dict[str, Any]:
        """As choice.json has it."""
        return {
            "backbone": self.backbone,
            "weights": self.weights,
            "best_block": self.best_block,
            "seconds": self.seconds,
            "blocks": [
                {
                    "block": block,
                    "accuracy": accuracy(right, self.questions.groups).to_json(),
                    "log_evidence": self.evidence[block],
                    "products": self.products[block],
                    "difference": None if block == self.best_block else self._difference(block).to_json(),
                }
                for block, right in self.right.items()
            ],
        }


def ask_questions(dataset: Dataset, seed: int) -> Questions:
    """The images to ask about, and their folds, drawn by `seed`."""
    splits = {name: dataset.splits[name] for name in PROBED}
    rows = {name: pick_sample(split.labels, MOST_PROBED, seed) for name, split in splits.items()}
    labels = np.concatenate([split.labels[rows[name]] for name, split in splits.items()])
    groups = tuple(split.bound[row] for name, split in splits.items() for row in rows[name].tolist())
    trained = len(rows["train"])
    count = count_folds(labels[:trained], groups[:trained])
    if count < 2:
        return Questions(rows, labels, groups, 0, [])
    folds = divide_folds(labels[:trained], groups[:trained], count, seed)
    every = np.arange(len(labels))
    return Questions(rows, labels, groups, count, [*folds, (every[:trained], every[trained:])])


def probe_blocks(
    config: Finetune, blocks: int, more: tuple[str, ...], precision: Choice, progress: Progress
) -> Depth:
    """Probes each of the `blocks` of the backbone of `config`, whose strategy is `head`; one pass over the
    images of training and validation gives the features of all.

    more: other cuts whose features the same pass is to keep, for what will be trained on them.
    """
    started = time.perf_counter()
    setup = prepare_setup(config, progress, precision)
    cuts = tuple(pooled_cut(block) for block in range(1, blocks + 1))
    features = freeze_features(config, setup, (*cuts, *more), progress, PROBED)
    questions = ask_questions(setup.dataset, config.data.split_seed)
    progress.stage(f"probing {config.model.backbone}", blocks, "blocks")
    right, evidence, products = {}, {}, {}
    for block, cut in enumerate(cuts, 1):
        parts = [np.asarray(features[name][cut][rows]) for name, rows in questions.rows.items()]
        values = np.concatenate(parts).astype(np.float32)
        right[block] = judge_features(values, questions.labels, questions.rounds)
        evidence[block] = log_evidence(values, questions.labels)
        products[block] = count_products(setup.classifier.front([cut]))
        progress.advance()
    return Depth(
        config.model.backbone,
        setup.classifier.weights.origin,
        right,
        evidence,
        products,
        questions,
        len(setup.dataset.train) * config.augment.views + len(setup.dataset.validation),
        time.perf_counter() - started,
    )
