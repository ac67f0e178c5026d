"""The JSON files of a training that the callback `dlpractice.Diagnose` recorded."""

from typing import Any

from dlpractice.runs.contract.document import Count, Document, Number, Text, key


class FitFacts(Document):
    """What the training is."""

    FILE = "training.json"

    keras: Text = key("The version of Keras.")
    backend: Text = key("Its backend.")
    model: Text | None = key("The name of the net.")
    parameters: Count | None = key("Numbers in it.")
    loss: Any = key("The name of the loss, or a nest of them.")
    optimizer: Text | None = key("The class of the optimiser.")
    learning_rate: Number | None = key("At the start.")
    fits: Count = key("How often `fit` was called.")
    epochs: Count | None = key("Epochs that were asked for, over all calls.")
    steps_per_epoch: Count | None = key("Steps of an epoch, where they are known.")
    stop_on: Text | None = key("The severity that ends it.")
    not_recorded: list[Text] = key("What could not be recorded, in sentences.")


class FitSummary(Document):
    """What came of it. It is written last."""

    FILE = "summary.json"

    verdict: Text = key("Of `dlp diagnose`.")
    findings: list[dict[Text, Any]] = key("As `dlp diagnose --json` has them.")
    epochs: Count = key("Epochs run.")
    seconds: Number | None = key("Wall time.")
    stopped: Text | None = key("Why the callback stopped it; null where it did not.")
    last: dict[Text, Any] = key("The last row of metrics.csv.")
