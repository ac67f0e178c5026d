"""What clients send: files in memory, bounded in bytes, number and time; nothing is written to a disk."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from dlpractice.recipes.serve.request_errors import RequestError

_FORM = "multipart/form-data"
_NAMELESS = "image"
# So much more than a request may hold is read and thrown away, that its client may read why it was refused.
_DISCARDED = 8


@dataclass(frozen=True)
class Bounds:
    """What requests may take.

    Args:
        request_bytes: of a body. held_bytes: of all bodies that are in memory at a time.
        files: in a request.
        seconds: for a body to arrive, and for a request to be answered when the server is stopped.
        waiting: rows of pixels that wait for the net at a time.
    """

    request_bytes: int = 32 << 20
    held_bytes: int = 256 << 20
    files: int = 64
    seconds: float = 30.0
    waiting: int = 512


@dataclass(frozen=True)
class Upload:
    """A file that a client has sent: its name there, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Form:
    """The files of a request, and its other fields by their names."""

    files: tuple[Upload, ...]
    texts: dict[str, str] = field(default_factory=dict)


@dataclass
class Desk:
    """Where requests are received. held: the bytes of bodies that are in memory."""

    bounds: Bounds
    held: int = 0

    @contextmanager
    def holding(self) -> Iterator["Lease"]:
        """What is received in the block counts as held until its end."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            self.held -= lease.taken


@dataclass
class Lease:
    """The bytes that one request has of the desk's."""

    desk: Desk
    taken: int = 0

    async def receive(self, request: Request, nameless: str = _NAMELESS) -> Form:
        """The files in a form, or one whose bytes are the whole body.

        nameless: what a file without a name of its own is called; a few kinds are known by their endings.

        Raises:
            RequestError: too large, too many, too slow, or no form that can be read.
        """
        bounds = self.desk.bounds
        try:
            async with asyncio.timeout(bounds.seconds):
                if request.headers.get("content-type", "").lower().startswith(_FORM):
                    return await self._receive_form(request, nameless)
                content = b"".join([chunk async for chunk in self._bounded(request)])
        except TimeoutError as error:
            reason = f"the request did not arrive within {bounds.seconds:g} seconds"
            raise RequestError(408, reason, "send smaller or fewer images") from error
        return Form((Upload(nameless, content),))

    async def receive_body(self, request: Request) -> bytes:
        """The whole body. Raises RequestError as `receive` does."""
        form = await self.receive(request)
        return form.files[0].content if form.files else b""

    async def _receive_form(self, request: Request, nameless: str) -> Form:
        parser = _InMemory(request.headers, self._bounded(request))
        parser.most_parts = self.desk.bounds.files
        try:
            form = await parser.parse()
        except MultiPartException as error:
            raise RequestError(
                400, f"the form cannot be read: {error.message}", "send each as a file"
            ) from error
        files, texts = [], {}
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files.append(Upload(value.filename or nameless, value.file.read()))
            else:
                texts[name] = value
        await form.close()
        return Form(tuple(files), texts)

    async def _bounded(self, request: Request) -> AsyncGenerator[bytes, None]:
        """The body as it comes; one that is too large is read on for a while, and thrown away."""
        bounds, count = self.desk.bounds, 0
        refused: RequestError | None = None
        async for chunk in request.stream():
            count += len(chunk)
            refused = refused or self._refuse(count, len(chunk))
            if refused and count > _DISCARDED * bounds.request_bytes:
                break
            if not refused:
                self.taken += len(chunk)
                self.desk.held += len(chunk)
                yield chunk
        if refused:
            raise refused

    def _refuse(self, count: int, more: int) -> RequestError | None:
        bounds = self.desk.bounds
        if count > bounds.request_bytes:
            return RequestError(
                413,
                f"the request has more than {bounds.request_bytes:,} bytes",
                "send smaller or fewer images",
            )
        if self.desk.held + more > bounds.held_bytes:
            return RequestError(503, "too many requests are in memory", "try again soon")
        return None


class _InMemory(MultiPartParser):
    """Starlette's parser, whose files are otherwise written to a disk once they have a megabyte."""

    spool_max_size = sys.maxsize
    most_parts = 0
    _parts = 0

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self._parts += 1
        if self._parts > self.most_parts:
            raise RequestError(413, f"the form has more than {self.most_parts} parts", "send fewer at a time")
