"""Downloads from a server that misbehaves, and downloads that are killed."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from harness.bad_server import BadServer, serving
from harness.case import ERROR, HUNG, INTERNAL, LOST, SAME, Case, Outcome
from harness.program import Setup, run
from harness.strikes import strike_at_change

NAME = "cats-dogs"
_PASSING = (
    "500,503,ok",
    "429,ok",
    "half,ok",
    "half,half,ok",
    "reset,reset,ok",
    "silent,ok",
    "stop,ok",
    "drip,ok",
)
_HEALTHY = ("ok", "all", "gzip", "there", "half,all", "long,ok", "half,416,ok", "half,500,reset,ok")
_LASTING = ("404", "403", "410", "500", "reset", "silent", "drip", "stop", "file", "ftp", "loop", "half,file")
_CHECKED = ("short", "other", "page", "half,other", "endless")
"""What cannot be told from the file by a client that does not know the file's digest."""


def _fetch_from(url: str, digest: str, silence: float, pace: float) -> Setup:
    """Before `dlp data fetch`: the data set lies at `url`, and waits are `pace` times as short."""

    def prepare() -> None:
        import time
        from dataclasses import replace
        from types import SimpleNamespace

        from dlpractice.data.sets.catalogue import CATALOGUE
        from dlpractice.data.storage import downloads, transfer
        from dlpractice.data.storage.downloads import Download

        row = CATALOGUE[NAME]
        CATALOGUE[NAME] = replace(row, files=(Download("cats-dogs/images.zip", url, digest),))
        transfer.SILENCE, transfer.LARGEST = silence, 50_000_000
        downloads.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / pace))

    return prepare


def _zip(samples: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted((samples / "images").rglob("*.png")):
            archive.write(file, file.relative_to(samples / "images"))
    return content.getvalue()


def _read_tree(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*.png"))
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def _judge_folder(printed: str, samples: Path) -> Outcome:
    folder = Path(printed.splitlines()[-1]) if printed else Path()
    same = _read_tree(folder) == _read_tree(samples / "images")
    return Outcome(SAME) if same else Outcome(LOST, f"{folder} holds other files")


def _fetch(
    server: BadServer, samples: Path, words: str, checked: bool, silence: float, pace: float, folder: Path
) -> Outcome:
    digest = f"sha256:{hashlib.sha256(server.content).hexdigest()}" if checked else ""
    url = server.address(words, f"{checked}-{silence}-{folder.name}")
    setup = _fetch_from(url, digest, silence, pace)
    ended = run(folder, ("data", "fetch", NAME), setup, {"NO_PROXY": "*"})
    if ended.status == 0:
        return _judge_folder(ended.output, samples)
    return ended.judge(url, "DLP_DATA_DIR", "cats-dogs/images.zip")


def _kill(server: BadServer, samples: Path, number: int, folder: Path) -> Outcome:
    digest = f"sha256:{hashlib.sha256(server.content).hexdigest()}"
    setup = _fetch_from(server.address("ok", folder.name), digest, 5, 20)

    def killed() -> None:
        setup()
        strike_at_change(folder, number)()

    command = ("data", "fetch", NAME)
    if run(folder, command, killed, {"NO_PROXY": "*"}).status == 0:
        return Outcome(SAME, "it had ended before", tries=0)
    ended = run(folder, command, setup, {"NO_PROXY": "*"})
    if ended.status is None:
        return Outcome(HUNG)
    return _judge_folder(ended.output, samples) if ended.status == 0 else Outcome(INTERNAL, ended.messages)


def list_cases(samples: Path, seed: int, *, short: bool) -> Iterator[Case]:
    """Each misbehaviour with and without a known digest; kills in front of each change to a file."""
    with serving(_zip(samples)) as server:
        for words, wanted, kind in (
            *((words, SAME, "trouble that passes") for words in _PASSING),
            *((words, SAME, "odd answers") for words in _HEALTHY),
            *((words, ERROR, "trouble that lasts") for words in _LASTING),
            *((words, ERROR, "other content, or no end") for words in _CHECKED),
        ):
            if short and words not in ("half,500,reset,ok", "file"):
                continue
            for checked in (True,) if words in _CHECKED or short else (True, False):
                go = partial(_fetch, server, samples, words, checked, 1.5, 20.0)
                yield Case(kind, f"{words}, digest {'known' if checked else 'unknown'}", (wanted,), go)
        if short:
            return
        for words, wanted in (("silent,ok", SAME), ("drip", ERROR)):
            go = partial(_fetch, server, samples, words, True, 30.0, 1.0)
            yield Case("in real time", f"{words}, real time", (wanted,), go)
        for number in range(1, 120):
            yield Case(
                "SIGKILL while fetching",
                f"killed at change {number}",
                (SAME,),
                partial(_kill, server, samples, number),
            )
