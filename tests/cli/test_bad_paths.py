"""Each argument of each command that takes a path, tried with paths that no program can do anything with."""

import errno
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dlpractice.cli.main import main
from dlpractice.printable import printable_name

CONFIG = "command: finetune\nstrategy: scratch\ndata: {source: data}\nmodel: {weights: null}\n"
HEADER = "stage,epoch,step,seconds,learning_rate,images_per_second,loss,accuracy,val_loss,val_accuracy\n"
PATHS = {
    "a link to itself": "loop",
    "behind a link to itself": "loop/in",
    "a long name": "n" * 256,
    "a name that an ending makes too long": "m" * 252,
    "a long path": "/".join(["d" * 200] * 25),
    "nobody's home": "~nouser/x",
    "half a character": "\ud800x",
    "a character that ends names": "a\0b",
    "a byte that is no text": "\udcff",
    "below a file": "file/below",
    "nothing": "none",
    "a link to nothing": "dangling",
    "a pipe": "pipe",
    "a pipe called a table": "pipe.csv",
    "a pipe called an archive": "pipe.zip",
    "a socket": "socket",
    "zeros without end": "/dev/zero",
    "zeros without end, called a table": "zero.csv",
    "a folder that may not be entered": "closed/in",
    "a drive that is gone": "stale",
    "a broken disk": "broken",
}
# What the system says of a path with this word in it, since tests may run as a user who may do everything.
REFUSED = {"closed/in": errno.EACCES, "stale": errno.ESTALE, "broken": errno.EIO}
COMMANDS = [
    "data check {}",
    "data check {} command=oneshot",
    "runs ls {}",
    "runs compare run {}",
    "diagnose {}",
    "predict {} data/a.png",
    "evaluate {} data",
    "export {} --format onnx",
    "config check {}",
    "config show {}",
    "config copy {} new.yaml",
    "config copy good.yaml {}/new.yaml",
    "finetune {}",
    "finetune good.yaml data.source={}",
    "finetune good.yaml --resume --run-dir {}",
    "oneshot {}",
    "benchmark {} parts=[]",
    "benchmark --baseline {}",
]


@pytest.fixture
def bad_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A working folder with the paths in it, and a run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path / "cache"))
    Path("run").mkdir()
    Path("run/config.yaml").write_text(CONFIG)
    Path("run/metrics.csv").write_text(HEADER)
    Path("good.yaml").write_text(CONFIG)
    for name in ("file", "stale", "broken"):
        Path(name).write_text("x")
    for name in ("pipe", "pipe.csv", "pipe.zip"):
        os.mkfifo(name)
    Path("loop").symlink_to("loop")
    Path("dangling").symlink_to("nowhere")
    Path("zero.csv").symlink_to("/dev/zero")
    Path("closed").mkdir()
    for call in ("stat", "open", "scandir", "mkdir"):
        monkeypatch.setattr(os, call, refusing(getattr(os, call)))
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("socket")
        yield


def refusing(call: Callable[..., object]) -> Callable[..., object]:
    """The system's call, which refuses what `REFUSED` says."""

    def ask(path: object = ".", *rest: object, **named: object) -> object:
        text = path if isinstance(path, str) else str(path) if isinstance(path, Path) else ""
        for word, code in REFUSED.items():
            if text.startswith(word) or f"/{word}" in text:
                raise OSError(code, os.strerror(code), text)
        return call(path, *rest, **named)

    return ask


@pytest.mark.usefixtures("bad_paths")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_path_is_named_in_the_error_whatever_takes_it(
    command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for kind, path in PATHS.items():
        monkeypatch.setattr(sys, "argv", ["dlp", *(word.replace("{}", path) for word in command.split())])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        assert ended.value.code in (1, 3), (kind, said)
        # `data check` tells on stdout what is wrong with the data.
        words = said.err + said.out
        assert "error: internal" not in words and "Traceback" not in words, (kind, words)
        errors = [line for line in words.splitlines() if line.startswith("error: ")]
        assert printable_name(path) in errors[-1], (kind, words)
