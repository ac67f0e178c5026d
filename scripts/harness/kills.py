"""Commands killed with SIGKILL, or stopped by SIGTERM and Ctrl-C, and started again until they end.

Three kinds of moment: in front of the n-th change to a file (any that Python makes: opened for writing,
renamed, removed, cut, a folder made), after a share of the time that the whole takes, and in the middle of a
write, when a file reaches a size.
"""

import json
import os
import resource
import signal
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from harness.case import HUNG, INTERNAL, LOST, SAME, Case, Outcome
from harness.program import Ended, Setup, run, start
from harness.same_files import list_differences
from harness.samples import link_all, write_weights

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
_WRITES = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True)
class Command:
    """What is killed: `arguments` of dlp. `result` is what it makes in the working folder.

    kind: its row in the table. devices: logical devices to train on.
    continued: what to add when it is started again and `result` is there.
    """

    name: str
    kind: str
    arguments: tuple[str, ...]
    result: str = "run"
    devices: int = 1
    continued: tuple[str, ...] = ("--resume",)

    def setup(self, more: Setup | None = None) -> Setup:
        """What its processes do first: give themselves devices, then `more`."""

        def prepare() -> None:
            if self.devices > 1:
                _split_cpu(self.devices)
            if more is not None:
                more()

        return prepare

    def go(self, folder: Path, more: Setup | None = None) -> list[str]:
        """The arguments of the next start."""
        again = self.continued if (folder / self.result).exists() else ()
        return [*self.arguments, *again]


def _split_cpu(count: int) -> None:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)


def watch_changes(folder: Path, act: Callable[[int], None]) -> None:
    """From now on calls `act` with 1, 2, ... in front of each change to a file below `folder`, but for what
    the process prints and its temporary files."""
    count, root, passed_over = 0, f"{folder}{os.sep}", f"{folder / 'tmp'}{os.sep}"

    def notice(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event == "open":
            if not isinstance(arguments[2], int) or not arguments[2] & _WRITES:
                return
        elif event not in _CHANGES:
            return
        if not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith(root) and not path.startswith(passed_over):
            count += 1
            act(count)

    sys.addaudithook(notice)


def strike_at_change(folder: Path, number: int, sent: int = signal.SIGKILL) -> Setup:
    """Sends itself the signal in front of its n-th change to a file."""

    def act(count: int) -> None:
        if count == number:
            os.kill(os.getpid(), sent)

    return partial(watch_changes, folder, act)


def strike_in_write(size: int) -> Setup:
    """Is killed by the kernel in the middle of the write that takes a file beyond `size` bytes."""

    def prepare() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return prepare


@dataclass(frozen=True)
class Whole:
    """A command that nothing disturbed: its changes to files, its seconds, and its largest file's bytes."""

    folder: Path
    changes: int
    seconds: float
    largest: int


def run_whole(command: Command, samples: Path) -> Whole:
    """Runs it once for all tries."""
    folder = link_all(samples.parent / "work" / "wholes" / command.name, samples)
    note = folder / "whole.json"
    if not note.exists():
        counter = folder / "counter"

        def count(number: int) -> None:
            os.pwrite(file, f"{number}".encode(), 0)

        file = os.open(counter, os.O_CREAT | os.O_WRONLY)
        ended = run(folder, command.arguments, command.setup(partial(watch_changes, folder, count)))
        os.close(file)
        assert ended.status == 0, ended.messages
        files = [entry for entry in (folder / command.result).rglob("*") if entry.is_file()]
        largest = max(entry.stat().st_size for entry in files)
        note.write_text(json.dumps([int(counter.read_text()), ended.seconds, largest]))
    return Whole(folder, *json.loads(note.read_text()))


def finish(command: Command, folder: Path, whole: Whole, strikes: int) -> Outcome:
    """Starts it once more, in peace, and compares what there is with what should be."""
    ended = run(folder, command.go(folder), command.setup())
    if ended.status is None:
        return Outcome(HUNG, ended.messages[-300:], strikes)
    if ended.status != 0:
        return Outcome(INTERNAL, ended.error or ended.messages[-300:], strikes)
    result = command.result
    if different := list_differences(folder / result, whole.folder / result):
        return Outcome(LOST, f"differs in {', '.join(different[:5])}", strikes)
    return Outcome(SAME, "", strikes)


def _kill_often(command: Command, samples: Path, seed: int, chain: int, folder: Path) -> Outcome:
    """Kills a run four times, at a moment of a kind that is drawn, and lets it end."""
    whole = run_whole(command, samples)
    link_all(folder, samples)
    rng = np.random.default_rng([seed, chain, zlib.crc32(command.name.encode())])
    strikes = 0
    for _ in range(4):
        kind = rng.choice(["change", "time", "write"], p=[0.5, 0.3, 0.2])
        wait = float(rng.uniform(0.1, 1.0)) * whole.seconds
        setup: Setup | None = None
        if kind == "change":
            setup = strike_at_change(folder, int(rng.integers(1, whole.changes + 1)))
        elif kind == "write":
            setup = strike_in_write(int(np.exp(rng.uniform(np.log(600), np.log(whole.largest)))))
        started = start(folder, command.go(folder), command.setup(setup))
        if kind == "time" and started.outlasts(wait):
            started.strike()
        ended = started.wait()
        if ended.status == 0:
            break
        if ended.status is None or ended.status > 0:
            return Outcome(HUNG if ended.status is None else INTERNAL, ended.messages[-300:], strikes + 1)
        strikes += 1
    return finish(command, folder, whole, strikes)


def _kill_at(command: Command, samples: Path, number: int, folder: Path) -> Outcome:
    """Kills it in front of one change to a file, and lets it end."""
    whole = run_whole(command, samples)
    link_all(folder, samples)
    ended = run(folder, command.go(folder), command.setup(strike_at_change(folder, number)))
    assert ended.status == -signal.SIGKILL, (ended.status, ended.messages)
    return finish(command, folder, whole, 1)


def _stop(command: Command, samples: Path, number: int, sent: signal.Signals, folder: Path) -> Outcome:
    """Stops it politely in front of one change to a file: it ends with 130 and its own words, and goes on."""
    whole = run_whole(command, samples)
    link_all(folder, samples)
    ended = run(folder, command.go(folder), command.setup(strike_at_change(folder, number, sent)))
    if not _is_polite(ended):
        return Outcome(INTERNAL, f"status {ended.status}: {ended.messages[-200:]}")
    return finish(command, folder, whole, 1)


def _is_polite(ended: Ended) -> bool:
    said = "interrupted" in ended.messages and "Traceback" not in ended.messages
    return ended.status == 0 or (ended.status == 130 and said)


def _trainings(weights: Path) -> Iterator[Command]:
    pretrained = f"model.weights={weights}"
    for strategy in ("scratch", "head", "linear@block2", "top-block", "full"):
        options = () if strategy == "scratch" else (pretrained,)
        arguments = ("finetune", "finetune.yaml", f"strategy={strategy}", *options, "--run-dir", "run")
        for devices in (1, 2):
            name = f"finetune {strategy} on {devices}"
            kind = f"finetune, {devices} device{'s' * (devices > 1)}"
            yield Command(name, kind, arguments, devices=devices)
    recorded = ("strategy=head", pretrained, "training.diagnostics=true", "training.checkpoint_seconds=0.05")
    arguments = ("finetune", "finetune.yaml", *recorded, "--run-dir", "run")
    yield Command("finetune with diagnostics", "finetune, 1 device", arguments)
    for objective in ("verification", "contrastive", "triplet", "prototypical", "supcon"):
        arguments = ("oneshot", "oneshot.yaml", f"objective.name={objective}", "--run-dir", "run")
        for devices in (1, 2):
            name = f"oneshot {objective} on {devices}"
            yield Command(name, f"oneshot, {devices} device{'s' * (devices > 1)}", arguments, devices=devices)


def _others(weights: Path, trained: Path) -> Iterator[Command]:
    one_epoch = ("training.epochs=1", "--run-dir", "run")
    both = ("--compare", "scratch,head", f"model.weights={weights}")
    yield Command("comparison", "comparison", ("finetune", "finetune.yaml", *both, *one_epoch))
    yield Command("seeds", "comparison", ("finetune", "finetune.yaml", "--seeds", "2", *one_epoch))
    swept = ("--sweep", "training.batch_size=8,16")
    yield Command("sweep", "sweep", ("finetune", "finetune.yaml", *swept, *one_epoch))
    methods = ("--compare", "siamese,pixels")
    yield Command("methods", "comparison", ("oneshot", "oneshot.yaml", *methods, *one_epoch))
    trial = ("diagnose", str(trained), "--try", "--run-dir", "run")
    yield Command("trial", "trial of a remedy", trial, continued=())


def _write_weights(samples: Path) -> Path:
    file = samples.parent / "tiny.weights.h5"
    if not file.exists():
        ended = start(samples.parent / "work" / "weights", (), action=partial(write_weights, file)).wait()
        assert ended.status == 0, ended.messages
    return file


def _train_for_trial(samples: Path) -> Path:
    """A run that has something to be remedied."""
    command = Command(
        "trained",
        "",
        ("finetune", "finetune.yaml", "training.learning_rate=1", "training.epochs=6", "--run-dir", "run"),
    )
    return run_whole(command, samples).folder / "run"


def list_cases(samples: Path, seed: int, *, short: bool) -> Iterator[Case]:
    """Kills of every training in chains, of every moment of some, and polite stops."""
    weights = _write_weights(samples)
    trainings = list(_trainings(weights))
    if short:
        trainings = [command for command in trainings if command.name == "finetune full on 1"]
        yield from _every_change(trainings, samples, step=60)
        return
    others = list(_others(weights, _train_for_trial(samples)))
    for command in (*trainings, *others):
        for chain in range(2):
            go = partial(_kill_often, command, samples, seed, chain)
            yield Case(f"SIGKILL at random: {command.kind}", f"{command.name}, chain {chain}", (SAME,), go)
    thorough = ("finetune full on 1", "finetune with diagnostics", "oneshot supcon on 1", "sweep")
    chosen = [command for command in (*trainings, *others) if command.name in thorough]
    yield from _every_change(chosen, samples)
    yield from _stops(chosen[:3], samples, seed)


def _every_change(commands: Sequence[Command], samples: Path, step: int = 1) -> Iterator[Case]:
    for command in commands:
        for number in range(1, run_whole(command, samples).changes + 1, step):
            kind = f"SIGKILL before each change of a file: {command.name}"
            yield Case(
                kind, f"{command.name}, change {number}", (SAME,), partial(_kill_at, command, samples, number)
            )


def _stops(commands: Sequence[Command], samples: Path, seed: int) -> Iterator[Case]:
    for command in commands:
        rng = np.random.default_rng([seed, 7, zlib.crc32(command.name.encode())])
        numbers = rng.choice(run_whole(command, samples).changes, 5, replace=False) + 1
        for sent in (signal.SIGINT, signal.SIGTERM):
            for number in sorted(int(number) for number in numbers):
                go = partial(_stop, command, samples, number, sent)
                yield Case(f"{sent.name}", f"{command.name}, {sent.name} at change {number}", (SAME,), go)
