"""Faults that no config of a one-shot run can state: in its drawings or in the code, patched."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np

Patch = Callable[[], AbstractContextManager[object]]


@contextmanager
def skip_rescaling() -> Iterator[None]:
    """The encoder sees pixels from 0 to 255."""
    with mock.patch("dlpractice.models.encoders.rescale", lambda images: images):
        yield


def shuffle_characters(share: float) -> Patch:
    """That share of each drawer's drawings change characters among themselves, in every alphabet; each drawer
    still has one drawing of each character."""

    @contextmanager
    def patch() -> Iterator[None]:
        from dlpractice.data.oneshot import class_split

        generate = class_split.generate_alphabets

        def generate_shuffled(count: int, *, seed: int, **settings: Any) -> Any:
            made, rng = generate(count, seed=seed, **settings), np.random.default_rng([seed, 1])
            classes = made.classes.copy()
            for alphabet in np.unique(made.alphabets):
                for drawer in np.unique(made.drawers):
                    own = np.flatnonzero((made.alphabets == alphabet) & (made.drawers == drawer))
                    chosen = rng.permutation(own)[: round(share * len(own))]
                    classes[chosen] = made.classes[rng.permutation(chosen)]
            return replace(made, classes=classes)

        with mock.patch.object(class_split, "generate_alphabets", generate_shuffled):
            yield

    return patch


@contextmanager
def leak_validation() -> Iterator[None]:
    """The validation alphabets are among those that are trained on."""
    from dlpractice.data.oneshot import class_split

    split = class_split._split_glyphs

    def split_leaking(plan: class_split.SplitPlan, progress: Any) -> Any:
        count = plan.glyph_alphabets + plan.validation_alphabets + plan.evaluation_alphabets
        made = class_split.generate_alphabets(count, seed=plan.split_seed)
        background = made.of_alphabets(made.alphabet_names[plan.evaluation_alphabets :])
        return replace(split(plan, progress), background=background)

    with mock.patch.object(class_split, "_split_glyphs", split_leaking):
        yield


@contextmanager
def push_nothing_apart() -> Iterator[None]:
    """The loss pulls drawings of one character together, and that is all: every embedding may become one."""
    from dlpractice.registry.loss_parts import average, match

    def pull(setup: Any, embeddings: Any, labels: Any) -> Any:
        similarity = setup.siamese.similarity
        return average(similarity.scale - similarity.pairs(embeddings, embeddings), match(labels)[0])

    with mock.patch("dlpractice.recipes.oneshot.setup.OneshotSetup.loss", pull):
        yield


@contextmanager
def weigh_first_image() -> Iterator[None]:
    """The dimensions of the first image's embedding have other weights than those of the second's."""
    import tensorflow as tf

    from dlpractice.layers.similarity import Cosine

    call, pairs = Cosine.call, Cosine.pairs

    def weigh(embeddings: Any) -> Any:
        return embeddings * tf.linspace(0.5, 1.5, embeddings.shape[-1])

    with (
        mock.patch.object(Cosine, "call", lambda self, inputs: call(self, [weigh(inputs[0]), inputs[1]])),
        mock.patch.object(Cosine, "pairs", lambda self, first, second: pairs(self, weigh(first), second)),
    ):
        yield
