"""Jobs of two and three processes on this machine, against one process: the same weights and figures."""

import csv
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.config.load import dump_config
from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.training.checkpoints import Checkpoints

# A worker: `dlp`. Several commands follow each other, separated by "--then"; its first word says how the last
# is disturbed: "kill:N" kills the process, as a machine dies, in step N, before it is in a checkpoint;
# "part:N" one that computes batches in parts before part N; "stop:N" sends it SIGTERM in step N.
WORKER = """
import os, signal, sys
from dlpractice.cli.main import app, main
from dlpractice.progress import Silent
from dlpractice.training.devices.placement import Placement
how, _, last = sys.argv[1].partition(":")
taken, dealt, deal = 0, 0, Placement.deal
def batch(self, *numbers):
    global taken
    taken += 1
    if how in ("kill", "stop") and taken == int(last):
        os.kill(os.getpid(), signal.SIGKILL if how == "kill" else signal.SIGTERM)
def deal_and_die(self, arrays):
    global dealt
    dealt += len(arrays) >= 3  # a batch to learn from: inputs, what is drawn for them, targets and weights
    if how == "part" and dealt == int(last):
        os.kill(os.getpid(), signal.SIGKILL)
    return deal(self, arrays)
commands = [command.split() for command in " ".join(sys.argv[2:]).split("--then")]
for command in commands[:-1]:
    app(command, standalone_mode=False)
Silent.batch, Placement.deal = batch, deal_and_die
sys.argv[1:] = commands[-1]
main()
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


Job = list[Any]
Start = Callable[..., Job]
Differ = Callable[[Path, Path], float]


@pytest.fixture(scope="module")
def start(fork: Callable[..., Any], shared_cache: Path) -> Iterator[Start]:
    """Starts a job; the last of its workers is `disturbed`. Each has a cache of its own, as machines have."""
    started: Job = []

    def start(command: str, workers: int, disturbed: str = "", setup: str = "") -> Job:
        ports = free_ports(workers)
        addresses = [f"127.0.0.1:{port}" for port in ports]
        job: Job = []
        for index in range(workers):
            task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            environment = {"TF_CONFIG": json.dumps(task)} if workers > 1 else {}
            environment["DLP_CACHE_DIR"] = f"{shared_cache}/{ports[index]}"
            how = disturbed if index == workers - 1 else ""
            job.append(fork(setup + WORKER, how, *command.split(), **environment))
        started.extend(job)
        return job

    yield start
    for worker in started:  # none is left behind, whatever has failed
        worker.kill()


def finish(job: Job) -> list[tuple[int, str, str]]:
    """Exit status, output and messages of each worker."""
    return [worker.finish() for worker in job]


def succeed(job: Job) -> None:
    (status, output, messages), *others = finish(job)
    assert status == 0, messages
    assert "accuracy" in output
    for status, output, messages in others:
        assert status == 0, messages
        assert output == ""  # only the chief speaks


def losses(run: Path) -> NDArray[np.float64]:
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name]) for name in ("loss", "val_loss", "val_accuracy")] for row in rows])


def accuracies(run: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads((run / "summary.json").read_text())["results"]
    return results


def lose_a_worker(job: Job) -> None:
    (status, _, messages), (killed, _, _) = finish(job)
    assert (status, killed) == (1, -9)
    assert "worker 1 of 2 has gone" in messages and "--resume" in messages


def stop_a_worker(job: Job, run: Path) -> None:
    """Checks what SIGTERM to one worker does: all end after the step, with a checkpoint."""
    (status, _, messages), (other, _, _) = finish(job)
    assert (status, other) == (130, 130), messages
    read = Checkpoints(run / "checkpoints", 0).read()
    assert read is not None and read[0].optimiser_steps == 3


def train_all(start: Start, folder: Path, texts: dict[str, str], two_devices: str) -> None:
    # Runs of four steps of two parts: in the third step of the last, between its parts.
    alone, two = start(texts["one"], 1, "part:6", two_devices), start(texts["two"], 2)
    succeed(two)
    stop_a_worker(start(texts["resumed"], 2, "stop:3"), folder / "resumed")
    three = start(texts["three"], 3)
    lose_a_worker(start(f"{texts['resumed']} --resume", 2, "kill:3"))
    assert not (folder / "resumed" / "summary.json").exists()
    succeed(three)
    resumed = start(f"{texts['resumed']} --resume", 2)
    ((status, _, messages),) = finish(alone)
    assert status == -9, messages
    killed = Checkpoints(folder / "linear-killed" / "checkpoints", 0).read()
    assert killed is not None and killed[0].optimiser_steps == 2
    succeed(start(f"{texts['linear-killed']} --resume", 1, "", two_devices))
    succeed(resumed)


@pytest.fixture(scope="module")
def runs(
    tiny_config: Finetune,
    tiny_oneshot_config: Oneshot,
    start: Start,
    tmp_path_factory: pytest.TempPathFactory,
    logical_devices: Callable[[int], str],
) -> Path:
    """The folders one, two (workers) and resumed of scratch runs, shots-one and shots-three, head-one and
    head-two, and of a batch that grows with two devices: sqrt, linear and linear-killed."""
    folder = tmp_path_factory.mktemp("jobs")
    training = {"epochs": 2, "batch_size": 13, "optimizer": "sgd", "learning_rate": 0.001}
    training["checkpoint_seconds"] = 0.0  # one after every step
    own = {"training": tiny_config.training.model_copy(update=training)}
    (folder / "photos.yaml").write_text(dump_config(tiny_config.model_copy(update=own)))
    training = {"optimizer": "sgd", "learning_rate": 0.01}
    shots = {"training": tiny_oneshot_config.training.model_copy(update=training)}
    (folder / "shots.yaml").write_text(dump_config(tiny_oneshot_config.model_copy(update=shots)))
    plain = f"finetune {folder}/photos.yaml"
    photos, head = f"{plain} --run-dir {folder}", f"{plain} strategy=linear@block1 --run-dir {folder}/head-"
    shots = f"oneshot {folder}/shots.yaml --run-dir {folder}/shots-"
    grown = f"{plain} hardware.devices=2 training.schedule=constant training.accumulation_steps=2"
    linear = f"{grown} hardware.scaling=linear --run-dir {folder}/linear"
    texts = {
        "one": f"{photos}/one --then {shots}one --then {head}one --then "
        f"{grown} hardware.scaling=sqrt --run-dir {folder}/sqrt --then {linear} --then {linear}-killed",
        "two": f"{photos}/two --then {head}two hardware.compile=true",
        "three": f"{shots}three",
        "resumed": f"{photos}/resumed",
        "linear-killed": f"{linear}-killed",
    }
    train_all(start, folder, texts, logical_devices(2))
    return folder


@pytest.fixture
def differ(read_weights: Callable[[Path], dict[str, NDArray[Any]]]) -> Differ:
    """The largest difference between the weights of two runs' models."""

    def differ(run: Path, other: Path) -> float:
        ours, theirs = read_weights(run), read_weights(other)
        assert ours.keys() == theirs.keys()
        return max(float(np.abs(ours[name] - theirs[name].astype(float)).max(initial=0)) for name in ours)

    return differ


def test_several_workers_learn_what_one_process_does(runs: Path, differ: Differ) -> None:
    # 48 images in batches of 12, and batch normalisation over the whole batch. The learning rate is one at
    # which rounding stays rounding: at ten times as much, one process that starts with weights changed by a
    # ten-millionth ends as far from itself.
    assert differ(runs / "two", runs / "one") < 1e-5
    np.testing.assert_allclose(losses(runs / "two"), losses(runs / "one"), atol=1e-5)
    assert accuracies(runs / "two") == accuracies(runs / "one")


def test_pairs_are_of_all_workers(runs: Path, differ: Differ) -> None:
    assert differ(runs / "shots-three", runs / "shots-one") < 1e-5
    np.testing.assert_allclose(losses(runs / "shots-three"), losses(runs / "shots-one"), atol=1e-5)


def test_a_job_that_was_stopped_and_then_lost_a_worker_goes_on_as_if_it_had_not(
    runs: Path, differ: Differ
) -> None:
    assert differ(runs / "resumed", runs / "two") == 0
    np.testing.assert_array_equal(losses(runs / "resumed"), losses(runs / "two"))


def test_frozen_features_and_compiled_steps_of_workers_are_those_of_one_process(
    runs: Path, differ: Differ
) -> None:
    # No worker finds a feature in its cache: each computes its part, and has the other's from it. The two
    # train by steps that XLA compiles.
    choices = [
        json.loads((runs / name / "environment.json").read_text())["compilation"]["linear@block1"]["compiled"]
        for name in ("head-one", "head-two")
    ]
    assert choices == [False, True]
    assert differ(runs / "head-two", runs / "head-one") < 1e-5
    np.testing.assert_allclose(losses(runs / "head-two"), losses(runs / "head-one"), atol=1e-5)


@pytest.mark.parametrize(("rule", "factor"), [("sqrt", 2**0.5), ("linear", 2.0)])
def test_batch_and_rate_grow_with_two_devices(runs: Path, rule: str, factor: float) -> None:
    # 48 images in batches of up to 13: four steps an epoch; of up to 26: two.
    with (runs / rule / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["2", "4"]
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx([0.001 * factor] * 2)
    environment = json.loads((runs / rule / "environment.json").read_text())
    assert environment["replicas"] == 2


def test_a_run_killed_between_two_parts_of_a_batch_ends_with_the_same_bits(
    runs: Path, differ: Differ
) -> None:
    assert differ(runs / "linear-killed", runs / "linear") == 0
    np.testing.assert_array_equal(losses(runs / "linear-killed"), losses(runs / "linear"))


def test_the_chief_alone_writes(runs: Path) -> None:
    names = {path.name for path in (runs / "one").iterdir()}
    assert {path.name for path in (runs / "two").iterdir()} == names
    assert not list(runs.rglob(".dlp-*"))


def test_a_worker_whose_others_never_come_gives_up(
    tiny_config: Finetune, tmp_path: Path, fork: Callable[..., Any]
) -> None:
    (tmp_path / "photos.yaml").write_text(dump_config(tiny_config))
    short = "import dlpractice.training.devices.placement as p; p.JOIN_SECONDS = 1\n"
    task = {"cluster": {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}}
    alone = json.dumps(task | {"task": {"type": "worker", "index": 0}})
    command = f"finetune {tmp_path}/photos.yaml --run-dir {tmp_path}/alone".split()
    status, _, messages = fork(short + WORKER, "", *command, TF_CONFIG=alone).finish()
    assert status == -9
    assert "error: worker 0 of 2 has waited 1 s for the rest" in messages
    assert "hint: see what they said" in messages
