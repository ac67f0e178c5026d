"""benchmark.json: what `dlp benchmark` measured."""

from typing import Any, Literal

from pydantic import Field

from dlpractice.runs.contract.document import Count, Document, Number, Part, Text, key


class BenchmarkRow(Part):
    """A figure; docs/benchmark.md tells what else it has."""

    name: Text = Field(description="Its name.")
    value: Number | None = key("The median; null where it was not measured.")
    unit: Text | None = key("Its unit.")
    kind: Literal["measured", "published", "predicted"] = key("Where it comes from.")
    samples: list[Number] | None = key("The repetitions.")
    lower_is_better: bool = key("Whether a lower value is a better one.")
    n: Count = key("How many repetitions.")


class BenchmarkPart(Part):
    """A part of the benchmark."""

    rows: list[BenchmarkRow] = Field(description="Its figures.")


class BenchmarkDocument(Document):
    """What was measured, as far as it has come."""

    FILE = "benchmark.json"

    command: Literal["benchmark"] = Field(description="The command.")
    finished: bool = key("Whether all parts were measured.")
    environment: dict[Text, Any] = key("The machine and its software.")
    config: dict[Text, Any] = key("The config, with every value.")
    parts: dict[Text, BenchmarkPart] = Field(description="By name, what was measured.")
    answers: list[dict[Text, Any]] = key("What the figures say, in sentences.")
    steadiness: dict[Text, Any] = key("How steady the machine was meanwhile, and its drift.")
    left_out: list[Text] = key("What was left out for lack of time.")
    baseline: dict[Text, Any] = key("How it compares with an earlier benchmark.")
    seconds: Number = key("Wall time.")
