"""Disks that are full, read-only or forbidden, and files that vanish while a command runs.

What is tried needs a superuser, who alone mounts small file systems and can lay down rights.
"""

import ctypes
import os
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from harness.case import ERROR, INTERNAL, LOST, SAME, WENT_ON, Case, Outcome
from harness.commands import Command, compare, finetune_full, finish, oneshot_supcon, run_whole
from harness.program import Ended, run
from harness.samples import link_all
from harness.strikes import at_change, limit_files, strike_at_change

from dlpractice.whole_files import is_temporary

_CAPABILITIES = 0x20080522
"""The version of the kernel's structure."""


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[None]:
    """A file system of `size` bytes in memory, at `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(("umount", "-l", folder), check=False)


def _mount(*arguments: str) -> None:
    subprocess.run(("mount", *arguments), check=True)


def _fill(command: Command, samples: Path, place: str, number: int, seed: int, folder: Path) -> Outcome:
    """The disk of `place` (the run, or the cache) fills up; then there is room, and the command goes on."""
    whole = run_whole(command, samples)
    link_all(folder, samples)
    rng = np.random.default_rng([seed, number, zlib.crc32(place.encode())])
    most = sum(file.stat().st_size for file in (whole.folder / place).rglob("*") if file.is_file())
    size = 4096 * int(np.exp(rng.uniform(np.log(2), np.log(max(3, most // 4096)))))
    with mounted(folder / place, size):
        ended = run(folder, command.go(folder), command.setup())
        if ended.status == 0:
            return compare(command, folder, samples, ended)
        judged = ended.judge()
        left = [
            str(file.relative_to(folder)) for file in (folder / place).rglob("*") if is_temporary(file.name)
        ]
        if judged.what != ERROR:
            return judged
        if left:
            return Outcome(LOST, f"temporary files stay on the full disk: {', '.join(left)}")
        _mount("-o", "remount,size=256m", str(folder / place))
        healed = finish(command, folder, samples)
    return judged if healed.what == SAME else healed


def _limit(command: Command, samples: Path, number: int, seed: int, folder: Path) -> Outcome:
    """A write fails where a file reaches a size; then it may be larger, and the command goes on."""
    whole = run_whole(command, samples)
    link_all(folder, samples)
    rng = np.random.default_rng([seed, number, 11])
    size = int(np.exp(rng.uniform(np.log(600), np.log(whole.largest))))
    ended = run(folder, command.go(folder), command.setup(limit_files(size)))
    judged = compare(command, folder, samples, ended)
    if judged.what != ERROR:
        return judged
    healed = finish(command, folder, samples)
    return judged if healed.what == SAME else healed


def _own_images(folder: Path, samples: Path) -> None:
    """A working folder with images that may be changed."""
    link_all(folder, samples)
    for name in ("images", "alphabets"):
        (folder / name).unlink()
        shutil.copytree(samples / name, folder / name)


def _remove_one(folder: Path, kept: Path) -> None:
    next(iter(sorted((folder / "images").rglob("*.png")))).unlink()


def _remove_images(folder: Path, kept: Path) -> None:
    shutil.rmtree(folder / "images")


def _damage_one(folder: Path, kept: Path) -> None:
    next(iter(sorted((folder / "images").rglob("*.png")))).write_bytes(b"no image any more")


def _remove_cache(folder: Path, kept: Path) -> None:
    shutil.rmtree(folder / "cache", ignore_errors=True)


def _remove_run(folder: Path, kept: Path) -> None:
    shutil.rmtree(folder / "run", ignore_errors=True)


_DEEDS: dict[str, Callable[[Path, Path], None]] = {
    "one image is removed": _remove_one,
    "all images are removed": _remove_images,
    "one image is damaged": _damage_one,
    "the cache is deleted": _remove_cache,
    "the run's folder is deleted": _remove_run,
}


def _vanish(command: Command, samples: Path, deed: str, number: int, seed: int, folder: Path) -> Outcome:
    """Something goes while the command runs; then all is back as it was, and the command is started again."""
    whole = run_whole(command, samples)
    _own_images(folder, samples)
    rng = np.random.default_rng([seed, number, zlib.crc32(deed.encode())])
    moment = int(rng.integers(1, whole.changes + 1))
    setup = at_change(folder, moment, partial(_DEEDS[deed], folder, samples))
    ended = run(folder, command.go(folder), command.setup(setup))
    judged = compare(command, folder, samples, ended)
    if judged.what != ERROR:
        return judged
    shutil.rmtree(folder / "images", ignore_errors=True)
    shutil.copytree(samples / "images", folder / "images")
    healed = finish(command, folder, samples)
    return judged if healed.what == SAME else healed


def _obey_permissions() -> None:
    """Gives up a superuser's capabilities, so that permissions bind it as they bind the owner of a file."""
    header = struct.pack("Ii", _CAPABILITIES, 0)
    if ctypes.CDLL(None).capset(header, bytes(24)):
        raise OSError("capset failed")


def _lock_up(folder: Path, samples: Path, what: str) -> dict[str, str]:
    """Makes a working folder in which nobody may write to, or read, `what`; gives the environment."""
    _own_images(folder, samples)
    for name in ("cache", "tmp", "runs"):
        (folder / name).mkdir(exist_ok=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o777 if path.is_dir() else 0o666)
    environment: dict[str, str] = {}
    if what == "no home":
        environment = {"HOME": "/nonexistent", "XDG_CACHE_HOME": ""}
    elif what == "read-only home and cache by default":
        (folder / "home").mkdir(mode=0o555)
        environment = {"HOME": str(folder / "home"), "DLP_CACHE_DIR": ""}
    elif what == "unreadable images":
        (folder / "images").chmod(0)
    elif what == "one unreadable image":
        next(iter(sorted((folder / "images").rglob("*.png")))).chmod(0)
    elif what == "one unreadable class folder":
        (folder / "images" / "class0000").chmod(0)
    elif what == "read-only working folder":
        folder.chmod(0o555)
    elif what == "read-only images":
        (folder / "images").chmod(0o555)
    else:
        (folder / what.removeprefix("read-only ")).chmod(0o555)
    return environment


_LOCKED = {
    "no home": (SAME,),
    "read-only images": (SAME,),
    "read-only home and cache by default": (ERROR,),
    "read-only cache": (ERROR,),
    "read-only runs": (ERROR,),
    "read-only working folder": (SAME, ERROR),
    "read-only tmp": (SAME, ERROR),
    "unreadable images": (ERROR,),
    "one unreadable image": (ERROR,),
    "one unreadable class folder": (ERROR,),
}


def _forbid(command: Command, samples: Path, what: str, folder: Path) -> Outcome:
    environment = _lock_up(folder, samples, what)
    inner = Command(command.name, "", (*command.arguments[:-1], "runs/run"), result="runs/run")
    ended = run(folder, inner.arguments, _obey_permissions, environment)
    if ended.status == 0:
        shutil.move(folder / "runs/run", folder / "run")
        return compare(command, folder, samples, ended)
    return ended.judge()


def _empty(command: Command, samples: Path, size: int, folder: Path) -> Outcome:
    """The files of the cache are cut to `size` bytes after a kill; then the command goes on."""
    link_all(folder, samples)
    run(folder, command.go(folder), command.setup(strike_at_change(folder, 60)))
    for file in (folder / "cache").rglob("*"):
        if file.is_file() and file.stat().st_size > size:
            os.truncate(file, size)
    return finish(command, folder, samples)


def _read_only(command: Command, samples: Path, place: str, folder: Path) -> Outcome:
    """A file system that is mounted for reading only, with a finished run or cache on it."""
    whole = run_whole(command, samples)
    link_all(folder, samples)
    with mounted(folder / place, 64_000_000):
        shutil.copytree(whole.folder / place, folder / place, dirs_exist_ok=True)
        _mount("-o", "remount,ro", str(folder / place))
        ended: Ended = run(folder, command.go(folder), command.setup())
        return compare(command, folder, samples, ended)


def _use(command: Command, samples: Path, arguments: tuple[str, ...], folder: Path) -> Outcome:
    """A finished run on a file system for reading only is used."""
    whole = run_whole(command, samples)
    link_all(folder, samples)
    with mounted(folder / "run", 64_000_000):
        shutil.copytree(whole.folder / "run", folder / "run", dirs_exist_ok=True)
        _mount("-o", "remount,ro", str(folder / "run"))
        ended = run(folder, arguments)
        if ended.status == 0:
            return Outcome(WENT_ON) if ended.output else Outcome(INTERNAL, "said nothing")
        return ended.judge()


def list_cases(samples: Path, seed: int, *, short: bool) -> Iterator[Case]:
    """Full, read-only and forbidden disks; what vanishes."""
    full = finetune_full(samples)
    if short:
        go = partial(_limit, full, samples, 0, seed)
        yield Case("a file may not grow", "limit, 0", (SAME, ERROR), go)
        return
    commands = (full, oneshot_supcon())
    for command in commands:
        for place in ("run", "cache"):
            for number in range(8):
                go = partial(_fill, command, samples, place, number, seed)
                name = f"{command.name}, full {place}, {number}"
                yield Case(f"full disk of the {place}", name, (SAME, ERROR), go)
        for number in range(8):
            go = partial(_limit, command, samples, number, seed)
            yield Case("a file may not grow", f"{command.name}, limit, {number}", (SAME, ERROR), go)
    for deed in _DEEDS:
        for number in range(6):
            go = partial(_vanish, full, samples, deed, number, seed)
            yield Case(f"in the middle, {deed}", f"{deed}, {number}", (SAME, ERROR), go)
    for size in (0, 1, 100, 1000):
        go = partial(_empty, full, samples, size)
        yield Case("after a kill, the cache's files are cut", f"cut to {size} bytes", (SAME, ERROR), go)
    for what, wanted in _LOCKED.items():
        yield Case("no permission", what, wanted, partial(_forbid, full, samples, what))
    for place, wanted in (("run", (SAME, ERROR)), ("cache", (SAME, ERROR))):
        go = partial(_read_only, full, samples, place)
        yield Case("mounted for reading only", f"{place} mounted for reading", wanted, go)
    for arguments in (
        ("predict", "run", "images"),
        ("evaluate", "run", "images"),
        ("diagnose", "run"),
        ("runs", "ls", "run"),
        ("runs", "compare", "run", "run"),
    ):
        go = partial(_use, full, samples, arguments)
        yield Case("mounted for reading only", f"{' '.join(arguments)}", (WENT_ON,), go)
