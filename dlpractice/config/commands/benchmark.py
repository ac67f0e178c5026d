"""The config of `dlp benchmark`: which parts are measured, how large, how often."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field

from dlpractice.config.sections.benchmark import (
    Backends,
    DataParallel,
    Input,
    ModelParallel,
    Models,
    Peaks,
    Prediction,
)
from dlpractice.config.sections.shared import Seed
from dlpractice.config.variants import Varied

PartName = Literal["peaks", "models", "input", "data_parallel", "model_parallel", "prediction", "backends"]
PARTS: tuple[PartName, ...] = get_args(PartName)


class Benchmark(Varied):
    """What hardware is worth for this work: the config of `dlp benchmark`."""

    command: Literal["benchmark"] = Field(description="The command that this config is for.")
    parts: tuple[PartName, ...] = Field(
        default=PARTS,
        min_length=1,
        description="The parts to measure; they run in the order of the sections below.",
    )
    repetitions: int = Field(
        default=7,
        ge=5,
        le=1000,
        description="Times, at least, that each figure is measured once it is warm; the median is reported.",
    )
    spread_seconds: float = Field(
        default=5.0,
        ge=0,
        le=3600,
        description="Time, at least, from the first repetition of a figure to the last, in seconds. Figures "
        "of one kind take turns, so that a spell in which the machine is slow spoils a few repetitions of "
        "each rather than one figure.",
    )
    time_limit_seconds: float = Field(
        default=180.0,
        gt=0,
        le=86_400,
        description="About the most time that the whole may take. Each part gets a share; what has no time "
        "left is left out and named, and figures get fewer repetitions. A net that is being compiled is "
        "waited for.",
    )
    memory_share: float = Field(
        default=0.5,
        gt=0,
        le=0.95,
        description="Largest share of the free memory that a measurement may take, on the host and on the "
        "device.",
    )
    price_per_hour: float | None = Field(
        default=None,
        gt=0,
        description="Price of an hour of this machine, in any currency; nets then have a cost per million "
        "images.",
    )
    seed: Seed = 0
    peaks: Peaks = Field(default=Peaks(), description="Multiplying matrices, and moving memory.")
    models: Models = Field(default=Models(), description="Whole nets, inference and training.")
    input: Input = Field(default=Input(), description="Reading images, apart from computing.")
    data_parallel: DataParallel = Field(
        default=DataParallel(), description="The same net on several devices."
    )
    model_parallel: ModelParallel = Field(
        default=ModelParallel(), description="One net divided over several devices."
    )
    prediction: Prediction = Field(default=Prediction(), description="What more devices would bring.")
    backends: Backends = Field(default=Backends(), description="Other backends, each in its own process.")

    def section(self, part: PartName) -> Any:
        """The section of a part."""
        return getattr(self, part)
