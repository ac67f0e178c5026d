"""Everything that is written: on a disk that is really full, under a real limit, and side by side."""

import errno
import http.server
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dlpractice import whole_files
from dlpractice.data.files.archive import extract
from dlpractice.data.storage.downloads import Download, fetch
from dlpractice.data.storage.row_store import RowStore
from dlpractice.errors import DataError, DlpError, WriteError
from dlpractice.recipes.inference.enrolment_index import Enrolment, write_index
from dlpractice.recipes.run.model_note import Comparison, Curve
from dlpractice.runs import atomic_files
from dlpractice.training.checkpoints import Checkpoints, Position
from dlpractice.whole_files import append, make_folder, making_folder, replacing, scratch_folder, write_new

COMPARISON = Comparison(
    similarity="Cosine",
    settings={},
    verdict=Curve(slope=1, intercept=0, threshold=0.5, false_accept_rate=0.1),
)
NOISE = np.random.default_rng(0).integers(256, size=(64, 4096), dtype=np.uint8)


def list_all(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Inside the block no file may be larger; Python ignores the signal that the system sends with it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def save_figure(path: Path) -> None:
    from matplotlib.figure import Figure

    from dlpractice.report.figures import save

    figure = Figure(figsize=(4, 4), dpi=150)
    figure.add_axes((0, 0, 1, 1)).imshow(NOISE, aspect="auto", cmap="gray", interpolation="nearest")
    save(figure, path)


def make_zip(folder: Path) -> Path:
    archive = folder / "some.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a/1.png", bytes(1000))
        opened.writestr("a/2.png", bytes(20 << 10))
        opened.writestr("a/3.png", bytes(20 << 10))
    return archive


# Of each kind of file one writer; it is given a folder that is there, and one for what it needs.
WRITERS: dict[str, Callable[[Path, Path], object]] = {
    "metrics.csv": lambda disk, _: atomic_files.write_csv(
        disk / "metrics.csv", {"x": int}, ({"x": n} for n in range(20_000))
    ),
    "summary.json": lambda disk, _: atomic_files.write_text(disk / "summary.json", "1, " * 20_000),
    "latest.npz": lambda disk, _: Checkpoints(disk, 0).write(Position(), {"model": [NOISE]}),
    "index.npz": lambda disk, _: write_index(
        disk / "index.npz", Enrolment(("a",), NOISE.astype(np.float32)[:1].repeat(9, 0)), "sha", COMPARISON
    ),
    "comparison.png": lambda disk, _: save_figure(disk / "comparison.png"),
    "next.yaml": lambda disk, _: write_new(disk / "next.yaml", "a" * 70_000),
    "rows.bin": lambda disk, _: RowStore(disk, (4096,), np.uint8).append([f"{n}" for n in range(64)], NOISE),
    "unpacked": lambda disk, elsewhere: extract(make_zip(elsewhere), disk / "unpacked"),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("cause", ["full", "limit"])
def test_what_does_not_fit_is_one_error_and_leaves_nothing(
    name: str,
    cause: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "elsewhere").mkdir()
    # An archive is not begun where there is no room; the room may go while it is unpacked.
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 40))
    if cause == "full":
        disk, reason, limit = request.getfixturevalue("small_disk"), "No space left on device", 1 << 30
    else:
        disk, reason, limit = tmp_path / "disk", "File too large", 8 << 10
        disk.mkdir()
    before = list_all(disk)
    with largest_file(limit), pytest.raises(DlpError, match=rf"cannot write .*{name}: {reason}") as caught:
        WRITERS[name](disk, tmp_path / "elsewhere")
    assert caught.value.hint
    # Of a store of rows the facts were small enough, and the lock stays.
    kept = {"shape.json", ".lock", "rows.bin", ".unpacked.extracting", ".unpacked.extracting/.lock"}
    assert set(list_all(disk)) - kept == set(before)
    if name == "rows.bin":
        assert (disk / name).stat().st_size == 0


def test_a_download_that_does_not_fit_is_one_error_and_leaves_nothing(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big.bin").write_bytes(NOISE.tobytes())

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("DLP_CACHE_DIR", str(small_disk))
    monkeypatch.delenv("DLP_DATA_DIR", raising=False)
    with pytest.raises(DataError, match=r"cannot write .*big\.bin: No space left") as caught:
        fetch(Download("big.bin", f"http://127.0.0.1:{server.server_port}/big.bin"))
    server.shutdown()
    server.server_close()
    assert "DLP_CACHE_DIR" in caught.value.hint
    # Nothing of the file is left, also not to go on from.
    assert {Path(name).name for name in list_all(small_disk)} - {"filled", "downloads", ".lock"} == {
        Download("big.bin", f"http://127.0.0.1:{server.server_port}/big.bin").cache_key
    }


def test_a_folder_that_does_not_fit_is_one_error_and_leaves_no_file(small_disk: Path) -> None:
    images = [Image.fromarray(NOISE[:, 64 * n :][:, :64]) for n in range(20)]
    with (
        pytest.raises(WriteError, match=r"cannot write .*images: No space left"),
        making_folder(small_disk / "images") as folder,
    ):
        for number, image in enumerate(images):
            image.save(folder / f"{number}.png")
    assert list_all(small_disk) == ["filled"]


def test_scratch_that_does_not_fit_is_one_error(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(small_disk))
    monkeypatch.setattr("tempfile.tempdir", None)
    message = f"cannot write {small_disk}: No space left"
    with pytest.raises(WriteError, match=message), scratch_folder() as folder:
        (folder / "a").write_bytes(NOISE)
    assert list_all(small_disk) == ["filled"]


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EDQUOT, "your share"),
        (errno.EROFS, "may be written"),
        (errno.EACCES, "may write to"),
        (errno.EIO, "the disk fails"),
        (errno.EMFILE, "ulimit -n"),
    ],
)
def test_each_cause_has_its_advice(number: int, hint: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(WriteError) as caught, replacing(path):
        raise OSError(number, "as the system has it")
    assert caught.value.message == f"cannot write {path}: {os.strerror(number)}"
    assert hint in caught.value.hint
    assert list_all(tmp_path) == []


def test_a_library_that_stumbles_over_a_full_disk_does_not_hide_it(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="No space left"), replacing(tmp_path / "a"):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        finally:
            raise ValueError("cannot close the archive")
    with pytest.raises(WriteError, match="No space left"), replacing(tmp_path / "a"):
        raise RuntimeError("Unable to write data (file write failed: errno = 28, error message = ...)")
    with pytest.raises(ValueError, match="a bug"), replacing(tmp_path / "a"):
        try:
            raise FileNotFoundError(errno.ENOENT, "something that may be absent")
        except FileNotFoundError:
            raise ValueError("a bug") from None
    with pytest.raises(DataError, match="its own"), replacing(tmp_path / "a"):
        raise DataError("a problem of its own")


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    for write in (
        lambda path: atomic_files.write_text(path, "{}"),
        lambda path: append(path, b"a"),
    ):
        with pytest.raises(WriteError, match=r"cannot write .*a\.json: a folder lies in its place"):
            write(tmp_path / "a.json")
    with pytest.raises(WriteError, match=r"cannot write .*a\.json: it exists already"):
        write_new(tmp_path / "a.json", "")
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match=r"cannot write .*file: it exists already"):
        make_folder(tmp_path / "file")
    assert list_all(tmp_path) == ["a.json", "file"]


def test_a_link_in_the_place_of_a_file_is_replaced_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for name in ("replaced", "appended", "new", "dead"):
        (tmp_path / name).symlink_to("nowhere" if name == "dead" else "mine.txt")
    atomic_files.write_text(tmp_path / "replaced", "text")
    atomic_files.write_text(tmp_path / "dead", "text")
    with pytest.raises(WriteError, match="a link lies in its place"):
        append(tmp_path / "appended", b"text")
    with pytest.raises(WriteError, match="it exists already"):
        write_new(tmp_path / "new", "text")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert not (tmp_path / "replaced").is_symlink()
    assert (tmp_path / "replaced").read_text() == (tmp_path / "dead").read_text() == "text"
    assert not (tmp_path / "nowhere").exists()


def test_where_a_new_file_is_written_nobody_else_can_reach(tmp_path: Path) -> None:
    places = []
    for _ in range(2):
        with replacing(tmp_path / "a.keras") as new:
            assert new.name == "a.keras" and new.parent.parent == tmp_path
            assert stat.S_IMODE(new.parent.stat().st_mode) == 0o700
            assert whole_files.is_temporary(new.parent.name)
            new.write_text("new")
        places.append(new)
    assert places[0] != places[1]
    assert list_all(tmp_path) == ["a.keras"]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_permissions_follow_the_umask(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        atomic_files.write_text(tmp_path / "a", "")
        write_new(tmp_path / "b", "")
        append(tmp_path / "c", b"")
        with making_folder(tmp_path / "d") as folder:
            (folder / "e").touch()
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "b", "c", "d", "d/e")}
    assert modes == {"a": 0o666 & ~mask, "b": 0o666 & ~mask, "c": 0o666 & ~mask, "d": 0o777 & ~mask} | {
        "d/e": 0o666 & ~mask
    }


def test_only_what_promises_to_last_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    atomic_files.write_text(tmp_path / "a.json", "")
    assert synced == []
    Checkpoints(tmp_path, 0).write(Position(), {"model": [np.zeros(1)]})
    assert synced == ["latest.npz", tmp_path.name]  # the file, and then its name in the folder


def test_an_interrupt_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    for moment in range(3):
        with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a") as new:
            if moment:
                new.write_text("new")
            if moment == 2:
                (new.parent / "more").mkdir()
            raise KeyboardInterrupt
    append(tmp_path / "rows", b"old")
    assert (tmp_path / "a").read_text() == "old"
    assert list_all(tmp_path) == ["a", "rows"]


def test_an_append_that_is_interrupted_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(tmp_path / "rows", b"old")
    real = os.write

    def write(descriptor: int, content: memoryview) -> int:
        if len(content) < 5:
            raise KeyboardInterrupt
        return real(descriptor, content[:3])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(KeyboardInterrupt):
        append(tmp_path / "rows", b"new row")
    assert (tmp_path / "rows").read_bytes() == b"old"


def test_what_a_killed_process_left_goes_with_the_next_write_and_what_a_living_one_writes_stays(
    tmp_path: Path,
) -> None:
    program = f"""
import os, signal, sys
from pathlib import Path
from dlpractice.whole_files import replacing
with replacing(Path({str(tmp_path)!r}) / sys.argv[1]) as new:
    new.write_text("half")
    print(flush=True)
    sys.stdin.readline()
"""
    command = [sys.executable, "-c", program]
    killed, living = (
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in ("killed", "living")
    )
    for process in (killed, living):
        assert process.stdout is not None and process.stdout.readline() == b"\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    (tmp_path / ".dlp-empty").mkdir()  # killed in between
    assert len(list(tmp_path.iterdir())) == 3
    atomic_files.write_text(tmp_path / "a", "")
    assert {path.name for path in tmp_path.glob(".dlp-*/*")} == {"living", ".lock"}
    living.communicate(b"\n")
    assert living.returncode == 0
    assert list_all(tmp_path) == ["a", "living"]


def test_of_two_that_write_the_same_file_one_wins_whole(tmp_path: Path) -> None:
    texts = ["a" * 50_000, "b" * 50_000]
    path = tmp_path / "both"
    failed: list[BaseException] = []

    def write(text: str) -> None:
        try:
            for _ in range(40):
                atomic_files.write_text(path, text)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    seen = {path.read_text() for _ in range(200) if path.exists()}
    for thread in threads:
        thread.join()
    assert failed == []
    assert seen | {path.read_text()} <= set(texts)
    assert list_all(tmp_path) == ["both"]


def test_a_new_file_is_not_put_over_one_that_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def link(source: Path, target: Path) -> None:
        target.write_text("somebody else's")
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(WriteError, match="it exists already"):
        write_new(tmp_path / "a", "mine")
    assert (tmp_path / "a").read_text() == "somebody else's"
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no links here")))
    write_new(tmp_path / "b", "mine")
    assert (tmp_path / "b").read_text() == "mine"
    assert list_all(tmp_path) == ["a", "b"]
