"""Terminals that are narrow, dumb, absent or closed, and homes that are not there.

Each command is a process of its own, started as a shell would: Python looks at terminals and languages when
it starts.
"""

import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from fcntl import ioctl
from functools import partial
from pathlib import Path

from harness.case import ERROR, HUNG, INTERNAL, LOST, WENT_ON, Case, Outcome
from harness.commands import finetune_full, run_whole
from harness.program import Ended
from harness.samples import link_all

_ROOT = Path(__file__).resolve().parents[2]
_COLOUR = re.compile(r"\x1b\[")

_COMMANDS: dict[str, tuple[str, ...]] = {
    "help": ("finetune", "--help"),
    "data sets": ("data", "ls"),
    "config": ("config", "show", "finetune.yaml"),
    "runs": ("runs", "ls", "."),
    "comparison": ("runs", "compare", "run", "ünicode-run"),
    "diagnosis": ("diagnose", "ünicode-run"),
    "JSON": ("diagnose", "run", "--json"),
    "error": ("diagnose", "nö-such-run"),
}
_PREDICTION = {"prediction": ("predict", "ünicode-run", "images")}

_SETTINGS: dict[str, Mapping[str, str]] = {
    "no terminal": {},
    "40 columns": {"COLUMNS": "40"},
    "1 column": {"COLUMNS": "1"},
    "NO_COLOR": {"NO_COLOR": "1"},
    "TERM=dumb": {"TERM": "dumb"},
    "TERM unknown": {"TERM": "no-such-terminal"},
    "LC_ALL=C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "ASCII streams": {"PYTHONIOENCODING": "ascii"},
    "Latin-1 streams": {"PYTHONIOENCODING": "latin-1"},
    "no HOME": {"HOME": ""},
    "absent HOME": {"HOME": "/nonexistent/home"},
    "HOME is a file": {"HOME": "finetune.yaml"},
    "absent XDG folders": dict.fromkeys(
        ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), "/nonexistent/xdg"
    ),
    "absent TMPDIR": {"TMPDIR": "/nonexistent/tmp"},
    "odd settings": {"COLUMNS": "no number", "LINES": "-1", "LANG": "xx_YY.nonsense"},
}


def _environment(changed: Mapping[str, str]) -> dict[str, str]:
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT), "HOME": "/tmp"}
    kept |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {name: value for name, value in (kept | dict(changed)).items() if value}


def _prepare(samples: Path, folder: Path) -> None:
    link_all(folder, samples)
    whole = run_whole(finetune_full(samples), samples).folder / "run"
    for name in ("run", "ünicode-run"):
        shutil.copytree(whole, folder / name)


def _call(folder: Path, arguments: tuple[str, ...], changed: Mapping[str, str], shell: str = "") -> Ended:
    """Runs `dlp`, in a shell with `shell` behind it if there is something to be said to one."""
    command: list[str] = [sys.executable, "-m", "dlpractice", *arguments]
    if shell:
        command = ["bash", "-c", f'"$@" {shell}', "bash", *command]
    try:
        done = subprocess.run(
            command, cwd=folder, env=_environment(changed), capture_output=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        return Ended(None, "", "", 120)
    return Ended(
        done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), 0
    )


def _speak(samples: Path, name: str, changed: Mapping[str, str], folder: Path) -> Outcome:
    """Runs one command under these settings, with files in place of a terminal."""
    _prepare(samples, folder)
    ended = _call(folder, (_COMMANDS | _PREDICTION)[name], changed)
    return _judge(name, ended)


def _judge(name: str, ended: Ended) -> Outcome:
    if _COLOUR.search(ended.output + ended.messages):
        return Outcome(INTERNAL, "colours, although there is no terminal")
    if name == "error":
        return ended.judge()
    if ended.status != 0:
        judged = ended.judge()
        return Outcome(LOST if judged.what == ERROR else judged.what, judged.detail)
    return Outcome(WENT_ON) if ended.output else Outcome(LOST, "said nothing")


def _in_shell(samples: Path, name: str, shell: str, status: int, folder: Path) -> Outcome:
    """Runs a command whose streams a shell has closed or led elsewhere."""
    _prepare(samples, folder)
    ended = _call(folder, _COMMANDS[name], {}, shell)
    if ended.status is None:
        return Outcome(HUNG)
    if "Traceback" in ended.messages or "internal" in ended.messages or "Exception ignored" in ended.messages:
        return Outcome(INTERNAL, ended.messages[-300:])
    if ended.status != status:
        return Outcome(LOST, f"status {ended.status}, not {status}: {ended.messages[-200:]}")
    return Outcome(WENT_ON)


def _on_terminal(samples: Path, name: str, columns: int, changed: Mapping[str, str], folder: Path) -> Outcome:
    """Runs a command on a terminal with so many columns."""
    _prepare(samples, folder)
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "dlpractice", *(_COMMANDS | _PREDICTION)[name]],
        cwd=folder,
        env=_environment({"TERM": "xterm-256color"} | dict(changed)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        said = b""
        while piece := _read(ours):
            said += piece
        status = process.wait(120)
    os.close(ours)
    text = said.decode(errors="replace").replace("\r\n", "\n")
    if "NO_COLOR" in changed and re.search(r"\x1b\[[0-9;]*3[0-9]m", text):
        return Outcome(INTERNAL, "colours in spite of NO_COLOR")
    if name == "error":
        return Ended(status, "", text, 0).judge()
    if status != 0 or "Traceback" in text:
        return Outcome(INTERNAL, text[-300:])
    return Outcome(WENT_ON)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return b""


_STREAMS = {
    ">&-": 0,
    "2>&-": 0,
    "<&-": 0,
    ">&- 2>&- <&-": 0,
    "| head -1; exit ${PIPESTATUS[0]}": 0,
    "| true; exit ${PIPESTATUS[0]}": 0,
    "2>/dev/full": 0,
}


def list_cases(samples: Path, seed: int, *, short: bool) -> Iterator[Case]:
    """Each command under each setting, on terminals, and with streams that are closed or full."""
    if short:
        go = partial(_speak, samples, "error", _SETTINGS["LC_ALL=C"])
        yield Case("settings", "error, LC_ALL=C", (ERROR,), go)
        return
    for setting, changed in _SETTINGS.items():
        for name in _COMMANDS:
            go = partial(_speak, samples, name, changed)
            yield Case(f"settings: {setting}", f"{name}, {setting}", (WENT_ON, ERROR), go)
    for setting in ("40 columns", "LC_ALL=C", "ASCII streams", "absent HOME"):
        go = partial(_speak, samples, "prediction", _SETTINGS[setting])
        yield Case(f"settings: {setting}", f"prediction, {setting}", (WENT_ON,), go)
    for columns in (40, 1, 300):
        for name in ("help", "data sets", "runs", "comparison", "diagnosis", "error"):
            for setting in ("no terminal", "NO_COLOR", "TERM=dumb"):
                go = partial(_on_terminal, samples, name, columns, _SETTINGS[setting])
                label = f"{name} on {columns} columns, {setting}"
                yield Case(f"a terminal of {columns} columns", label, (WENT_ON, ERROR), go)
    for shell, status in _STREAMS.items():
        for name in ("help", "data sets", "runs", "diagnosis", "JSON"):
            lost = name == "JSON" and shell in (">&-", ">&- 2>&- <&-")
            go = partial(_in_shell, samples, name, shell, 1 if lost else status)
            yield Case("streams closed or full", f"{name} {shell}".replace("/", "-"), (WENT_ON,), go)
