import gzip
import hashlib
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import requests

from dlpractice.data.storage import downloads as module
from dlpractice.data.storage import transfer
from dlpractice.data.storage.downloads import Download, fetch, find_local
from dlpractice.errors import DataError
from dlpractice.progress import Silent

CONTENT = np.random.default_rng(0).bytes(500_000)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Server(ThreadingHTTPServer):
    """Answers each request with the next of `answers`.

    Each is a status, an address to go to, or a word for what happens to the body: "cut" and "dripping" after
    1,000 bytes, "gzip", "endless", "shifted" (a wrong part of it), "renewed" (another file by now).
    """

    daemon_threads = True
    answers: list[int | str]
    asked: list[str | None]
    """The range that each request asked for."""
    over: threading.Event

    @property
    def requests(self) -> int:
        return len(self.asked)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        span = self.headers["Range"]
        self.server.asked.append(span)
        answer = self.server.answers.pop(0)
        first = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        if answer in (301, "renewed") or (isinstance(answer, str) and ":" in answer):
            first = 0
        if isinstance(answer, str) and ":" in answer:
            self.send_response(302)
            self.send_header("Location", answer)
        elif isinstance(answer, int) and answer >= 300:
            self.send_response(answer)
            self.send_header("Retry-After", "7")
        else:
            self.send_response(206 if first else 200)
            if first:
                shown = first + (answer == "shifted")
                self.send_header("Content-Range", f"bytes {shown}-{len(CONTENT) - 1}/{len(CONTENT)}")
            self.send_header("ETag", '"new"' if answer == "renewed" else '"old"')
        body = gzip.compress(CONTENT) if answer == "gzip" else CONTENT[first:]
        if answer == "gzip":
            self.send_header("Content-Encoding", "gzip")
        if answer != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._send(body, answer)

    def _send(self, body: bytes, answer: int | str) -> None:
        self.wfile.write(body[:1000] if answer in ("cut", "dripping") else body)
        with suppress(OSError):  # the other side has had enough
            while answer == "endless":
                self.wfile.write(body)
        if answer == "dripping":
            while not self.server.over.wait(0.01):
                self.wfile.write(b"x")

    def log_message(self, *arguments: object) -> None:
        """Silent."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked, running.over = [], threading.Event()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.over.set()
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been waited."""
    waited: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waited.append)
    return waited


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
def test_passing_trouble_is_tried_again(
    server: Server, own_cache: Path, waits: list[float], trouble: int | str
) -> None:
    server.answers = [trouble, trouble, 200]
    progress = Counting()
    assert fetch(Download("set/file.bin", server.url), progress).read_bytes() == CONTENT
    assert len(progress.said) == 2
    assert files(own_cache) == ["file.bin"]
    assert waits == ([1, 2] if trouble == "cut" else [7, 7])  # as the server wishes, or ever longer


def test_what_has_come_is_not_asked_for_again(server: Server) -> None:
    server.answers = ["cut", "cut", 200]
    progress = Counting()
    assert fetch(Download("set/file.bin", server.url), progress).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000-", "bytes=2000-"]
    assert [total for _, total, _ in progress.stages] == [len(CONTENT)] * 3


@pytest.mark.parametrize("odd", ["renewed", "shifted", 416])
def test_pieces_of_different_files_are_not_joined(server: Server, odd: int | str) -> None:
    server.answers = ["cut", odd, 200]
    assert fetch(Download("set/file.bin", server.url)).read_bytes() == CONTENT


@pytest.mark.parametrize("digest", ["", SHA256])
def test_the_next_call_goes_on_where_the_digest_is_known(
    server: Server, own_cache: Path, digest: str
) -> None:
    wanted = Download("set/file.bin", server.url, digest)
    server.answers = ["cut"] * module.ATTEMPTS
    with pytest.raises(DataError) as caught:
        fetch(wanted)
    assert ("go on" in caught.value.hint) == bool(digest)
    server.answers, server.asked = [200], []
    assert fetch(wanted).read_bytes() == CONTENT
    assert server.asked == [f"bytes={1000 * module.ATTEMPTS}-" if digest else None]
    assert files(own_cache) == ["file.bin"]


def test_what_is_left_of_another_file_is_dropped(server: Server) -> None:
    wanted = Download("set/file.bin", server.url, SHA256)
    left = module._place(wanted).with_name(f"{module.PART}file.bin")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"x" * 1000)
    server.answers = [200, 200]
    assert fetch(wanted).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-", None]


def test_what_comes_compressed_is_unpacked(server: Server) -> None:
    server.answers = ["gzip"]
    assert fetch(Download("set/file.bin", server.url, SHA256)).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("trouble", "word"), [("dripping", "bytes came in"), ("endless", "more than"), ("cut", "1000 bytes read")]
)
def test_time_and_room_are_bounded(
    server: Server, monkeypatch: pytest.MonkeyPatch, trouble: str, word: str
) -> None:
    monkeypatch.setattr(transfer, "SILENCE", 0.2)
    monkeypatch.setattr(transfer, "SLOWEST", 10_000)
    monkeypatch.setattr(transfer, "LARGEST", 2 * len(CONTENT))
    server.answers = [trouble] * module.ATTEMPTS
    with pytest.raises(DataError, match=word):
        fetch(Download("set/file.bin", server.url, SHA256))
    assert server.requests == (1 if trouble == "endless" else module.ATTEMPTS)


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/x", "http://[/x"])
def test_redirects_lead_to_the_web_alone(server: Server, own_cache: Path, address: str) -> None:
    server.answers = [address]
    with pytest.raises(DataError, match=r"cannot download file\.bin"):
        fetch(Download("set/file.bin", server.url))
    assert (server.requests, files(own_cache)) == (1, [])


def test_what_is_encrypted_stays_so() -> None:
    answer = requests.Response()
    answer.url, answer.status_code = "http://example.org/file", 200
    encrypted = transfer.Transfer("https://example.org/file", Path("none"), Silent(), checked=True)
    with pytest.raises(transfer.TransferError, match="not encrypted"):
        encrypted._refuse_answer(answer)


def test_a_redirect_to_another_host_is_followed(server: Server) -> None:
    server.answers = [f"http://localhost:{server.server_port}/there", 200]
    assert fetch(Download("set/file.bin", server.url)).read_bytes() == CONTENT


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
