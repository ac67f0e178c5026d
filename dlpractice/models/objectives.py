"""What an encoder can be trained on, a row each: a similarity, and a loss over all pairs of a batch.

A batch is embedded once, and each of its B (B - 1) / 2 pairs is an example of same or different.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlpractice.errors import ModelError
from dlpractice.layers.similarity import Cosine, NegativeDistance, Similarity, WeightedDistance
from dlpractice.models import contrastive, prototypical, supcon, triplet, verification

Settings = Mapping[str, float]


@dataclass(frozen=True)
class Objective:
    """One loss, and the similarity that it trains and that is used afterwards.

    `build_similarity(settings)` and `loss(embeddings, labels, similarity, **settings)` take the settings
    named in `similarity_settings` and `loss_settings`, which hold the values of the paper or, where it has
    none, ours. `loss` takes (B, D) float32 embeddings and (B,) labels, and gives a scalar.
    """

    name: str
    about: str
    paper: str
    build_similarity: Callable[[Settings], Similarity]
    loss: Callable[..., Any]
    similarity_settings: Settings = field(default_factory=dict)
    loss_settings: Settings = field(default_factory=dict)


_ROWS = (
    Objective(
        "verification",
        "cross-entropy of same and different",
        "Koch, Zemel and Salakhutdinov 2015, Siamese Neural Networks for One-shot Image Recognition",
        lambda settings: WeightedDistance(name="similarity"),
        verification.loss,
    ),
    Objective(
        "contrastive",
        "pulls pairs together or pushes them apart, to a margin",
        "Hadsell, Chopra and LeCun 2006, Dimensionality Reduction by Learning an Invariant Mapping",
        # On the unit sphere, so that one margin suits every number of dimensions.
        lambda settings: NegativeDistance(unit=True, name="similarity"),
        contrastive.loss,
        loss_settings={"margin": 1.0},
    ),
    Objective(
        "triplet",
        "nearer to its class than to a semi-hard other, by a margin",
        "Schroff, Kalenichenko and Philbin 2015, arXiv:1503.03832",
        lambda settings: NegativeDistance(unit=True, name="similarity"),
        triplet.loss,
        loss_settings={"margin": 0.2},
    ),
    Objective(
        "prototypical",
        "picks its class among the classes' means",
        "Snell, Swersky and Zemel 2017, arXiv:1703.05175",
        lambda settings: NegativeDistance(name="similarity"),
        prototypical.loss,
    ),
    Objective(
        "supcon",
        "picks those of its class among all others",
        "Khosla et al. 2020, arXiv:2004.11362",
        lambda settings: Cosine(1.0 / settings["temperature"], name="similarity"),
        supcon.loss,
        similarity_settings={"temperature": 0.1},
    ),
)
OBJECTIVES: dict[str, Objective] = {row.name: row for row in _ROWS}


def find_objective(name: str) -> Objective:
    """The row of `name`. Raises ModelError that lists the names there are."""
    if name not in OBJECTIVES:
        raise ModelError(f"no objective is called {name!r}", f"choose one of {', '.join(OBJECTIVES)}")
    return OBJECTIVES[name]
