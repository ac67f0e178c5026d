"""diagnostics.json: what the net did while it trained, for `dlp diagnose`."""

from typing import Annotated

from pydantic import Field

from dlpractice.runs.contract.document import Count, Document, Number, Part, Text, key

Found = Number | None  # null where it is not finite


class ValueRange(Part):
    """The range of an array."""

    low: Found = key("The lowest value.")
    high: Found = key("The highest value.")
    mean: Found = key("The mean.")
    std: Found = key("The standard deviation.")
    layer: Text = key("The layer that sees these values.")
    scaling: Text | None = key("The scaling in front of it.")


class TargetRange(ValueRange):
    """The range of the targets of the first batch."""

    takes: Annotated[list[Number], Field(min_length=2, max_length=2)] | None = key(
        "The lowest and the highest target that the loss takes; null where it takes all."
    )
    whole: bool = key("Whether all are whole numbers.")
    sums: Annotated[list[Number], Field(min_length=2, max_length=2)] | None = key(
        "The lowest and the highest sum of an example's targets; null where it has one target."
    )
    counts: list[Count] = key("How many of the batch are of each class, where the loss is a crossentropy.")


class PairScores(Part):
    """The similarities of a batch's pairs."""

    same: Found = key("The mean over pairs of the same class.")
    different: Found = key("The mean over pairs of different classes.")
    spread: Found = key("The standard deviation over all pairs.")
    asymmetry: Found = key("The largest difference between s(a, b) and s(b, a).")


class NetOutput(ValueRange):
    """The range of what the net gives."""

    activation: Text | None = key("Of the last layer.")
    units: Count | None = key("Of the last layer.")
    predicted: list[Found] = key("The share of the batch that each class is predicted for.")
    similarity: PairScores = key("In one-shot runs.")


class BatchLearning(Part):
    """Whether one batch can be learnt."""

    before: Found = key("Its loss before.")
    after: Found = key("Its loss afterwards.")
    floor: Found = key("The lowest loss that is possible; null where that is not known.")
    steps: Count = key("The steps that were taken.")


class NetLayer(Part):
    """A layer of the net."""

    name: Text = Field(description="Its name.")
    kind: Text = key("Its class.")
    activation: Text | None = key("What it ends in.")
    trained: bool = Field(description="Whether its weights are trained.")
    gradient_norm: Found = key("The norm of its gradients.")
    weight_norm: Found = key("The norm of its weights.")
    update_ratio: Found = key("How far the epoch's first step moved it, over the norm of its weights.")
    bias_mean: Found = key("The mean of its bias.")
    dead: Found = key("The share of ReLUs that give zero for every example.")
    saturated: Found = key("The share of activations at the flat ends of their function.")


class NetAtStart(Part):
    """The first batch before training."""

    stage: Text = key("The stage, or the call of `fit`.")
    examples: Count = key("How many images it has.")
    loss: Found = key("Its loss.")
    loss_name: Text | None = key("What the loss is called.")
    loss_takes: Text | None = key("`logits` or `probabilities`.")
    one_batch: BatchLearning | None = key("Whether it can be learnt.")
    inputs: ValueRange | None = key("What the first trained layer sees.")
    output: NetOutput | None = key("What the net gives.")
    layers: list[NetLayer] | None = key("The layers.")
    task: Text = key("`classification` or `one-shot`.")
    classes: Count | None = key("How many there are; 0 in one-shot runs.")
    objective: Text = key("In one-shot runs.")
    images: ValueRange | None = key("The pixels.")
    preprocessed: ValueRange | None = key("What the first layer with weights sees.")
    targets: TargetRange | None = key("The targets.")
    after_softmax: list[Text] = key("Layers that weigh what a softmax gave, or take a softmax of it.")
    linear_layers: Count | None = key("How many there are in a net without activations but at its end.")
    kernels: Count = key("How many trained layers weigh what they see.")
    even_kernels: Count = key("Of how many of these all weights are one number.")
    penalty: Found = key("What the net adds to its loss, such as weight decay; it is part of `loss`.")
    dropout: Found = key("The highest rate of a dropout layer.")


class NetAfterEpoch(Part):
    """The same batch after an epoch."""

    stage: Text = key("The stage, or the call of `fit`.")
    epoch: Count = Field(description="The epoch, from 1.")
    loss: Found = key("Its loss.")
    output: NetOutput | None = key("What the net gives.")
    layers: list[NetLayer] = Field(description="The layers.")


class FirstStep(Part):
    """The last first step of an epoch."""

    stage: Text = key("The stage.")
    epoch: Count = key("The epoch, from 1.")
    update_ratios: dict[Text, Found] = key("By layer, how far it moved the layer, over its weights.")


class Diagnostics(Document):
    """What the net did, with `training.diagnostics`."""

    FILE = "diagnostics.json"

    start: NetAtStart = key("Before training.")
    epochs: list[NetAfterEpoch] = key("After some of the epochs.")
    step: FirstStep = key("Of the epoch that goes on.")
