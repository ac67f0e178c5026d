import errno
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dlpractice import paths
from dlpractice.errors import PathError
from dlpractice.paths import Kind

LONG_NAME = "n" * 256
LONG_PATH = "/".join(["d" * 200] * 25)


def refusing(code: int) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    path = tmp_path / "loop"
    path.symlink_to("loop")
    return path


def test_what_lies_at_a_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "link").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    kinds = {name: paths.look(tmp_path / name) for name in ("file", "dangling", "link", "pipe", "file/below")}
    assert kinds == {
        "file": Kind.FILE,
        "dangling": Kind.ABSENT,
        "link": Kind.FOLDER,
        "pipe": Kind.OTHER,
        "file/below": Kind.ABSENT,
    }


@pytest.mark.parametrize("path", [LONG_NAME, LONG_PATH, "a\0b", "\ud800", "loop"])
@pytest.mark.parametrize(
    "ask",
    [
        *(paths.look, paths.exists, paths.is_file, paths.is_folder, paths.status, paths.list_folder),
        *(paths.open_file, lambda path: paths.read_file(path, 9)),
    ],
)
def test_whatever_is_asked_about_a_bad_path_it_is_named(
    loop: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[str], object], path: str
) -> None:
    monkeypatch.chdir(loop.parent)
    with pytest.raises(PathError) as caught:
        ask(path)
    assert path in caught.value.message
    assert caught.value.path == path
    assert caught.value.hint
    assert paths.try_look(path) is Kind.UNKNOWN
    assert paths.identify(path) == path
    assert paths.find_matching(path, "*") == paths.find_below(path, "*") == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EACCES, "permission denied"),
        (errno.EPERM, "permission denied"),
        (errno.EIO, "the disk fails"),
        (errno.ESTALE, "network drive"),
        (errno.ENAMETOOLONG, "bytes"),
        (errno.EMFILE, "open files"),
    ],
)
@pytest.mark.parametrize("call", ["stat", "open", "scandir"])
def test_what_the_system_answers_is_put_into_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int, reason: str
) -> None:
    (tmp_path / "f").touch()
    ask = {"stat": paths.is_file, "open": paths.open_file, "scandir": paths.list_folder}[call]
    monkeypatch.setattr(os, call, refusing(code))
    with pytest.raises(PathError, match=reason) as caught:
        ask(tmp_path / "f")
    assert str(tmp_path / "f") in caught.value.message


def test_the_folder_that_may_not_be_entered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "stat", refusing(errno.EACCES))
    monkeypatch.setattr(os, "access", lambda folder, _: "closed" not in str(folder))
    with pytest.raises(PathError) as caught:
        paths.exists(tmp_path / "closed/in/file")
    assert caught.value.hint.startswith(f"{tmp_path}/closed may not be entered")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("pipe", "a pipe"), ("socket", "a socket"), ("folder", "a folder"), ("/dev/zero", "a device")],
)
def test_what_is_no_ordinary_file_is_not_opened(tmp_path: Path, name: str, reason: str) -> None:
    """A pipe would be waited for, and zeros never end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(tmp_path / "socket"))
        with pytest.raises(PathError, match=f"{reason}, not a file"):
            paths.open_file(tmp_path / name)


def test_a_file_that_becomes_a_pipe_before_it_is_opened_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f").touch()
    before = os.stat(tmp_path / "f")
    (tmp_path / "f").unlink()
    os.mkfifo(tmp_path / "f")
    monkeypatch.setattr(os, "stat", lambda _: before)
    with pytest.raises(PathError, match="a pipe, not a file"):
        paths.open_file(tmp_path / "f")


def test_reading_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    assert paths.read_file(tmp_path / "f", 5) == b"12345"
    with pytest.raises(PathError, match="larger than 4 bytes"):
        paths.read_file(tmp_path / "f", 4)


def test_files_that_grow_while_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size that was seen first does not hold for what is read."""
    (tmp_path / "f").write_bytes(bytes(5000))
    small = os.stat(tmp_path)
    monkeypatch.setattr(
        os, "fstat", lambda _: os.stat_result((os.stat(tmp_path / "f").st_mode, *small[1:6], 7, *small[7:]))
    )
    assert paths.read_file(tmp_path / "f", 5000) == bytes(5000)
    with pytest.raises(PathError, match="larger than 4,999 bytes"):
        paths.read_file(tmp_path / "f", 4999)


def test_what_the_system_makes_up_is_read_though_it_states_no_size() -> None:
    assert paths.read_file("/proc/self/status", 2**20).startswith(b"Name:")


def test_a_home_that_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PathError, match="no user is called nouser") as caught:
        paths.expand_home("~nouser/data")
    assert "~nouser/data" in caught.value.message
    monkeypatch.setenv("HOME", "/home/me")
    assert paths.expand_home("~/data") == Path("/home/me/data")


def test_a_working_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for ask in (paths.absolute, paths.resolve):
        with pytest.raises(PathError, match="the working folder is gone"):
            ask("data")


def test_patterns_find_what_pathlib_finds(tmp_path: Path) -> None:
    for name in (
        "b/seed-1/c.yaml",
        "a/seed-0/c.yaml",
        "a/seed-1/d.yaml",
        "c.yaml",
        "e/f/g.yaml",
        ".h/c.yaml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for pattern in ("*/seed-*/c.yaml", "*.yaml", "a/*/*.yaml", "*/c.yaml", "none/*", "a/seed-0/c.yaml"):
        assert paths.find_matching(tmp_path, pattern) == sorted(tmp_path.glob(pattern))
    assert paths.find_below(tmp_path, "*.yaml") == sorted(tmp_path.rglob("*.yaml"))


def test_a_walk_enters_no_links_and_says_what_it_cannot_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "closed").mkdir()
    (tmp_path / "again").symlink_to(tmp_path)
    scandir = os.scandir
    monkeypatch.setattr(
        os, "scandir", lambda folder: refusing(errno.EACCES)() if "closed" in str(folder) else scandir(folder)
    )
    found = dict(paths.walk(tmp_path))
    assert list(found) == [tmp_path, tmp_path / "a", tmp_path / "a/b", tmp_path / "closed"]
    assert isinstance(found[tmp_path / "closed"], PathError)


def test_a_listing_says_what_a_link_leads_to(loop: Path) -> None:
    (loop.parent / "folder").mkdir()
    (loop.parent / "link").symlink_to("folder")
    found = {entry.name: (entry.kind, entry.is_link) for entry in paths.list_folder(loop.parent)}
    assert found == {
        "folder": (Kind.FOLDER, False),
        "link": (Kind.FOLDER, True),
        "loop": (Kind.UNKNOWN, True),
    }


def test_a_pipe_with_a_writer_is_refused_as_well(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").open("wb").close())
    writer.start()
    with pytest.raises(PathError, match="a pipe"):
        paths.open_file(tmp_path / "pipe")
    (tmp_path / "pipe").open("rb").close()
    writer.join()
