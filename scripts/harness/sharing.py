"""Several processes at once, and what dead ones left."""

import os
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from harness.case import ERROR, HUNG, LOST, SAME, WENT_ON, Case, Outcome
from harness.commands import Command, compare, finetune_full, oneshot_supcon, run_whole
from harness.program import run, start
from harness.same_files import read_all
from harness.samples import link_all


def _two_in_one_folder(command: Command, samples: Path, number: int, folder: Path) -> Outcome:
    """Two start in one folder, one a little later: one trains, the other has an error."""
    link_all(folder, samples)
    pause = float(np.random.default_rng(number).uniform(0, 0.5)) * run_whole(command, samples).seconds
    first = start(folder, command.arguments, command.setup())
    time.sleep(pause)
    second = start(folder, command.go(folder), command.setup())
    ends = [first.wait(), second.wait()]
    good = [ended for ended in ends if ended.status == 0]
    if not good:
        return next(
            (ended.judge() for ended in ends if ended.judge().what != ERROR), Outcome(LOST, "none trained")
        )
    for ended in ends:
        if ended.status != 0 and (judged := ended.judge("another process")).what != ERROR:
            return judged
    return compare(command, folder, samples, good[0])


def _two_with_one_cache(command: Command, samples: Path, number: int, folder: Path) -> Outcome:
    """Two start at once with an empty cache that they share."""
    places = [link_all(folder / name, samples) for name in ("one", "two")]
    shared = {"DLP_CACHE_DIR": str(folder / "cache")}
    both = [start(place, command.arguments, command.setup(), shared) for place in places]
    outcomes = [
        compare(command, place, samples, begun.wait()) for place, begun in zip(places, both, strict=True)
    ]
    return next((outcome for outcome in outcomes if outcome.what != SAME), Outcome(SAME))


def _read_while_training(
    command: Command, samples: Path, arguments: tuple[str, ...], folder: Path
) -> Outcome:
    """Somebody reads the run again and again while it trains."""
    link_all(folder, samples)
    training = start(folder, command.arguments, command.setup())
    readers, outcome = 0, Outcome(SAME)
    while training.outlasts(0):
        ended = run(folder, arguments)
        readers += 1
        if ended.status != 0 and (judged := ended.judge()).what != ERROR:
            outcome = judged
        if ended.status is None:
            outcome = Outcome(HUNG)
    trained = compare(command, folder, samples, training.wait(), readers)
    return trained if outcome.what == SAME else outcome


def _dead_pid() -> int:
    """The number of a process that has ended."""
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


_LOCKS = {
    "the number of a dead process": lambda: str(_dead_pid()).encode(),
    "the number of a living process": lambda: str(os.getpid()).encode(),
    "nonsense": lambda: b"\xff\x00 nonsense",
}


def _left_lock(command: Command, samples: Path, content: str, folder: Path) -> Outcome:
    """Each folder holds a lock file that nobody holds."""
    link_all(folder, samples)
    (folder / "run").mkdir()
    (folder / "run" / ".lock").write_bytes(_LOCKS[content]())
    for place in (run_whole(command, samples).folder / "cache").rglob(".lock"):
        copy = folder / "cache" / place.relative_to(run_whole(command, samples).folder / "cache")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(_LOCKS[content]())
    return compare(command, folder, samples, run(folder, command.arguments, command.setup()))


def _odd_lock(command: Command, samples: Path, what: str, folder: Path) -> Outcome:
    """Something else than a file has the lock's name in a finished run, whose folder is then resumed."""
    shutil.copytree(run_whole(command, samples).folder / "run", folder / "run")
    before = dict(read_all(folder / "run"))
    link_all(folder, samples)
    lock = folder / "run" / ".lock"
    lock.unlink(missing_ok=True)
    if what == "folder":
        lock.mkdir()
    elif what == "FIFO":
        os.mkfifo(lock)
    else:
        target = folder / "elsewhere"
        target.write_text("not to be touched")
        lock.symlink_to(target)
    ended = run(folder, command.go(folder), command.setup(), limit=60)
    if what == "link" and target.read_text() != "not to be touched":
        return Outcome(LOST, "the link's target was emptied")
    if ended.status != 0:
        return ended.judge()
    return Outcome(SAME) if dict(read_all(folder / "run")) == before else Outcome(LOST, "the run was changed")


def list_cases(samples: Path, seed: int, *, short: bool) -> Iterator[Case]:
    """Two at once, readers beside a writer, and locks that were left."""
    full, oneshot = finetune_full(samples), oneshot_supcon()
    if short:
        return
    for command in (full, oneshot):
        for number in range(8):
            go = partial(_two_in_one_folder, command, samples, seed * 100 + number)
            yield Case("two in one folder", f"{command.name}, two in one folder, {number}", (SAME,), go)
        for number in range(4):
            go = partial(_two_with_one_cache, command, samples, number)
            yield Case("two with one empty cache", f"{command.name}, one cache, {number}", (SAME,), go)
    readers = (
        ("diagnose", "run"),
        ("runs", "ls", "."),
        ("predict", "run", "images"),
        ("runs", "compare", "run", "run"),
    )
    for arguments in readers:
        go = partial(_read_while_training, full, samples, arguments)
        yield Case("read while it is written", " ".join(arguments), (SAME,), go)
    for content in _LOCKS:
        go = partial(_left_lock, full, samples, content)
        yield Case("locks that nobody holds", content, (SAME,), go)
    for what in ("folder", "FIFO", "link"):
        go = partial(_odd_lock, full, samples, what)
        yield Case("a lock that is no file", what, (SAME, ERROR, WENT_ON), go)
