"""Tiny data sets and finished runs on them, made once for all tests that need one."""

import gc
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from strict_patches import StrictPatch

from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.data.sets.glyphs.alphabets import generate_alphabets
from dlpractice.runs.directory import RunDirectory

# Where a test imports JAX, JAX would set this to 1, and child processes after it would say what TensorFlow
# says of missing GPUs.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# A shell has what it starts in the background ignore these, and what is ignored stays so in `dlp`.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What takes longest goes first: a long file that comes last keeps all processes but one waiting.
LONG = ("recipes/test_several_workers.py", "recipes/", "cli/", "benchmark/", "training/", "test_")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        name = item.nodeid.removeprefix("tests/")
        return next((place for place, room in enumerate(LONG) if name.startswith(room)), len(LONG))

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """TensorFlow's million objects, imported by now, stay to the end. `keras.utils.clear_session` collects
    garbage at the start of each training, and spent a quarter of the tests' time on walking over them."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def monkeypatch() -> Iterator[pytest.MonkeyPatch]:
    """pytest's own, which refuses what nobody would notice."""
    with StrictPatch.context() as patch:
        yield patch


# TensorFlow takes a machine's devices as they are when it starts: this has to come before all else.
LOGICAL_DEVICES = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * {})
"""

# A forked process speaks into files, and has arguments and an environment of its own.
FORKED = """
import gc, os, sys
from small_nets import small_nets
gc.freeze()
smaller = small_nets()
smaller.__enter__()
sys.argv[1:] = ARGUMENTS
os.environ.clear()
os.environ.update(ENVIRONMENT)
for stream, file in enumerate(FILES, 1):
    os.dup2(os.open(file, os.O_CREAT | os.O_WRONLY), stream)
"""


class Forked:
    """A script in a process of its own, forked from one that has imported TensorFlow but not started it."""

    def __init__(
        self,
        server: ForkServerContext,
        folder: Path,
        script: str,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
    ) -> None:
        self._files = [folder / "stdout", folder / "stderr"]
        names = {
            "__name__": "__main__",
            "ARGUMENTS": list(arguments),
            "ENVIRONMENT": dict(environment),
            "FILES": [str(file) for file in self._files],
        }
        self._process = server.Process(target=exec, args=(FORKED + script, names))
        self._process.start()

    def finish(self) -> tuple[int, str, str]:
        """Exit status (minus the signal where one ended it), output and messages."""
        self._process.join()
        output, messages = (file.read_text() if file.exists() else "" for file in self._files)
        assert self._process.exitcode is not None
        return self._process.exitcode, output, messages

    def kill(self) -> None:
        self._process.kill()


@pytest.fixture(scope="session", autouse=True)
def smaller_nets() -> Iterator[None]:
    """Runs train small nets, here and in forked processes."""
    from small_nets import small_nets

    with small_nets():
        yield


@pytest.fixture(scope="session")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Forked]:
    """Starts a script, with arguments, in a process of its own.

    Python and TensorFlow take five seconds of CPU to import, a fork less than half of one. TensorFlow is not
    started before the fork: each process chooses its devices and its place in a job.
    """
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(
        ["dlpractice.recipes.finetune.finetune", "dlpractice.recipes.oneshot.oneshot"]
    )

    def start(script: str, *arguments: str, **environment: str) -> Forked:
        quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", **environment}
        return Forked(server, tmp_path_factory.mktemp("forked"), script, arguments, quiet)

    return start


@pytest.fixture(scope="session")
def logical_devices() -> Callable[[int], str]:
    """The beginning of a script for a process of its own that has so many logical CPUs."""
    return LOGICAL_DEVICES.format


@pytest.fixture(scope="session")
def run_on_devices(fork: Callable[..., Forked]) -> Callable[..., dict[str, Any]]:
    """Runs a script, with arguments, in a process with so many logical CPUs, and reads the JSON of its last
    line."""

    def run(count: int, script: str, *arguments: str) -> dict[str, Any]:
        status, output, messages = fork(LOGICAL_DEVICES.format(count) + script, *arguments).finish()
        assert status == 0, messages
        found: dict[str, Any] = json.loads(output.splitlines()[-1])
        return found

    return run


@pytest.fixture
def kept_signals() -> Iterator[None]:
    """What signals do after the test is what they did before."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def whole_small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 256 KB, where the tests may mount one."""
    place = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def small_disk(whole_small_disk: Path) -> Iterator[Path]:
    """A disk with room for 32 KB."""
    (whole_small_disk / "filled").write_bytes(bytes(224 << 10))
    yield whole_small_disk
    for entry in whole_small_disk.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 40 small photographs-to-be: warm and cold noise, easy to tell apart."""
    root = tmp_path_factory.mktemp("tiny") / "data"
    rng = np.random.default_rng(0)
    for name, tint in (("cold", (60, 90, 160)), ("warm", (160, 90, 60))):
        (root / name).mkdir(parents=True)
        for number in range(40):
            noise = rng.normal(tint, 60, (40, 48, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noise).save(root / name / f"{number:02d}.png")
    return root


@pytest.fixture(scope="session")
def tiny_config(tiny_data: Path) -> Finetune:
    """Seconds of work: 32 pixels, a narrow net, few epochs, nothing pretrained, timed or compiled."""
    return Finetune.model_validate(
        {
            "command": "finetune",
            "strategy": "scratch",
            "data": {"source": str(tiny_data), "image_size": 32, "validation": 0.2, "test": 0.2},
            "model": {"width": 0.25, "weights": None},
            "augment": {"flip": "horizontal", "shift": 0.1},
            "training": {"epochs": 3, "batch_size": 16, "learning_rate": 0.003, "head_epochs": 2},
            "hardware": {"precision": "float32", "devices": 1, "compile": False},
        }
    )


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A DLP_CACHE_DIR for the whole session."""
    with StrictPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("DLP_CACHE_DIR", str(folder))
        patch.delenv("DLP_DATA_DIR", raising=False)
        yield folder


@pytest.fixture(scope="session")
def finished_run(tiny_config: Finetune, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished `scratch` run on the tiny data."""
    from dlpractice.recipes.finetune import finetune

    folder = tmp_path_factory.mktemp("runs") / "scratch"
    with RunDirectory.create(folder) as run:
        finetune.run(tiny_config, run)
    return folder


@pytest.fixture(scope="session")
def tiny_alphabets(shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six generated alphabets of six characters, each drawn once by four: alphabet/character/drawer.png."""
    root = tmp_path_factory.mktemp("alphabets") / "data"
    made = generate_alphabets(6, seed=0, characters=(6, 6), drawers=4)
    for path, drawing in zip(made.paths, np.asarray(made.pixels), strict=True):
        file = root / f"{path}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawing[:, :, 0]).resize((24, 24), Image.Resampling.BOX).save(file)
    return root


@pytest.fixture(scope="session")
def tiny_oneshot_config(tiny_alphabets: Path) -> Oneshot:
    """Seconds of work: 16 pixels, a narrow net without convolution, two epochs of four steps."""
    return Oneshot.model_validate(
        {
            "command": "oneshot",
            "data": {
                "source": str(tiny_alphabets),
                "image_size": 16,
                "validation": 0.2,
                "drawer_pattern": r"^drawer(\d+)$",
            },
            "encoder": {"name": "dense", "width": 0.1},
            "batch": {"alphabets": 2, "classes": 4, "examples": 3},
            "distortion": {"elastic": 0.05},
            "training": {"epochs": 2, "epoch_steps": 4},
            "evaluation": {"transductive": True},
            "hardware": {"precision": "float32", "devices": 1, "compile": False},
        }
    )


@pytest.fixture(scope="session")
def finished_oneshot_run(
    tiny_oneshot_config: Oneshot, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a finished one-shot run on the tiny alphabets."""
    from dlpractice.recipes.oneshot import oneshot

    folder = tmp_path_factory.mktemp("oneshot-runs") / "siamese"
    with RunDirectory.create(folder) as run:
        oneshot.run(tiny_oneshot_config, run)
    return folder
