"""`dlp` in a process of its own, forked from one that has imported TensorFlow but not started it.

To import TensorFlow takes four seconds, a fork a hundredth of one; and what a process is to suffer can be set
up in Python, inside it, before the command begins.
"""

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from harness.case import ERROR, HUNG, INTERNAL, Outcome
from harness.samples import shrink_backbone

LIMIT = 240.0
"""Seconds after which a command that trains for a second or two hangs."""
_PR_SET_PDEATHSIG = 1

Setup = Callable[[], object]


@dataclass(frozen=True)
class Ended:
    """How a process ended: `status` is minus the signal where one killed it, None where it hung."""

    status: int | None
    output: str
    messages: str
    seconds: float

    @property
    def error(self) -> str:
        """The line that says what was wrong; empty where there is none."""
        lines = self.messages.splitlines()
        return next((line for line in lines if line.startswith("error: ")), "")

    def judge(self, *mentioned: str) -> Outcome:
        """A clear error or not: it says what, has a hint, and mentions all of `mentioned`."""
        last = next(iter(self.messages.splitlines()[::-1]), "")
        if self.status is None:
            return Outcome(HUNG, last)
        if "Traceback" in self.messages or "error: internal" in self.messages:
            return Outcome(INTERNAL, self.error or last)
        if self.status not in (1, 2, 3) or not (self.error or self.status == 2):
            return Outcome(INTERNAL, f"status {self.status}: {last}")
        if lacking := [word for word in mentioned if word not in self.messages]:
            return Outcome(INTERNAL, f"does not mention {', '.join(lacking)}: {self.error}")
        return Outcome(ERROR, self.error)


class Started:
    """A process that was started with `start`."""

    def __init__(self, pid: int, files: tuple[Path, Path]) -> None:
        self.pid = pid
        self._files = files
        self._begun = time.monotonic()

    def strike(self, number: int = signal.SIGKILL) -> None:
        """Send the process a signal."""
        os.kill(self.pid, number)

    def wait(self, limit: float = LIMIT) -> Ended:
        """Waits for the end, and brings it about after `limit` seconds."""
        status: int | None = self._wait(limit)
        seconds = time.monotonic() - self._begun
        if status is None:
            self.strike()
            os.waitpid(self.pid, 0)
        output, messages = (file.read_text(errors="replace") for file in self._files)
        return Ended(status, output, messages, seconds)

    def outlasts(self, seconds: float) -> bool:
        """Whether the process still runs `seconds` after its start; it is not waited for."""
        while os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() >= self._begun + seconds:
                return True
            time.sleep(0.005)
        return False

    def _wait(self, limit: float) -> int | None:
        end = self._begun + limit
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        return None


def start(
    folder: Path,
    arguments: Sequence[str],
    setup: Setup | None = None,
    environment: Mapping[str, str] | None = None,
    action: Setup | None = None,
) -> Started:
    """Begins `dlp ARGUMENTS` in the working folder `folder`, with a cache and a home of its own there.

    setup: what the process does first. action: what it does in place of `dlp`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    number = len(list(folder.glob("*.stdout")))
    files = (folder / f"{number}.stdout", folder / f"{number}.stderr")
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()
    pid = os.fork()
    if pid:
        return Started(pid, files)
    _become(folder, arguments, setup, environment or {}, files, action)


def run(
    folder: Path,
    arguments: Sequence[str],
    setup: Setup | None = None,
    environment: Mapping[str, str] | None = None,
    limit: float = LIMIT,
) -> Ended:
    """Runs `dlp ARGUMENTS` to its end; see `start`."""
    return start(folder, arguments, setup, environment).wait(limit)


def _become(
    folder: Path,
    arguments: Sequence[str],
    setup: Setup | None,
    environment: Mapping[str, str],
    files: tuple[Path, Path],
    action: Setup | None,
) -> NoReturn:
    status = 70
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # where the harness is killed, so is this
        for stream, file in enumerate(files, 1):
            os.dup2(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644), stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        own = {"DLP_CACHE_DIR": folder / "cache", "HOME": folder, "TMPDIR": folder / "tmp"}
        os.environ.pop("DLP_DATA_DIR", None)
        os.environ.update({name: str(value) for name, value in own.items()})
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv[1:] = arguments
        status = _call(setup, action)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _call(setup: Setup | None, action: Setup | None) -> int:
    from dlpractice.cli.main import main

    try:
        if setup is not None:
            setup()
        (action or main)()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


def import_all() -> None:
    """Imports what commands need, so that each fork has it already; makes a backbone tiny."""
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    # One thread for each process: nets as small as these are no faster with two.
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
    from dlpractice.cli.quiet_import import import_quietly

    for module in ("finetune.comparison", "finetune.sweep", "oneshot.comparison", "predict.classification"):
        import_quietly(f"dlpractice.recipes.{module}")
    for module in ("evaluate.labelled_images", "data.check_images", "diagnose.trial"):
        import_quietly(f"dlpractice.recipes.{module}")
    for module in ("cli.main", "report.figures", "report.result_tables", "report.progress_display.plain"):
        import_quietly(f"dlpractice.{module}")
    shrink_backbone()
