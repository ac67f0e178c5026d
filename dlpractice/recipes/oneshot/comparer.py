"""A net that compares images, wherever it is kept: from files to embeddings, similarities and verdicts."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.files.unlabelled_images import LoadedImage
from dlpractice.data.oneshot.query_files import Note, load_queries
from dlpractice.layers.similarity import SIMILARITIES, Similarity
from dlpractice.models.siamese import Verdict
from dlpractice.recipes.run.model_note import Comparison, Curve
from dlpractice.recipes.run.saved_model import forward_images

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Comparer:
    """What a one-shot run has trained.

    Args:
        embed_pixels: from (n, S, S, C) pixels in 0..255, S the side in the note's look, to (n, D) embeddings.
        similarity, verdict: of two embeddings, and what it means.
        note: how files are decoded.
        digest: sha256 of the run's `model.keras`, to which an index of enrolled classes is bound.
    """

    embed_pixels: Callable[[NDArray[np.generic]], Floats]
    similarity: Similarity
    verdict: Verdict
    note: Note
    digest: str

    @property
    def threshold(self) -> float:
        """The similarity from which on two images are taken for the same."""
        return float(self.verdict.threshold)

    @property
    def comparison(self) -> Comparison:
        """All that is needed to compare embeddings without this package."""
        return describe_comparison(self.similarity, self.verdict)

    def load(self, paths: Iterable[str]) -> Iterator[LoadedImage]:
        """Files, and those below folders, decoded as training images were."""
        return load_queries(paths, self.note)

    def embed(self, images: Iterable[LoadedImage]) -> Iterator[tuple[LoadedImage, Floats | None]]:
        """Each image with its (D,) embedding, in order; None for one that could not be read."""
        return forward_images(self.embed_pixels, images)

    def compare(self, queries: Floats, classes: Floats) -> Floats:
        """(Q, D) and (K, D) embeddings -> (Q, K) similarities."""
        return self.similarity.compare(queries, classes)

    def judge(self, similarities: Floats) -> Floats:
        """Similarities -> probabilities of "same", where both answers were equally likely beforehand."""
        return np.asarray(self.verdict(similarities))


def describe_comparison(similarity: Similarity, verdict: Verdict) -> Comparison:
    """The similarity, which must have been built, and the verdict on it, in plain numbers."""
    return Comparison(
        similarity=type(similarity).__name__,
        settings=similarity.settings,
        learned=similarity.learned,
        verdict=Curve.model_validate(vars(verdict)),
    )


def make_similarity(comparison: Comparison) -> Similarity:
    """The similarity that `describe_comparison` has described.

    Raises KeyError, TypeError or ValueError where it has described none.
    """
    similarity = SIMILARITIES[comparison.similarity](**comparison.settings)
    if comparison.learned:
        similarity.learn(comparison.learned)
    return similarity
