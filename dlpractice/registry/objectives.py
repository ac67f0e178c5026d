"""The objectives that an encoder can be trained on, a row each: a similarity and a loss.

A step embeds its batch once; each of the B (B - 1) / 2 pairs is an example of the same class or of different
ones. Every loss takes (B, D) float32 embeddings, (B,) labels, the similarity, and the settings that its row
names as keywords; it gives a scalar.

To add an objective, put a loss and its row at the end: `OBJECTIVES["name"] = Objective(...)`.
docs/extending.md shows how. TensorFlow is imported inside the functions, so that reading the table imports
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlpractice.errors import ModelError
from dlpractice.registry.loss_parts import (
    average,
    match,
    measure_angle,
    measure_distance,
    measure_unit_distance,
    weigh_differences,
)
from dlpractice.registry.wording import join_words

if TYPE_CHECKING:
    from dlpractice.layers.similarity import Similarity


@dataclass(frozen=True)
class Setting:
    """A positive number that some objectives take, and a key of the config's section `objective`.

    default: its value where a config does not set it.
    largest: the upper bound, inclusive.
    meaning: what it does. The text holds `{objectives}` where the names of the objectives that take it stand.
    """

    default: float
    largest: float
    meaning: str

    def describe(self, name: str) -> str:
        """What the setting called `name` does, with the names of the objectives that take it."""
        takers = [objective for objective, row in OBJECTIVES.items() if name in row.settings]
        return self.meaning.format(objectives=join_words(takers, " and "))


@dataclass(frozen=True)
class Objective:
    """A loss, and the similarity that it trains. Later answers are found by that similarity.

    about: what the loss makes of a batch, in a few words.
    short: the same in fewer words, for the description of the config's key.
    paper: where it comes from, and the paper's settings where ours differ.
    build_similarity: takes a mapping of all settings and gives the similarity.
    loss: as the head of this file says.
    similarity_settings, loss_settings: the names of those of SETTINGS that each of the two takes.
    """

    about: str
    short: str
    paper: str
    build_similarity: Callable[[Mapping[str, float]], Similarity]
    loss: Callable[..., Any]
    similarity_settings: tuple[str, ...] = ()
    loss_settings: tuple[str, ...] = ()

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of all settings that the objective takes."""
        return self.similarity_settings + self.loss_settings


SETTINGS: dict[str, Setting] = {
    "temperature": Setting(
        default=0.1,
        largest=10,
        meaning="What {objectives} divides similarities by: lower looks harder at the nearest.",
    ),
    "margin": Setting(
        default=1.0,
        largest=100,
        meaning="Distance that {objectives} want between classes, in the embedding's unit.",
    ),
}

OBJECTIVES: dict[str, Objective] = {}


def find_objective(name: str) -> Objective:
    """The row of `name`. Raises ModelError, which lists the names of all rows."""
    if name not in OBJECTIVES:
        raise ModelError(f"no objective is called {name!r}", f"choose one of {', '.join(OBJECTIVES)}")
    return OBJECTIVES[name]


def verification_loss(embeddings: Any, labels: Any, similarity: Similarity) -> Any:
    """Asks of each pair whether it is of one class: cross-entropy, with the similarity as the logit.

    Koch, Zemel and Salakhutdinov 2015, section 3.2. Koch's batches hold as many pairs of one class as of two.
    Here all pairs of the batch count, and most of them are of two classes; so each kind is averaged by itself
    and makes half of the loss. A kind that the batch does not hold adds nothing.
    """
    import tensorflow as tf

    same, different = match(labels)
    # Both orders of a pair have the same value, so their mean is the mean over pairs.
    logits = similarity.pairs(embeddings, embeddings)
    return 0.5 * (average(tf.nn.softplus(-logits), same) + average(tf.nn.softplus(logits), different))


OBJECTIVES["verification"] = Objective(
    about="cross-entropy of same and different",
    short="a weighted distance says same or different; Koch 2015",
    paper="Koch, Zemel and Salakhutdinov 2015, Siamese Neural Networks for One-shot Image Recognition",
    build_similarity=weigh_differences,
    loss=verification_loss,
)


def contrastive_loss(embeddings: Any, labels: Any, similarity: Similarity, *, margin: float) -> Any:
    """Pulls pairs of one class together, and pushes pairs of two classes apart, up to a margin.

    A pair of one class costs d^2 / 2, a pair of two costs max(0, margin - d)^2 / 2 (Hadsell, Chopra and LeCun
    2006, equation 4). d^2 is minus the similarity, which has to be a NegativeDistance. All pairs of the batch
    count, and each of the two kinds makes half of the loss, as in `verification_loss`.
    """
    import tensorflow as tf

    same, different = match(labels)
    squares = -similarity.pairs(embeddings, embeddings)
    # The root has no gradient at 0, where two embeddings are equal: d^2 below 1e-12 gets none.
    distances = tf.sqrt(tf.maximum(squares, 1e-12))
    shortfalls = tf.square(tf.maximum(margin - distances, 0.0))
    return 0.25 * (average(squares, same) + average(shortfalls, different))


OBJECTIVES["contrastive"] = Objective(
    about="pulls pairs together or pushes them apart, to a margin",
    short="Hadsell 2006",
    paper="Hadsell, Chopra and LeCun 2006, Dimensionality Reduction by Learning an Invariant Mapping",
    build_similarity=measure_unit_distance,
    loss=contrastive_loss,
    loss_settings=("margin",),
)


def triplet_loss(embeddings: Any, labels: Any, similarity: Similarity, *, margin: float) -> Any:
    """Wants each example nearer to its own class than to another class, by a margin.

    The loss is the mean of max(0, d_ap - d_an + margin) over all ordered pairs of an anchor and a positive,
    where d is minus the similarity (Schroff, Kalenichenko and Philbin 2015, arXiv:1503.03832, section 3.2).

    Each pair gets one negative, the semi-hard one: the nearest negative that is farther away than the
    positive. (The paper wants it within the margin; beyond the margin the loss is zero anyway.) Where every
    negative is nearer than the positive, the farthest one is taken, since the hardest ones let embeddings
    collapse early in training. Pairs for which the batch has no negative are left out.
    """
    import tensorflow as tf

    same, different = match(labels)
    distances = -similarity.pairs(embeddings, embeddings)
    negatives = tf.argsort(tf.where(different, distances, distances.dtype.max), axis=1)
    negative_distances = tf.gather(distances, negatives, batch_dims=1)
    count = tf.math.count_nonzero(different, axis=1, keepdims=True, dtype=tf.int32)
    # Only a row's negatives are sorted; the entries behind them are in no order.
    beyond = tf.range(tf.shape(labels)[0])[None, :] >= count
    ordered = tf.where(beyond, distances.dtype.max, negative_distances)
    next_farther = tf.searchsorted(tf.stop_gradient(ordered), tf.stop_gradient(distances), side="right")
    chosen = tf.clip_by_value(next_farther, 0, tf.maximum(count - 1, 0))
    farther = tf.gather(negative_distances, chosen, batch_dims=1)
    return average(tf.maximum(distances - farther + margin, 0.0), same & (count > 0))


OBJECTIVES["triplet"] = Objective(
    about="nearer to its class than to a semi-hard other, by a margin",
    short="Schroff 2015",
    paper="Schroff, Kalenichenko and Philbin 2015, arXiv:1503.03832, with a margin of 0.2",
    build_similarity=measure_unit_distance,
    loss=triplet_loss,
    loss_settings=("margin",),
)


def prototypical_loss(embeddings: Any, labels: Any, similarity: Similarity) -> Any:
    """Lets each example choose its class among the mean embeddings of all classes.

    The loss is the cross-entropy of a softmax over the similarities of the example to these means (Snell,
    Swersky and Zemel 2017, arXiv:1703.05175).

    The paper divides a batch into support and queries. Here each example is the query in turn, and all others
    are the support: the mean of the example's own class leaves the example out. An example that is alone in
    its class is no query, but its class is one that the others have to be told apart from.
    """
    import tensorflow as tf

    # Column j stands for the class of example j; of those of one class, the first counts. A column for each
    # class would be fewer, but how many is known only when the labels are, and XLA has to know sizes.
    members = labels[:, None] == labels[None, :]
    first = tf.argmax(tf.cast(members, tf.int32), axis=0, output_type=tf.int32) == tf.range(tf.size(labels))
    sums = tf.matmul(tf.cast(members, tf.float32), embeddings)
    sizes = tf.math.count_nonzero(members, axis=1, keepdims=True, dtype=tf.float32)
    rest_sizes = sizes - 1.0
    own = similarity([embeddings, tf.math.divide_no_nan(sums - embeddings, rest_sizes)])
    scores = tf.where(members, own[:, None], similarity.pairs(embeddings, sums / sizes))
    scores = tf.where(first[None, :], scores, scores.dtype.min)
    return average(tf.reduce_logsumexp(scores, axis=1) - own, rest_sizes[:, 0] > 0)


OBJECTIVES["prototypical"] = Objective(
    about="picks its class among the classes' means",
    short="Snell 2017",
    paper="Snell, Swersky and Zemel 2017, arXiv:1703.05175",
    build_similarity=measure_distance,
    loss=prototypical_loss,
)


def supcon_loss(embeddings: Any, labels: Any, similarity: Similarity) -> Any:
    """Lets each example pick the examples of its own class out of all others of the batch.

    Khosla et al. 2020, arXiv:2004.11362, equation 2, L_out. For each example, the loss is the mean, over the
    other examples of its class, of the cross-entropy of a softmax over all others; these losses are then
    averaged. An example that is alone in its class has no loss of its own, but the others are told apart from
    it. The temperature is in the similarity: `Cosine(1 / temperature)`.
    """
    import tensorflow as tf

    same, _ = match(labels)
    scores = similarity.pairs(embeddings, embeddings)
    others = tf.linalg.set_diag(scores, tf.fill(tf.shape(labels), scores.dtype.min))
    log_shares = scores - tf.reduce_logsumexp(others, axis=1, keepdims=True)
    return average(-average(log_shares, same, axis=1), tf.reduce_any(same, axis=1))


OBJECTIVES["supcon"] = Objective(
    about="picks those of its class among all others",
    short="Khosla 2020",
    paper="Khosla et al. 2020, arXiv:2004.11362",
    build_similarity=measure_angle,
    loss=supcon_loss,
    similarity_settings=("temperature",),
)
