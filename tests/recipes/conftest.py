"""What tests of a finished one-shot run change about it; runs that are killed and taken up again."""

import io
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.config.load import dump_config
from dlpractice.progress import Silent
from dlpractice.runs.directory import RunDirectory

Weights = dict[str, NDArray[Any]]

_SCRIPT = """
import os, signal, sys
from dlpractice.config.load import load_config
from dlpractice.progress import Silent
from dlpractice.recipes.{command} import {command}
from dlpractice.runs.directory import RunDirectory

class Killer(Silent):
    steps = 0

    def batch(self, *numbers):
        self.steps += 1
        if self.steps == {last_step}:
            os.kill(os.getpid(), signal.SIGKILL)

with RunDirectory.resume_or_create(sys.argv[1]) as run:
    {command}.run(load_config(sys.argv[2]), run, Killer())
"""


@pytest.fixture
def with_verdict(
    finished_oneshot_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., RunDirectory]:
    """Makes copies of the finished one-shot run, the net with another verdict."""

    def change(**verdict: Any) -> RunDirectory:
        from dlpractice.models.siamese import Verdict, build_siamese
        from dlpractice.recipes.oneshot.saved_siamese import load_siamese, save_siamese

        parts = load_siamese(RunDirectory.read(finished_oneshot_run)).siamese
        noted = {"slope": parts.verdict.slope, "intercept": parts.verdict.intercept, "side": 16} | verdict
        folder = tmp_path_factory.mktemp("changed") / "run"
        shutil.copytree(finished_oneshot_run, folder)
        whole = build_siamese(parts.encoder, parts.similarity, Verdict(**noted))
        save_siamese(whole, folder / "model.keras")
        return RunDirectory.read(folder)

    return change


@pytest.fixture(scope="session")
def train_in_subprocess(fork: Callable[..., Any]) -> Callable[..., int]:
    """Trains a config, or goes on with it, in a process of its own, and gives its exit status. The process
    kills itself in its step `last_step`, counted from 1; `setup` is what it does first."""

    def train(folder: Path, config: Any, last_step: int = 0, setup: str = "") -> int:
        file = folder.with_suffix(".yaml")
        file.write_text(dump_config(config))
        script = setup + _SCRIPT.format(command=config.command, last_step=last_step)
        status, _, messages = fork(script, str(folder), str(file)).finish()
        print(messages)  # shown where the test fails
        return int(status)

    return train


class Killed(BaseException):
    """Ends a run in this process as SIGKILL would: nobody catches it, and nothing is written on its way."""


class _Killer(Silent):
    """Ends the run at a moment such as "step 3", "epoch 1" or "scoring", and counts the steps before."""

    def __init__(self, moment: str) -> None:
        self.moment, self.counts = moment, Counter[str]()

    def batch(self, epoch: int, epochs: int, step: int, steps: int, images: int) -> None:
        self._count("step")

    def epoch(self, row: Mapping[str, object], is_best: bool) -> None:
        self._count("epoch")

    def stage(self, name: str, total: int, unit: str) -> None:
        if name == self.moment:
            raise Killed

    def _count(self, kind: str) -> None:
        self.counts[kind] += 1
        if f"{kind} {self.counts[kind]}" == self.moment:
            raise Killed


@pytest.fixture(scope="session")
def train() -> Callable[..., int]:
    """Trains a config in this process, or goes on with it, up to a moment in which it is killed (else to the
    end), and gives the number of steps that it took.

    moment: "step N" (taken, but not yet in a checkpoint), "epoch N" (its row written, but not yet in a
    checkpoint), both counted from 1 in this call, or the name of a stage of progress.
    """

    def go_on(config: Any, folder: Path, moment: str = "") -> int:
        recipe: ModuleType = import_module(f"dlpractice.recipes.{config.command}.{config.command}")
        killer = _Killer(moment)
        with RunDirectory.resume_or_create(folder) as run:
            if moment:
                with pytest.raises(Killed):
                    recipe.run(config, run, killer)
            else:
                recipe.run(config, run, killer)
        return killer.counts["step"]

    return go_on


def _read_weights(folder: Path) -> Weights:
    with zipfile.ZipFile(folder / "model.keras") as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    found: Weights = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = np.array(item)

    file.visititems(keep)
    return found


@pytest.fixture(scope="session")
def read_weights() -> Callable[[Path], Weights]:
    """The weights of a run's saved model, by name."""
    return _read_weights


@pytest.fixture(scope="session")
def assert_same_run() -> Callable[[Path, Path], None]:
    """Checks that two runs ended with the same bits in all that they wrote, apart from how long it took."""

    def check(folder: Path, other: Path) -> None:
        for read in (_read_weights, lambda path: dict(np.load(path / "checkpoints" / "latest.npz"))):
            ours, theirs = read(folder), read(other)
            assert ours.keys() == theirs.keys()
            for name in ours:
                np.testing.assert_array_equal(ours[name], theirs[name], name)
        one, two = RunDirectory.read(folder), RunDirectory.read(other)
        assert one.predictions() == two.predictions()
        assert one.diagnostics() == two.diagnostics()
        assert one.summary() | {"seconds": 0} == two.summary() | {"seconds": 0}
        rows, others = (
            [row | {"seconds": 0, "images_per_second": 0} for row in run.metrics()] for run in (one, two)
        )
        assert rows == others

    return check
