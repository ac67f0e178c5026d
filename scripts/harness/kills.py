"""Commands killed with SIGKILL, or stopped by SIGTERM and Ctrl-C, and started again until they end.

Three kinds of moment: in front of the n-th change to a file (any that Python makes: opened for writing,
renamed, removed, cut, a folder made), after a share of the time that the whole takes, and in the middle of a
write, when a file reaches a size.
"""

import shutil
import signal
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from harness.case import HUNG, INTERNAL, LOST, SAME, Case, Outcome
from harness.commands import Command, finetune_full, finish, make_weights, oneshot_supcon, run_whole
from harness.program import Ended, Setup, run, start
from harness.same_files import read_all
from harness.samples import link_all
from harness.strikes import strike_at_change, strike_in_write


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
    return finish(command, folder, samples, strikes)


def _kill_at(command: Command, samples: Path, number: int, folder: Path) -> Outcome:
    """Kills it in front of one change to a file, and lets it end."""
    link_all(folder, samples)
    ended = run(folder, command.go(folder), command.setup(strike_at_change(folder, number)))
    assert ended.status == -signal.SIGKILL, (ended.status, ended.messages)
    return finish(command, folder, samples)


def _stop(command: Command, samples: Path, number: int, sent: signal.Signals, folder: Path) -> Outcome:
    """Stops it politely in front of one change to a file: it ends with 130 and its own words, and goes on."""
    link_all(folder, samples)
    ended = run(folder, command.go(folder), command.setup(strike_at_change(folder, number, sent)))
    if not _is_polite(ended):
        return Outcome(INTERNAL, f"status {ended.status}: {ended.messages[-200:]}")
    return finish(command, folder, samples)


def _kill_reader(
    arguments: tuple[str, ...], samples: Path, sent: signal.Signals, share: float, folder: Path
) -> Outcome:
    """Stops a command that only reads, after a share of its time; then it is started again.

    The run that it reads stays as it is, nothing is left but the cache, and it says what it says undisturbed.
    """
    link_all(folder, samples)
    shutil.copytree(run_whole(finetune_full(samples), samples).folder / "run", folder / "run")
    before, names = dict(read_all(folder / "run")), {"cache", *(entry.name for entry in folder.iterdir())}
    whole = run(folder, arguments)
    shutil.rmtree(folder / "cache", ignore_errors=True)
    started = start(folder, arguments)
    if started.outlasts(share * whole.seconds):
        started.strike(sent)
    ended = started.wait()
    if sent != signal.SIGKILL and not _is_polite(ended):
        return Outcome(INTERNAL, f"status {ended.status}: {ended.messages[-200:]}")
    if dict(read_all(folder / "run")) != before:
        return Outcome(LOST, "the run was changed")
    shown = [entry for entry in folder.iterdir() if entry.suffix not in (".stdout", ".stderr")]
    if left := [entry.name for entry in shown if entry.name not in names | {"tmp"}]:
        return Outcome(LOST, f"left behind: {', '.join(left)}")
    if left := [entry.name for entry in (folder / "tmp").iterdir()]:
        return Outcome(LOST, f"left in TMPDIR: {', '.join(left)}")
    again = run(folder, arguments)
    same = (again.status, again.output) == (whole.status, whole.output)
    return Outcome(SAME) if same else Outcome(LOST, f"status {again.status}: {again.messages[-200:]}")


def _kills_of_readers(samples: Path, seed: int) -> Iterator[Case]:
    rng = np.random.default_rng([seed, 11])
    readers = (("predict", "run", "images"), ("evaluate", "run", "images"), ("data", "check", "images"))
    for arguments in readers:
        for sent in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            for number in range(5):
                share = float(rng.uniform(0.05, 0.95))
                go = partial(_kill_reader, arguments, samples, sent, share)
                name = f"{' '.join(arguments[:-1])}, {sent.name}, {number}"
                yield Case("of predict, evaluate and data check", name, (SAME,), go)


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
    methods = ("--compare", "siamese,nearest-neighbour")
    yield Command("methods", "comparison", ("oneshot", "oneshot.yaml", *methods, *one_epoch))
    trial = ("diagnose", str(trained), "--try", "--run-dir", "run")
    yield Command("trial", "trial of a remedy", trial, continued=())


def _train_for_trial(samples: Path) -> Path:
    """A run that has something to be remedied."""
    changed = ("training.learning_rate=1", "training.epochs=6")
    command = Command("trained", "", ("finetune", "finetune.yaml", *changed, "--run-dir", "run"))
    return run_whole(command, samples).folder / "run"


def list_cases(samples: Path, seed: int, *, short: bool) -> Iterator[Case]:
    """Kills of every training in chains, of every moment of some, and polite stops."""
    if short:
        yield from _every_change([finetune_full(samples)], samples, [60])
        return
    weights = make_weights(samples)
    trainings = list(_trainings(weights))
    others = list(_others(weights, _train_for_trial(samples)))
    for command in (*trainings, *others):
        for chain in range(2):
            go = partial(_kill_often, command, samples, seed, chain)
            yield Case(f"SIGKILL at random: {command.kind}", f"{command.name}, chain {chain}", (SAME,), go)
    recorded = next(command for command in trainings if command.name == "finetune with diagnostics")
    sweep = next(command for command in others if command.name == "sweep")
    thorough = [finetune_full(samples), recorded, oneshot_supcon()]
    yield from _stops(thorough, samples, seed)
    yield from _every_change([*thorough, sweep], samples)
    yield from _kills_of_readers(samples, seed)


def _every_change(
    commands: Sequence[Command], samples: Path, numbers: Sequence[int] | None = None
) -> Iterator[Case]:
    for command in commands:
        for number in numbers or range(1, run_whole(command, samples).changes + 1):
            kind = f"SIGKILL before each change of a file: {command.name}"
            go = partial(_kill_at, command, samples, number)
            yield Case(kind, f"{command.name}, change {number}", (SAME,), go)


def _stops(commands: Sequence[Command], samples: Path, seed: int) -> Iterator[Case]:
    for command in commands:
        rng = np.random.default_rng([seed, 7, zlib.crc32(command.name.encode())])
        numbers = rng.choice(run_whole(command, samples).changes, 5, replace=False) + 1
        for sent in (signal.SIGINT, signal.SIGTERM):
            for number in sorted(int(number) for number in numbers):
                go = partial(_stop, command, samples, number, sent)
                yield Case(sent.name, f"{command.name}, {sent.name} at change {number}", (SAME,), go)
