import gc
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dlpractice.data.storage import downloads as module
from dlpractice.data.storage.downloads import Download, fetch, find_local
from dlpractice.errors import DataError
from dlpractice.progress import Silent

# An interrupted transfer leaves a socket of requests' to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

CONTENT = bytes(range(256)) * 2000


class Server(ThreadingHTTPServer):
    """Answers each request with the next of `answers`: a status, or "cut" for a body that ends early."""

    answers: list[int | str]
    requests: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        answer = self.server.answers.pop(0)
        self.send_response(200 if answer == "cut" else int(answer))
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000] if answer == "cut" else CONTENT)

    def log_message(self, *arguments: object) -> None:
        """Silent."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()
    gc.collect()


class Counting(Silent):
    def __init__(self) -> None:
        self.stages: list[tuple[str, int, str]] = []
        self.done = 0
        self.said: list[str] = []

    def stage(self, name: str, total: int, unit: str) -> None:
        self.stages.append((name, total, unit))

    def advance(self, done: int = 1) -> None:
        self.done += done

    def say(self, message: str) -> None:
        self.said.append(message)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != ".lock")


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_file_is_downloaded_once_with_progress(server: Server, own_cache: Path, algorithm: str) -> None:
    server.answers = [200]
    progress = Counting()
    digest = f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}"
    wanted = Download("set/file.bin", server.url, digest)
    path = fetch(wanted, progress)
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(own_cache / "downloads") and path.name == "file.bin"
    assert progress.stages == [("downloading file.bin", len(CONTENT), "bytes")]
    assert progress.done == len(CONTENT)
    assert fetch(wanted) == path
    assert server.requests == 1


@pytest.mark.parametrize("other", ["url", "digest"])
def test_what_was_downloaded_from_elsewhere_is_another_file(server: Server, other: str) -> None:
    server.answers = [200, 200]
    first = fetch(Download("set/file.bin", server.url))
    change = {"url": f"{server.url}?version=2", "digest": f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"}
    second = fetch(replace(Download("set/file.bin", server.url), **{other: change[other]}))
    assert (first != second, server.requests) == (True, 2)


@pytest.mark.parametrize("trouble", [500, 503, 429, "cut"])
def test_passing_trouble_is_tried_again(server: Server, own_cache: Path, trouble: int | str) -> None:
    server.answers = [trouble, trouble, 200]
    progress = Counting()
    assert fetch(Download("set/file.bin", server.url), progress).read_bytes() == CONTENT
    assert len(progress.said) == 2
    assert files(own_cache) == ["file.bin"]


@pytest.mark.parametrize("trouble", [404, "cut"])
def test_lasting_trouble_names_file_address_and_variable(
    server: Server, own_cache: Path, trouble: int | str
) -> None:
    server.answers = [trouble] * 9
    with pytest.raises(DataError) as caught:
        fetch(Download("set/file.bin", server.url))
    assert "file.bin" in caught.value.message
    assert server.url in caught.value.message
    assert "DLP_DATA_DIR" in caught.value.hint
    assert "set/file.bin" in caught.value.hint
    assert server.requests == (1 if trouble == 404 else module.ATTEMPTS)
    assert files(own_cache) == []


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "md5:" + "0" * 32])
def test_another_content_than_expected_is_discarded(server: Server, own_cache: Path, digest: str) -> None:
    server.answers = [200]
    with pytest.raises(DataError, match=r"file\.bin"):
        fetch(Download("set/file.bin", server.url, digest))
    assert files(own_cache) == []


def test_without_a_network_there_is_one_clear_error(server: Server) -> None:
    server.answers = []
    with pytest.raises(DataError, match=r"cannot download file\.bin from http://127\.0\.0\.1:9/"):
        fetch(Download("set/file.bin", "http://127.0.0.1:9/file.bin"))


def test_data_folders_come_first_and_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "set").mkdir(parents=True)
    (tmp_path / "two/set/file.bin").write_bytes(b"here")
    monkeypatch.setenv("DLP_DATA_DIR", f"{tmp_path / 'one'}:{tmp_path / 'two'}")
    assert fetch(Download("set/file.bin", "http://127.0.0.1:9/")) == tmp_path / "two/set/file.bin"
    assert find_local(Download("set/other.bin", "http://127.0.0.1:9/")) is None
    assert files(tmp_path / "one") == []
