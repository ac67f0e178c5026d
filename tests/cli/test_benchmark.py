"""`dlp benchmark` from the shell."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dlpractice.cli import benchmark as command
from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app, main
from dlpractice.config.commands.benchmark import PARTS
from dlpractice.errors import ConfigError, DataError, HardwareError, RunError

runner = CliRunner()
SMALL = [
    "parts=[peaks]",
    "time_limit_seconds=3600",
    "peaks.precisions=[float32, tf32]",
    "peaks.sizes=[32]",
    "peaks.sustained_seconds=0",
    "peaks.array_mebibytes=1",
    "repetitions=5",
    "spread_seconds=0",
]


@pytest.fixture(autouse=True)
def _a_terminal_of_80_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results.cache_clear()
    messages.cache_clear()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def scaled(document: dict[str, Any], factor: float) -> dict[str, Any]:
    """The same result from a machine that is `factor` times as fast."""
    for row in document["parts"]["peaks"]["rows"]:
        if row["value"] is not None:
            row["value"] *= factor
            row["samples"] = [sample * factor for sample in row["samples"]]
    return document


def test_a_small_benchmark_and_the_next_one_against_it() -> None:
    result = runner.invoke(app, ["benchmark", *SMALL, "--run-dir", "first"], catch_exceptions=False)
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert {path.name for path in Path("first").iterdir()} >= {"benchmark.json", "config.yaml", "peaks.png"}
    first = json.loads(Path("first/benchmark.json").read_text())
    assert (first["schema"], first["command"], first["finished"]) == (1, "benchmark", True)
    assert "baseline" not in first

    Path("fast.json").write_text(json.dumps(scaled(first, 1e6)))
    slower = runner.invoke(
        app, ["benchmark", *SMALL, "--run-dir", "second", "--baseline", "fast.json", "--json"]
    )
    assert slower.exit_code == 3
    document = json.loads(slower.stdout)
    assert document["run"] == "second"
    assert document["baseline"]["overall"]["ratio"] < 0.01
    assert json.loads(Path("second/benchmark.json").read_text())["baseline"] == document["baseline"]

    Path("slow.json").write_text(json.dumps(scaled(first, 1e-12)))
    faster = runner.invoke(app, ["benchmark", *SMALL, "--run-dir", "third", "--baseline", "slow.json"])
    assert faster.exit_code == 0
    assert "not slower by more than 10%" in " ".join(faster.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "name", "changes"),
    [
        ([], None, []),
        (["default"], "default", []),
        (["mine.yaml", "repetitions=9"], "mine.yaml", ["repetitions=9"]),
        (["repetitions=9"], None, ["repetitions=9"]),
        (["seed=1", "repetitions=9"], None, ["seed=1", "repetitions=9"]),
        (["a=b.yaml", "seed=1"], "a=b.yaml", ["seed=1"]),
    ],
)
def test_the_config_may_be_left_out(arguments: list[str], name: str | None, changes: list[str]) -> None:
    Path("a=b.yaml").touch()
    assert command._split_arguments(arguments) == (name, changes)


def test_without_a_config_the_shipped_one_is_meant() -> None:
    Path("default.yaml").write_text("command: benchmark\nrepetitions: 99\n")
    assert command._load(None, []).repetitions == 7
    assert command._load("default", []).repetitions == 99


def test_a_baseline_that_cannot_be_read_is_said_before_anything_is_measured() -> None:
    Path("other.json").write_text(json.dumps({"command": "benchmark", "schema": 99}))
    for file, message in (("none.json", "no file"), ("other.json", "schema 99")):
        result = runner.invoke(app, ["benchmark", *SMALL, "--run-dir", "b", "--baseline", file])
        assert isinstance(result.exception, RunError)
        assert message in result.exception.message
    assert not Path("b").exists()


def test_a_config_for_another_command_is_refused() -> None:
    result = runner.invoke(app, ["benchmark", "digits"])
    assert isinstance(result.exception, ConfigError)


@pytest.mark.usefixtures("kept_signals")
def test_an_interrupt_says_where_the_measured_parts_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dlpractice.benchmark import benchmark

    def interrupt(section: object, context: object) -> dict[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setitem(benchmark.MEASURES, "peaks", interrupt)
    monkeypatch.setattr(sys, "argv", ["dlp", "benchmark", *SMALL, "--run-dir", "b"])
    with pytest.raises(SystemExit, match="130"):
        main()
    assert "interrupted; what was measured is in b" in capsys.readouterr().err
    assert json.loads(Path("b/benchmark.json").read_text())["finished"] is False


def test_the_prediction_can_be_scored_without_measuring() -> None:
    result = runner.invoke(app, ["benchmark", "--validate", "--json"], catch_exceptions=False)
    document = json.loads(result.stdout)
    assert len(document["rows"]) > 10
    assert document["median_absolute_error_points"] < 10
    assert not Path("runs").exists()


def test_a_backend_is_chosen_where_nobody_named_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in ("jax", "torch") or None)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    command._choose_backend()
    assert os.environ["KERAS_BACKEND"] == "torch"
    monkeypatch.delenv("KERAS_BACKEND")
    command._choose_backend()
    assert os.environ["KERAS_BACKEND"] == "jax"


# The part `backends` starts processes of its own, whatever runs here; tests/benchmark/backends measures them.
OWN_PARTS = tuple(part for part in PARTS if part != "backends")
EVERYTHING = [
    *SMALL[1:],
    f"parts=[{','.join(OWN_PARTS)}]",
    "models.names=[siamese]",
    "models.batch_sizes=[1]",
    "models.precisions=[float32]",
    "input.images=8",
    "input.image_size=16",
    "input.batch_size=4",
    "model_parallel.batch_size=2",
    "model_parallel.micro_batches=1",
    "prediction.model=siamese",
    "prediction.devices=[2]",
]


# The checks of a divided net are made in this process, of a net of three layers: a process of its own would
# compile each of the fifty of `siamese`, in both directions.
ALL_PARTS = """
import sys
from typer.testing import CliRunner
from dlpractice.benchmark.parallel import logical_devices
from dlpractice.cli.main import app

def ask(request, backend):
    assert "tensorflow" not in sys.modules  # which Keras imports where it describes a net, as is done here
    import keras
    from dlpractice.benchmark.parallel.checks import check_model_parallel
    images = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(images)
    x = keras.layers.Add()([x, keras.layers.Conv2D(4, 3, padding="same")(x)])
    net = keras.Model(images, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    devices = logical_devices._make_devices(request["devices"])
    return check_model_parallel(net, request["batch"], devices, request["micro_batches"])

logical_devices.ask = ask
result = CliRunner().invoke(app, sys.argv[1:], catch_exceptions=False)
assert result.exit_code == 0, result.output
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_does_all_parts_without_tensorflow(backend: str) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    arguments = ["benchmark", *EVERYTHING, "--run-dir", "b"]
    # XLA compiles some hundred functions here; unoptimised, that takes a third less time.
    environment = os.environ | {"KERAS_BACKEND": backend, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    environment["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
    command = [sys.executable, "-c", ALL_PARTS, *arguments]
    subprocess.run(command, env=environment, check=True, timeout=1200)
    document = json.loads(Path("b/benchmark.json").read_text())
    assert document["environment"]["backend"] == backend
    parts = document["parts"]
    assert tuple(parts) == OWN_PARTS
    for name in ("peaks", "models", "input", "prediction"):
        missing = [row["name"] for row in parts[name]["rows"] if row["value"] is None]
        assert parts[name]["rows"] and set(missing) <= {"matmul/tf32", "link/host-to-device"}, missing
    assert [row["why"] for row in parts["data_parallel"]["rows"]] == [
        f"MirroredStrategy belongs to TensorFlow; Keras runs on {backend}"
    ]
    assert [check["passed"] for check in parts["model_parallel"]["checks"]] == [True] * 5


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (
            ["parts=[prediction]", "prediction.interconnect=string"],
            HardwareError,
            "no interconnect is called",
        ),
        (["input.folder=nowhere"], DataError, "nowhere: holds no JPEG file"),
    ],
)
def test_names_that_are_not_known_are_refused_before_anything_is_measured(
    overrides: list[str], error: type[Exception], message: str
) -> None:
    refused = runner.invoke(app, ["benchmark", *overrides, "--run-dir", "new"])
    assert isinstance(refused.exception, error)
    assert message in str(refused.exception)
    assert not Path("new").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [("nonsense", "is no backend of Keras that is known here"), ("torch", "is not installed")],
)
def test_a_backend_that_cannot_be_had(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: package == "tensorflow" or None)
    with pytest.raises(HardwareError, match=message) as error:
        command._choose_backend()
    assert error.value.hint == "unset it, or set it to one that is: tensorflow"


def test_a_used_folder_is_not_to_be_resumed() -> None:
    Path("used").mkdir()
    Path("used", "config.yaml").write_text("command: benchmark\n")
    refused = runner.invoke(app, ["benchmark", *SMALL, "--run-dir", "used"])
    assert isinstance(refused.exception, RunError)
    assert refused.exception.hint == "give another --run-dir"
