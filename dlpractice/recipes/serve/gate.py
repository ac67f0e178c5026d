"""What every request passes: who may ask, and what is noted of it."""

from collections.abc import Collection
from time import perf_counter
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dlpractice.recipes.serve.monitoring import Meters
from dlpractice.recipes.serve.request_errors import write_error

_UNMATCHED = "other"
_NO_ANSWER = 500


class Gate:
    """Around the application: refuses requests that pages of somebody else's send, and notes all.

    A browser sends them from any page that is open in it, to this machine's own addresses too. It adds the
    page's address as `Origin`; and where a page's name was made to lead here (DNS rebinding), that name is
    the `Host`.

    hosts: the names under which the server may be asked; () for any.
    """

    def __init__(self, app: ASGIApp, meters: Meters, hosts: Collection[str] = ()) -> None:
        self.app, self.meters, self.hosts = app, meters, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = perf_counter(), _NO_ANSWER

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if reason := self._find_stranger(Headers(scope=scope)):
                await write_error(403, reason, "ask from the server's own page, or without a browser")(
                    scope, receive, note
                )
            else:
                await self.app(scope, receive, note)
        finally:
            path = getattr(scope.get("route"), "path", _UNMATCHED)
            self.meters.watch_request(path, status, perf_counter() - started)

    def _find_stranger(self, headers: Headers) -> str:
        """Why these headers are refused; "" where they are not."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.hosts and _name_of(host) not in self.hosts:
            return f"this server is not called {host or 'nothing'}"
        if origin is not None and urlsplit(origin).netloc != host:
            return f"pages of {origin} may not ask this server"
        return ""


def _name_of(host: str) -> str | None:
    """`localhost` of `localhost:8000`, `::1` of `[::1]:8000`; None where it is no host."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
