"""A server on this machine that misbehaves as its addresses ask it to."""

import gzip
import hashlib
import os
import signal
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class BadServer(ThreadingHTTPServer):
    """Serves `content`. The path is /WORD,WORD,.../KEY/NAME: the n-th request with this KEY meets the n-th
    word, or the last one.

    ok: the content, from the byte asked for. all: the content, whatever is asked for. A number: that status.
    half, reset, drip, stop: the first half, then the end, a reset connection, a byte a second, or nothing
    more. silent: not even a status. long, short: a Content-Length that is wrong. other, page: something else.
    gzip: compressed. endless: without an end. file, ftp, loop, there: a redirect to file:, to ftp:, to itself
    without end, to another name of this server.
    """

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.counts = content, Counter[str]()

    def address(self, words: str, key: str, name: str = "images.zip") -> str:
        """Of a file that misbehaves in this way."""
        return f"http://127.0.0.1:{self.server_port}/{words}/{key}/{name}"


@contextmanager
def serving(content: bytes) -> Iterator[BadServer]:
    """Runs the server in a process of its own, forked from this one."""
    server = BadServer(content)
    pid = os.fork()
    if not pid:
        try:
            server.serve_forever()
        finally:
            os._exit(0)
    server.socket.close()
    try:
        yield server
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


class _Handler(BaseHTTPRequestHandler):
    server: BadServer

    def do_GET(self) -> None:
        """Answers as the path says."""
        words, key = self.path.split("/")[1:3]
        number = self.server.counts[key]
        self.server.counts[key] += 1
        word = words.split(",")[min(number, len(words.split(",")) - 1)]
        with suppress(OSError):  # the client has left
            if word.isdecimal():
                self.send_response(int(word))
                self._end(b"")
            elif word in ("file", "ftp", "loop", "there"):
                self._redirect(word)
            elif word == "silent":
                time.sleep(600)
            else:
                self._serve(word)

    def log_message(self, *arguments: object) -> None:
        """Silent."""

    def _redirect(self, word: str) -> None:
        self.send_response(302)
        places = {"file": "file:///etc/hostname", "ftp": "ftp://127.0.0.1/images.zip", "loop": self.path}
        there = f"http://localhost:{self.server.server_port}{self.path.replace('there', 'ok')}"
        self.send_header("Location", places.get(word, there))
        self._end(b"")

    def _serve(self, word: str) -> None:
        content = {"other": b"x" * 5000, "page": b"<html>Please log in</html>"}.get(word, self.server.content)
        span = self.headers["Range"] if word not in ("all", "gzip", "other", "page") else None
        first = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        if first > len(content):
            self.send_response(416)
            self._end(b"")
            return
        self.send_response(206 if span else 200)
        if span:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if word == "gzip":
            content = gzip.compress(content)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()[:16]}"')
        self._send(word, content[first:])

    def _send(self, word: str, body: bytes) -> None:
        lengths = {"long": len(body) + 1000, "short": max(0, len(body) - 1000)}
        if word != "endless":
            self.send_header("Content-Length", str(lengths.get(word, len(body))))
        self.end_headers()
        is_cut = word in ("half", "reset", "drip", "stop")
        half = (len(body) + 1) // 2
        self.wfile.write(body[:half] if is_cut else body)
        self.wfile.flush()
        if word == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        for place in range(half, len(body) if word == "drip" else half):
            self.wfile.write(body[place : place + 1])
            time.sleep(1)
        while word == "endless":
            self.wfile.write(body)
        if word == "stop":
            threading.Event().wait(600)

    def _end(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
