"""Trainings of a second or two that faults befall, and what each does undisturbed."""

import json
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.case import HUNG, LOST, SAME, Outcome
from harness.program import Ended, Setup, run, start
from harness.same_files import list_differences
from harness.samples import link_all, write_weights
from harness.strikes import watch_changes


@dataclass(frozen=True)
class Command:
    """A call of dlp: `arguments`. `result` is the folder that it makes in the working folder.

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

    def go(self, folder: Path) -> list[str]:
        """The arguments of the next start."""
        result = folder / self.result
        again = self.continued if result.exists() and any(result.iterdir()) else ()
        return [*self.arguments, *again]


def _split_cpu(count: int) -> None:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)


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


def compare(command: Command, folder: Path, samples: Path, ended: Ended, tries: int = 1) -> Outcome:
    """What became of it, once it has ended well; otherwise whether its error is clear."""
    if ended.status is None:
        return Outcome(HUNG, ended.messages[-300:], tries)
    if ended.status != 0:
        judged = ended.judge()
        return Outcome(judged.what, judged.detail, tries)
    whole = run_whole(command, samples)
    if different := list_differences(folder / command.result, whole.folder / command.result):
        return Outcome(LOST, f"differs in {', '.join(different[:5])}", tries)
    return Outcome(SAME, "", tries)


def finish(command: Command, folder: Path, samples: Path, tries: int = 1) -> Outcome:
    """Starts it once more, in peace, and compares what there is with what should be."""
    ended = run(folder, command.go(folder), command.setup())
    return compare(command, folder, samples, ended, tries)


def make_weights(samples: Path) -> Path:
    """Weights of the tiny backbone."""
    file = samples.parent / "tiny.weights.h5"
    if not file.exists():
        ended = start(samples.parent / "work" / "weights", (), action=partial(write_weights, file)).wait()
        assert ended.status == 0, ended.messages
    return file


def finetune_full(samples: Path) -> Command:
    """All layers of the tiny pretrained net, after its head."""
    weights = f"model.weights={make_weights(samples)}"
    arguments = ("finetune", "finetune.yaml", "strategy=full", weights, "--run-dir", "run")
    return Command("finetune full on 1", "finetune, 1 device", arguments)


def oneshot_supcon() -> Command:
    """A one-shot run."""
    arguments = ("oneshot", "oneshot.yaml", "objective.name=supcon", "--run-dir", "run")
    return Command("oneshot supcon on 1", "oneshot, 1 device", arguments)
