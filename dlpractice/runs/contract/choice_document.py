"""The JSON file of a choice: what `auto` measured, tried and chose."""

from pydantic import Field

from dlpractice.runs.contract.document import Count, Document, Number, Part, Text, key
from dlpractice.runs.contract.run_documents import MeasuredResult


class BlockProbe(Part):
    """How well a linear layer reads the classes from a block's features."""

    block: Count = Field(description="The block, from 1.")
    accuracy: MeasuredResult = Field(
        description="Of a linear probe: cross-validated with groups on training images, and on validation."
    )
    log_evidence: Number | None = key("LogME (You et al. 2021): nats an image, higher is better.")
    products: Number = key("Multiplications of an image up to there.")
    difference: MeasuredResult | None = key("Paired, to the best block of this net; null for the best.")


class BackboneProbe(Part):
    """A net whose blocks were probed."""

    backbone: Text = Field(description="Its name.")
    weights: Text = key("Where its weights come from.")
    best_block: Count = Field(description="The block that is read best.")
    blocks: list[BlockProbe] = Field(description="Its blocks.")
    seconds: Number = key("Wall time, with its frozen features.")


class CandidateRound(Part):
    """A round of successive halving: a candidate trained for some epochs and judged on validation."""

    epochs: Count = Field(description="Epochs of its last stage.")
    val_accuracy: MeasuredResult = Field(description="On validation.")
    products: Number = Field(description="Multiplications that the training took, by count.")
    seconds: Number | None = key("Wall time.")
    run: Text = key("Its folder in the run.")


class Candidate(Part):
    """A strategy that was considered."""

    strategy: Text = Field(description="Its name.")
    epochs: Count = key("Epochs of its last stage in a full training.")
    products: Number = Field(description="Multiplications of a full training, frozen features left out.")
    rounds: list[CandidateRound] = Field(description="With ever more epochs; empty where it was not tried.")
    difference: MeasuredResult | None = key(
        "Paired, on validation, to the best; null for it, or if not tried."
    )


class ChoiceDocument(Document):
    """What a run with `strategy: auto` or `model.backbone: auto` was begun with, measured and chose. A run
    that has not chosen yet has the first three keys alone."""

    FILE = "choice.json"

    asked: Text = Field(description="The config as it was asked for; `config.yaml` has what was chosen.")
    precision: Text = key("What was computed in.")
    precision_timings_seconds: dict[Text, Number | None] = key("As in `environment.json`.")
    strategy: Text = key("The strategy chosen.")
    backbone: Text = key("The backbone chosen.")
    reason: Text = key("Why, in a sentence.")
    run: Text | None = key(
        "The folder of the candidate whose training the run took over; null if there is none."
    )
    images: Count = key("How many images of training and validation were probed.")
    folds: Count = key("Of the cross-validation; 0 where there are too few images for one.")
    images_per_class: Number = key("Training images of a class, on the average.")
    large: bool | None = key("Whether the data are large.")
    similar: bool | None = key("Whether they are like what the backbone was trained on.")
    backbones: list[BackboneProbe] = key("The nets that were probed.")
    left_out: dict[Text, Text] = key("Nets that were not probed, each with the reason.")
    budget: Number = key("Multiplications that all rounds may take.")
    frozen_products: Number = key("Multiplications that the frozen features of the chosen backbone took.")
    candidates: list[Candidate] = key("What was considered, in the order of the table.")
    seconds: Number = key("Wall time of the choice.")
