"""One model from pixels to class probabilities, and the cuts between its frozen and trained parts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from dlpractice.errors import ModelError
from dlpractice.layers.convnet import build_convnet
from dlpractice.layers.dropout import PhiloxDropout
from dlpractice.layers.preprocessing import Scaling, preprocess
from dlpractice.models.backbones import build_blocks
from dlpractice.models.weights import LoadedWeights, load_weights
from dlpractice.registry.backbones import Backbone
from dlpractice.registry.strategies import IMAGES, Strategy, block_cut, pooled_cut

# A feature that hardly varied in training may vary in use, and dividing by its tiny deviation would let it
# drown the others; no feature's variance is taken to be less than this share of the mean variance.
_VARIANCE_FLOOR = 1e-2


@dataclass(frozen=True)
class Classifier:
    """`model` maps (N, S, S, 3) RGB in 0..255 to (N, K) probabilities.

    cuts: the names of the tensors at which the model can be cut, `images`, `block1` ... and `pooled1` ...:
        what lies behind a cut is trained, and the tensor's values can be kept when all in front of it is
        frozen.
    scaling: what is done to pixels in front of the net's first layer, see `preprocessing.preprocess`.

    All parts made from the classifier share its variables: training a part trains the whole.
    """

    model: keras.Model
    cuts: dict[str, Any]
    logits: Any
    standardise: keras.layers.Layer
    head: tuple[keras.layers.Layer, ...]
    weights: LoadedWeights
    scaling: Scaling

    def front(self, cuts: Sequence[str]) -> keras.Model:
        """The part from the images to the tensors at `cuts`, which it returns as a list."""
        return keras.Model(self.model.input, [self.cuts[cut] for cut in cuts])

    def rest(self, cut: str) -> keras.Model:
        """The part from the tensor at `cut` to the logits.

        Raises ModelError where something leads past the cut.
        """
        try:
            return keras.Model(self.cuts[cut], self.logits)
        except ValueError as error:
            raise ModelError(
                f"the net cannot be trained from {cut} on: connections lead past the layer that ends it",
                "name layers in model.cuts that all later ones read, or train a linear layer alone",
            ) from error

    def freeze(self, cut: str) -> None:
        """Makes all layers behind `cut` trainable and all in front of it frozen.

        Each layer is set by itself. `training=False` in the call of a frozen base would not be enough, since
        Keras moves the statistics of its batch normalisation all the same.
        """
        for layer in self.model.layers:
            layer.trainable = True
        frozen = self.front([cut]).layers if cut != IMAGES else []
        for layer in [*frozen, self.standardise]:
            layer.trainable = False

    def is_pretrained(self, variable: Any) -> bool:
        """Whether `variable` was loaded, and so gets the smaller learning rate, rather than initialised."""
        if self.weights.origin == "random":
            return False
        return not any(variable is own for layer in self.head for own in layer.variables)

    def standardise_features(self, parts: Iterable[NDArray[np.floating[Any]]]) -> None:
        """Sets the fixed shift and scale that the head applies to its inputs.

        One learning rate then suits every backbone and block, whatever the range of its activations.

        parts: (n, C) each, together the pooled features of the training images.
        """
        mean, variance = _measure_moments(parts)
        floor = max(float(variance.mean()) * _VARIANCE_FLOOR, 1e-12)
        self.standardise.set_weights([mean, np.maximum(variance, floor)])


@dataclass(frozen=True)
class Design:
    """What a classifier leaves open once its backbone and its strategy are chosen.

    Args:
        weights: `imagenet`, the path of a weights file, or None for a backbone that starts from random
            weights.
        pooling: `avg` or `max` over the positions of the last feature map.
        hidden: the number of units of each dense layer in front of the logits.
        dropout: the share in [0, 1) of its inputs that each dense layer of the head drops in a training step.
        width: a factor on the channels of the small net that is trained from scratch.
    """

    weights: str | None
    pooling: str = "avg"
    hidden: tuple[int, ...] = ()
    dropout: float = 0.0
    width: float = 1.0


def build_classifier(
    backbone: Backbone,
    strategy: Strategy,
    class_count: int,
    image_size: int,
    design: Design,
) -> Classifier:
    """Builds the net of `strategy` and puts its starting weights in.

    Args:
        class_count: K.
        image_size: S, in pixels.

    Raises:
        ModelError: the image is too small for the backbone, or its weights cannot be had.
    """
    # Squares of the right size alone: Keras's Resizing does not smooth what it shrinks, and lets all layers
    # behind it train where `model(images)` does not say otherwise (keras-team/keras#23166).
    images = keras.Input((image_size, image_size, 3), dtype="float32", name="images")
    scaling: Scaling = "tf" if strategy.block is None else backbone.scaling
    inputs = preprocess(images, scaling)
    cuts: dict[str, Any] = {IMAGES: images}
    base = None
    if strategy.block is None:
        pooled = _pool(build_convnet(inputs, design.width), design.pooling, "pooled")
    else:
        base, ends = build_blocks(backbone, inputs)
        for number, end in enumerate(ends[: strategy.block], 1):
            cuts[block_cut(number)] = end
            cuts[pooled_cut(number)] = pooled = _pool(end, design.pooling, pooled_cut(number))
    standardise, head, logits = _build_head(pooled, class_count, design.hidden, design.dropout)
    probabilities = layers.Softmax(dtype="float32", name="probabilities")(logits)
    model = keras.Model(images, probabilities, name="classifier")
    # Last, because Keras's download draws random numbers: the head starts the same wherever the weights
    # come from.
    loaded = LoadedWeights("random", "") if base is None else load_weights(base, backbone, design.weights)
    return Classifier(model, cuts, logits, standardise, head, loaded, scaling)


def _measure_moments(
    parts: Iterable[NDArray[np.floating[Any]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean and the variance of each column over all parts, (C,) both.

    After Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances"
    (1979).
    """
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    for part in parts:
        values = part.astype(np.float64)
        own, total = values.mean(axis=0), count + len(values)
        away = own - mean
        squares = squares + ((values - own) ** 2).sum(axis=0) + away**2 * (count * len(values) / total)
        mean = mean + away * (len(values) / total)
        count = total
    return mean, squares / count


def _pool(features: Any, pooling: str, name: str) -> Any:
    """(N, ..., C) -> (N, C): the mean or the maximum over the positions of a map, or over tokens."""
    kinds = {
        3: {"avg": layers.GlobalAveragePooling1D, "max": layers.GlobalMaxPooling1D},
        4: {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D},
    }
    layer = kinds[len(features.shape)][pooling] if len(features.shape) > 2 else layers.Flatten
    return layer(dtype="float32", name=name)(features)


def _build_head(
    pooled: Any, class_count: int, hidden: tuple[int, ...], dropout: float
) -> tuple[keras.layers.Layer, tuple[keras.layers.Layer, ...], Any]:
    """Standardises the features, then adds hidden layers with dropout and the logits.

    All of it is float32, whatever the base computes in.
    """
    # Batch normalisation without scale, kept frozen, is a fixed affine map: a layer that every export format
    # knows.
    standardise = layers.BatchNormalization(
        center=False, scale=False, epsilon=1e-12, trainable=False, dtype="float32", name="standardise"
    )
    x = standardise(pooled)
    own: list[keras.layers.Layer] = []
    for number, units in enumerate(hidden, 1):
        own.append(layers.Dense(units, activation="relu", dtype="float32", name=f"hidden{number}"))
        x = own[-1](PhiloxDropout(dropout, dtype="float32", name=f"dropout{number}")(x))
    own.append(layers.Dense(class_count, dtype="float32", name="logits"))
    logits = own[-1](PhiloxDropout(dropout, dtype="float32", name="dropout")(x))
    return standardise, tuple(own), logits
