"""Jobs of two and three processes on this machine, against one process: the same weights and figures."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.config.load import dump_config
from dlpractice.config.schema import Finetune, Oneshot

# A worker: `dlp` with a checkpoint after every step; --die-at N kills it, as a machine dies, after step N.
# Several commands follow each other, separated by "--then".
WORKER = """
import os, signal, sys
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
from dlpractice.cli.main import app
from dlpractice.runs.progress import Silent
from dlpractice.training.checkpoints import Checkpoints
Checkpoints.__init__.__defaults__ = (0.0,)
last, taken = int(sys.argv[1]), 0
def batch(self, *numbers):
    global taken
    taken += 1
    if taken == last:
        os.kill(os.getpid(), signal.SIGKILL)
Silent.batch = batch
commands = [command.split() for command in " ".join(sys.argv[2:]).split("--then")]
for command in commands[:-1]:
    app(command, standalone_mode=False)
sys.argv[1:] = commands[-1]
from dlpractice.cli.main import main
main()
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


Job = list["subprocess.Popen[str]"]
STARTED: Job = []


def start(command: str, workers: int, die_at: int = 0) -> Job:
    """Starts a job; the last of its workers dies after step `die_at`."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    job: Job = []
    for index in range(workers):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = os.environ | ({"TF_CONFIG": json.dumps(task)} if workers > 1 else {})
        last = die_at if index == workers - 1 else 0
        job.append(
            subprocess.Popen(
                [sys.executable, "-c", WORKER, str(last), *command.split()],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    STARTED.extend(job)
    return job


def end_all() -> None:
    """Leaves no worker behind, whatever has failed."""
    for worker in STARTED:
        with worker:
            worker.kill()
            worker.communicate()


def finish(job: Job) -> list[tuple[int, str, str]]:
    """Exit status, output and messages of each worker."""
    said = [worker.communicate(timeout=240) for worker in job]
    return [(worker.returncode, *texts) for worker, texts in zip(job, said, strict=True)]


def succeed(job: Job) -> None:
    (status, output, messages), *others = finish(job)
    assert status == 0, messages
    assert "accuracy" in output
    for status, output, messages in others:
        assert status == 0, messages
        assert output == ""  # only the chief speaks


def weights(run: Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(run / "model.keras") as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    found: dict[str, NDArray[Any]] = {}
    file.visititems(
        lambda name, item: found.update({name: np.array(item)}) if isinstance(item, h5py.Dataset) else None
    )
    return found


def differ(run: Path, other: Path) -> float:
    ours, theirs = weights(run), weights(other)
    assert ours.keys() == theirs.keys()
    return max(float(np.abs(ours[name] - theirs[name].astype(float)).max(initial=0)) for name in ours)


def losses(run: Path) -> NDArray[np.float64]:
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name]) for name in ("loss", "val_loss", "val_accuracy")] for row in rows])


def accuracies(run: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads((run / "summary.json").read_text())["results"]
    return results


def train_all(folder: Path, photos: str, texts: dict[str, str]) -> None:
    alone, two = start(texts["one"], 1), start(f"{photos}/two", 2)
    succeed(alone)
    succeed(two)
    three, dying = start(texts["three"], 3), start(f"{photos}/resumed", 2, die_at=6)
    (status, _, messages), (killed, _, _) = finish(dying)
    assert (status, killed) == (1, -9)
    assert "worker 1 of 2 has gone" in messages and "--resume" in messages
    assert not (folder / "resumed" / "summary.json").exists()
    succeed(three)
    succeed(start(f"{photos}/resumed --resume", 2))


@pytest.fixture(scope="module")
def runs(
    tiny_config: Finetune,
    tiny_oneshot_config: Oneshot,
    shared_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """The folders one, two, three (workers) and resumed of scratch runs, and shots-one and shots-three."""
    folder = tmp_path_factory.mktemp("jobs")
    own = {
        "training": tiny_config.training.model_copy(
            update={"epochs": 2, "batch_size": 13, "optimizer": "sgd", "learning_rate": 0.001}
        ),
    }
    (folder / "photos.yaml").write_text(dump_config(tiny_config.model_copy(update=own)))
    training = tiny_oneshot_config.training.model_copy(update={"optimizer": "sgd", "learning_rate": 0.01})
    (folder / "shots.yaml").write_text(
        dump_config(tiny_oneshot_config.model_copy(update={"training": training}))
    )
    photos, shots = f"finetune {folder}/photos.yaml --run-dir {folder}", f"oneshot {folder}/shots.yaml"
    both = "{photos}/{name} --then {shots} --run-dir {folder}/shots-{name}"
    texts = {
        name: both.format(photos=photos, shots=shots, folder=folder, name=name) for name in ("one", "three")
    }
    try:
        train_all(folder, photos, texts)
        yield folder
    finally:
        end_all()


@pytest.mark.parametrize("workers", ["two", "three"])
def test_several_workers_learn_what_one_process_does(runs: Path, workers: str) -> None:
    # 48 images in batches of 12, and batch normalisation over the whole batch. The learning rate is one at
    # which rounding stays rounding: at ten times as much, one process that starts with weights changed by a
    # ten-millionth ends as far from itself.
    assert differ(runs / workers, runs / "one") < 1e-5
    np.testing.assert_allclose(losses(runs / workers), losses(runs / "one"), atol=1e-5)
    assert accuracies(runs / workers) == accuracies(runs / "one")


def test_pairs_are_of_all_workers(runs: Path) -> None:
    assert differ(runs / "shots-three", runs / "shots-one") < 1e-5
    np.testing.assert_allclose(losses(runs / "shots-three"), losses(runs / "shots-one"), atol=1e-5)


def test_a_job_that_lost_a_worker_goes_on_as_if_it_had_not(runs: Path) -> None:
    assert differ(runs / "resumed", runs / "two") == 0
    np.testing.assert_array_equal(losses(runs / "resumed"), losses(runs / "two"))


def test_the_chief_alone_writes(runs: Path) -> None:
    names = {path.name for path in (runs / "one").iterdir()}
    assert {path.name for path in (runs / "three").iterdir()} == names
    assert not list(runs.rglob(".tmp-*"))


def test_a_worker_whose_others_never_come_gives_up(tiny_config: Finetune, tmp_path: Path) -> None:
    (tmp_path / "photos.yaml").write_text(dump_config(tiny_config))
    short = "import dlpractice.training.placement as p; p.JOIN_SECONDS = 1\n"
    task = {"cluster": {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}}
    environment = os.environ | {"TF_CONFIG": json.dumps(task | {"task": {"type": "worker", "index": 0}})}
    command = [*f"0 finetune {tmp_path}/photos.yaml --run-dir {tmp_path}/alone".split()]
    done = subprocess.run(
        [sys.executable, "-c", short + WORKER, *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -9
    assert "error: worker 0 of 2 has waited 1 s for the rest" in done.stderr
    assert "hint: see what they said" in done.stderr
