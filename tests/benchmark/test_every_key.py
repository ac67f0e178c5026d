"""Every key of a benchmark's config changes what is measured, or the run says that it changes nothing.

What would be timed is noted instead, so that two runs that measure the same things are equal to the bit.
"""

import functools
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from strict_patches import StrictPatch
from traced_runs import is_told, list_keys

from dlpractice.benchmark import benchmark, input_pipeline
from dlpractice.benchmark.backends import backends
from dlpractice.benchmark.context import Context
from dlpractice.benchmark.device.measurement import Figure, Row
from dlpractice.benchmark.device.steadiness import Steadiness
from dlpractice.benchmark.device.timing import Timing
from dlpractice.benchmark.prediction import prediction
from dlpractice.benchmark.results_file import BenchmarkFolder
from dlpractice.config.commands.benchmark import Benchmark
from dlpractice.data.files.decoding import Look
from dlpractice.progress import Silent

Settings = Mapping[str, Any]

SMALL: dict[str, Any] = {
    "command": "benchmark",
    "repetitions": 5,
    "spread_seconds": 0.0,
    "time_limit_seconds": 86_400.0,  # what is left of it stands in no note
    "peaks": {"precisions": ["float32"], "sizes": [32], "sustained_seconds": 0.0, "array_mebibytes": 1},
    "models": {"names": ["siamese"], "batch_sizes": [1, 2], "precisions": ["float32"]},
    "input": {"images": 8, "image_size": 16, "batch_size": 4},
    "prediction": {"model": "siamese", "devices": [2]},
    "backends": {"names": ["tensorflow"]},
}

# The parts that are measured, and another value.
CHANGES: dict[str, tuple[list[str], Any]] = {
    "parts": (["peaks"], ["input"]),
    "repetitions": (["peaks"], 6),
    "spread_seconds": (["peaks"], 1.0),
    "time_limit_seconds": (["peaks"], 1e-9),
    "memory_share": (["peaks"], 1e-9),
    "price_per_hour": (["models"], 2.0),
    "seed": (["models"], 1),
    "peaks.precisions": (["peaks"], ["float64"]),
    "peaks.sizes": (["peaks"], [64]),
    "peaks.longest_call_seconds": (["peaks"], 1e-9),
    "peaks.sustained_seconds": (["peaks"], 0.01),
    "peaks.array_mebibytes": (["peaks"], 2),
    "models.names": (["models"], ["vgg16"]),
    "models.batch_sizes": (["models"], [1]),
    "models.precisions": (["models"], ["bfloat16"]),
    "models.compilers": (["models"], ["xla"]),
    "models.training": (["models"], False),
    "models.longest_call_seconds": (["models"], 1e-9),
    "input.images": (["input"], 9),
    "input.image_size": (["input"], 17),
    "input.batch_size": (["input"], 5),
    "input.folder": (["input"], "photos"),
    "data_parallel.model": (["data_parallel"], "vgg16"),
    "data_parallel.batch_size": (["data_parallel"], 4),
    "model_parallel.model": (["model_parallel"], "vgg16"),
    "model_parallel.batch_size": (["model_parallel"], 4),
    "model_parallel.devices": (["model_parallel"], 3),
    "model_parallel.micro_batches": (["model_parallel"], 2),
    "prediction.model": (["prediction"], "resnet50"),
    "prediction.batch_size": (["prediction"], 4),
    "prediction.devices": (["prediction"], [4]),
    "prediction.interconnect": (["prediction"], "nvlink2"),
    "backends.names": (["backends"], ["jax"]),
    "backends.models": (["backends"], ["vgg16"]),
    "backends.batch_size": (["backends"], 4),
    "backends.timeout_seconds": (["backends"], 5.0),
}


class Notes(Silent):
    """What a run would have measured, in order, and what it warned of."""

    def __init__(self) -> None:
        self.noted: list[Any] = []
        self.images: set[tuple[str, int]] = set()  # read as often as it takes until times no longer fall
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def build(self, name: str, seed: int = 0) -> keras.Model:
        """In place of each net one of two layers, which is another for each name and seed."""
        self.noted.append(("net", name, seed))
        inputs = keras.Input((6, 6, 1), name="images")
        flat = keras.layers.Flatten(name="flat")(inputs)
        outputs = keras.layers.Dense(len(name), name="dense")(flat)
        return keras.Model(inputs, outputs)

    def measure(self, context: Context, stage: str, figures: Sequence[Figure]) -> list[Row]:
        """In place of their times a second for each call."""
        self.noted.append(asdict(context.sampling))
        timing = Timing(1.0, 0, 1, (1.0,) * context.sampling.repetitions)
        return [figure.to_row(timing if figure.watch else None) for figure in figures]

    def load(self, path: Path, look: Look) -> NDArray[np.uint8]:
        """In place of an image a black one."""
        self.images.add((path.name, look.image_size))
        return np.zeros((look.image_size, look.image_size, 3), np.uint8)

    def ask(self, request: Mapping[str, Any], backend: str) -> dict[str, Any]:
        """In place of what several logical devices learn nothing."""
        self.noted.append((dict(request), backend))
        return {}

    def start(self, command: Sequence[str], *, env: Mapping[str, str], timeout: float, **_: Any) -> Any:
        """In place of a backend's process one that has nothing to say."""
        named = [word for word in command if "=" in word]
        self.noted.append((named, env["KERAS_BACKEND"], timeout))
        document = {"environment": {}, "parts": {"models": {"rows": []}}}
        return subprocess.CompletedProcess(command, 0, json.dumps(document), "")


@pytest.fixture(scope="module")
def measure(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Settings], Notes]:
    tmp_path = tmp_path_factory.mktemp("keys")
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "photos" / "one.jpg")
    runs = 0

    def measure(config: Settings) -> Notes:
        nonlocal runs
        runs += 1
        notes = Notes()
        with StrictPatch.context() as patch, BenchmarkFolder.create(tmp_path / str(runs)) as folder:
            patch.chdir(tmp_path)
            patch.setattr(Context, "measure", lambda *given: notes.measure(*given))
            patch.setattr("dlpractice.benchmark.models.models.build_net", notes.build)
            patch.setattr("dlpractice.benchmark.parallel.parallel.build_net", notes.build)
            patch.setattr("dlpractice.benchmark.nets.build_net", notes.build)
            patch.setattr("dlpractice.benchmark.parallel.parallel.ask", notes.ask)
            patch.setattr(prediction, "find_single_rate", lambda section, _: {"value": 1.0, "name": ""})
            patch.setattr(input_pipeline, "load_pixels", notes.load)
            patch.setattr(backends, "find_spec", lambda name: name)
            patch.setattr(benchmark, "Steadiness", lambda: Steadiness([]))
            patch.setattr(benchmark, "_describe_environment", lambda _: {})  # takes a second
            started = SimpleNamespace(run=notes.start, TimeoutExpired=subprocess.TimeoutExpired)
            patch.setattr(backends, "subprocess", started)
            document = benchmark.run(Benchmark.model_validate(config, strict=False), folder, notes)
        for part in document["parts"].values():
            notes.noted.append(part | {"seconds": 0.0})
        notes.noted.append(sorted(notes.images))
        return notes

    return measure


def change(config: Settings, key: str, value: Any) -> dict[str, Any]:
    """The config with another value for a key, with dots."""
    section, _, name = key.rpartition(".")
    return (
        {**config, section: {**config.get(section, {}), name: value}} if section else {**config, key: value}
    )


def test_every_key_is_listed() -> None:
    assert set(CHANGES) == list_keys(Benchmark)


@pytest.fixture(scope="module")
def before(measure: Callable[[Settings], Notes]) -> Callable[..., str]:
    """What a run of some parts notes; it is asked once for each selection of parts."""
    return functools.cache(lambda *parts: repr(measure({**SMALL, "parts": list(parts)}).noted))


@pytest.mark.parametrize("parts", sorted({tuple(parts) for parts, _ in CHANGES.values()}))
def test_the_same_config_measures_the_same(
    parts: tuple[str, ...], measure: Callable[[Settings], Notes], before: Callable[..., str]
) -> None:
    assert repr(measure({**SMALL, "parts": list(parts)}).noted) == before(*parts)


@pytest.mark.parametrize("key", CHANGES)
def test_a_key_has_an_effect_where_its_part_is_measured(
    key: str, measure: Callable[[Settings], Notes], before: Callable[..., str]
) -> None:
    parts, value = CHANGES[key]
    assert repr(measure(change({**SMALL, "parts": parts}, key, value)).noted) != before(*parts)


@pytest.mark.parametrize("key", [key for key in CHANGES if "." in key])
def test_a_key_has_none_where_its_part_is_not_and_the_run_says_so(
    key: str, measure: Callable[[Settings], Notes]
) -> None:
    part = key.partition(".")[0]
    other = "input" if part != "input" else "peaks"
    config = {"command": "benchmark", "parts": [other], "input": SMALL["input"], "peaks": SMALL["peaks"]}
    config[part] = {}
    notes = measure(change(config, key, CHANGES[key][1]))
    assert is_told(key, notes.warnings)
