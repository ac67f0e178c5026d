"""The JSON files of folders of several runs: comparison.json, sweep.json, search.json and the like."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from dlpractice.runs.contract.document import Count, Document, Number, Part, Text, key
from dlpractice.runs.contract.run_documents import MeasuredResult


class VariantRow(Part):
    """A strategy, a method or a value, with its seeds."""

    strategy: Text = key("Of `dlp finetune`.")
    chosen: list[Text] = key("Of `dlp finetune`: what `auto` chose, by seed.")
    method: Text = key("Of `dlp oneshot`.")
    name: Text = key("In a sweep or a search: the name of its folder.")
    value: Any = key("In a sweep or a search: the value; of several keys, the values by key.")
    state: Literal["finished", "given up"] = key("In a search.")
    epochs: Count = key("In a search: epochs that were trained, over all stages.")
    about: Text = key("Of `dlp oneshot`: what it is.")
    kind: Literal["measured", "published"] = key("Of `dlp oneshot`.")
    source: Text = key("Of `dlp oneshot`: where it was published.")
    seeds: list[int] = key("The seeds.")
    trainable_parameters: Count = key("Numbers that the last stage trained.")
    train_accuracy: Number | None = key("The mean over seeds.")
    val_accuracy: MeasuredResult | None = key("Of the mean answers.")
    test_accuracy: MeasuredResult | None = key("Of the mean answers.")
    difference: MeasuredResult | None = key("Paired, to the best on validation; null for the best.")
    results: dict[Text, MeasuredResult] = key("Of `dlp oneshot`: by protocol.")
    seconds: Number | None = key("Wall time; the mean over seeds.")
    published: Any = key("What others have published.")
    runs: list[Text] = key("The folders of its runs.")


class ComparisonTable(Document):
    """A row for each strategy or method."""

    FILE = "comparison.json"

    rows: list[VariantRow] = key("A row for each.")
    data: Text = key("The source of the data.")
    shared_seconds: Number = key("Of `dlp finetune`: what all of them took together.")
    command: Text = key("The command.")
    protocol: Text = key("Of `dlp oneshot`: what they are ranked by.")


class SweepTable(ComparisonTable):
    """A row for each value."""

    FILE = "sweep.json"

    key: Text = Field(default="", description="The keys of the config that were varied, separated by commas.")


class SearchTable(SweepTable):
    """A row for each trial, with what validation says of it."""

    FILE = "search.json"

    chosen: VariantRow | None = key("The best trial's setting, trained anew and tested.")


class FoldsTable(SweepTable):
    """A row for each fold, and what all of them say together."""

    FILE = "folds.json"

    accuracy: MeasuredResult | None = key(
        "Of all images, each predicted by the run that tests it; the interval is the wider of two."
    )
    per_class: dict[Text, MeasuredResult] = key("The same, class by class.")
    class_names: list[Text] = key("In the order of `confusion`.")
    confusion: list[list[Count]] = key("Images by class, and by what they were taken for.")
    temperature: Number | None = key("The softmax's in `model.keras`, fitted to out-of-fold logits.")


class TrialRow(Part):
    """The run as it was, or an arm."""

    overrides: list[Text] | None = key("What was changed in the config.")
    remedy: Text = key("The change, in words.")
    epochs: Count = key("Epochs that were asked for.")
    steps: Number | None = key("Optimiser steps.")
    seconds: Number | None = key("Wall time.")
    val_accuracy: MeasuredResult | None = key("On validation.")
    val_loss: Number | None = key("On validation, nats.")
    runs: list[Text] = key("The folders of its runs.")


class PairedGain(Part):
    """Paired differences on validation."""

    accuracy: MeasuredResult | None = key("In accuracy: better above 0.")
    loss: MeasuredResult | None = key("In loss, nats: better below 0; null where it cannot be seen.")


class TrialTable(Document):
    """A remedy against one that was drawn at random."""

    FILE = "trial.json"

    run: Text = key("The run that it is about.")
    folder: Text = key("Where the new runs lie.")
    command: Text = key("The command.")
    finding: Text = key("The finding that was acted upon.")
    seeds: list[int] = key("The seeds of each arm.")
    draw: int = key("The seed by which the random remedy was drawn.")
    before: TrialRow | None = key("The run as it was.")
    remedy: TrialRow | None = key("The arm with the remedy.")
    random: TrialRow | None = key("The arm with a random one; null where there is no other.")
    to_before: PairedGain | None = key("The remedy less the run as it was.")
    to_random: PairedGain | None = key("The remedy less the random arm.")


TABLES: Mapping[str, type[Document]] = {
    model.FILE: model for model in (ComparisonTable, SweepTable, SearchTable, FoldsTable, TrialTable)
}
"""The model of each table by the name of its file."""
