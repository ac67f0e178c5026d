"""One-shot accuracies of others, by data set and protocol, to set measured ones beside."""

from dataclasses import dataclass

_LECTURE = (
    "Dudar, Practical aspects of deep learning, lecture, Kyiv 2018, after Koch et al. 2015, Siamese neural "
    "networks for one-shot image recognition"
)
_ATTENTIVE = "Shyam, Gupta and Dukkipati 2017, Attentive recurrent comparators, arXiv:1703.00767"
_HAUSDORFF = "Lake et al., brendenlake/omniglot, demo of one-shot classification: 38.75 % error"


@dataclass(frozen=True)
class PublishedAccuracy:
    """Somebody's `value`, a share in [0, 1], with `method` as its row's name."""

    method: str
    value: float
    source: str


LAKE_20 = (
    PublishedAccuracy("attentive comparators", 0.985, _ATTENTIVE),
    PublishedAccuracy("people", 0.955, _LECTURE),
    PublishedAccuracy("hierarchical Bayesian program learning", 0.952, _LECTURE),
    PublishedAccuracy("convolutional Siamese net", 0.920, _LECTURE),
    PublishedAccuracy("affine model", 0.818, _LECTURE),
    PublishedAccuracy("hierarchical deep model", 0.652, _LECTURE),
    PublishedAccuracy("deep Boltzmann machine", 0.620, _LECTURE),
    PublishedAccuracy("modified Hausdorff distance", 0.6125, _HAUSDORFF),
    PublishedAccuracy("Siamese net, fully connected", 0.583, _LECTURE),
    PublishedAccuracy("simple strokes", 0.352, _LECTURE),
    PublishedAccuracy("nearest neighbour", 0.217, _LECTURE),
)
"""20 runs, 20-way, within alphabets; training data differ from work to work."""

PUBLISHED_ONESHOT: dict[str, dict[str, tuple[PublishedAccuracy, ...]]] = {"omniglot": {"lake-20": LAKE_20}}
