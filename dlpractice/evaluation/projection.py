"""Embeddings in two dimensions, to be looked at."""

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

_COMPONENTS = 50
_PERPLEXITY = 30.0


def project(embeddings: NDArray[np.floating], seed: int) -> NDArray[np.float32]:
    """Maps (N, D) embeddings to (N, 2) float32 so that neighbours stay neighbours, to be looked at.

    Distances between groups mean nothing. The method is t-SNE (van der Maaten and Hinton, "Visualizing data
    using t-SNE", JMLR 9, 2008) on the first 50 principal components, as its authors advise. A fixed seed
    gives the same picture. Equal embeddings, as of a collapsed network, lie on one point.

    Raises:
        ValueError: N is below 4, which is too few for neighbours.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if embeddings.ndim != 2 or len(embeddings) < 4:
        raise ValueError(f"expected embeddings of shape (N, D), N >= 4; got {embeddings.shape}")
    if not np.ptp(embeddings, axis=0).any():
        return np.zeros((len(embeddings), 2), np.float32)
    components = min(_COMPONENTS, *embeddings.shape)
    # Each point is to have about `perplexity` neighbours: of few points, at most a third of the others.
    perplexity = min(_PERPLEXITY, (len(embeddings) - 1) / 3)
    tsne = TSNE(2, perplexity=perplexity, init="random", random_state=seed)
    # Threads that wait for each other a thousand times: beside other work, two take 100 times as long as one.
    with threadpool_limits(1):
        reduced = PCA(components, random_state=seed).fit_transform(embeddings.astype(np.float64))
        return np.asarray(tsne.fit_transform(reduced), np.float32)
