"""The nets of several runs on the same classes as one, whose answer is the mean of theirs.

Their mean errs less than one of them does on the average (Breiman 1996, "Bagging predictors"), and each has
had validation images of its own, which one net that is trained on all images would lack.
"""

from collections.abc import Sequence

import keras
from keras import layers

from dlpractice.models.model_file import copy_plainly
from dlpractice.models.precision import set_precision
from dlpractice.models.weights import digest_tensors
from dlpractice.recipes.finetune.setup import Setup
from dlpractice.registry.strategies import IMAGES
from dlpractice.training.features import describe_layers


def average_nets(setups: Sequence[Setup], temperature: float) -> keras.Model:
    """A net from (N, S, S, 3) pixels to the (N, K) mean of the probabilities that the nets of `setups` give,
    each with its softmax at `temperature`.

    What they have in front of what was trained is computed once where it is the same, as the frozen base of
    `head` is.
    """
    images = keras.Input(setups[0].classifier.model.input_shape[1:], dtype="float32", name="images")
    fronts: dict[tuple[str, str], keras.KerasTensor] = {}
    answers = []
    for number, setup in enumerate(setups, 1):
        classifier, cut = setup.classifier, setup.strategy.stages[-1].cut
        set_precision(classifier.model, setup.precision)
        seen = images
        if cut != IMAGES:
            front = classifier.front([cut])
            key = describe_layers(front), digest_tensors(front.get_weights())
            if key not in fronts:
                fronts[key] = _name(front, f"base{len(fronts) + 1}")(images)
            seen = fronts[key]
        logits = _name(classifier.rest(cut), f"fold{number}")(seen)
        # Names that begin so stay in float32, see `models.precision`.
        cooled = layers.Rescaling(1 / temperature, dtype="float32", name=f"logits{number}")(logits)
        answers.append(layers.Softmax(dtype="float32", name=f"probabilities{number}")(cooled))
    mean = layers.Average(dtype="float32", name="probabilities")(answers)
    return keras.Model(images, mean, name="averaged")


def _name(net: keras.Model, name: str) -> keras.Model:
    """A copy of a net with one output, under another name, so that it can be a layer beside its like."""
    copy = copy_plainly(net)
    return keras.Model(copy.inputs[0], copy.outputs[0], name=name)
