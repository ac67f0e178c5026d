"""Connections to clients, of which none may be held open for nothing."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""How long the head of a request may take, once there is a connection or its last request is answered."""


class PatientConnection(H11Protocol):
    """uvicorn's connection, which by itself waits for the rest of a head for ever."""

    _free_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._free_since = self.loop.time()
        self.loop.call_later(HEAD_SECONDS, self._look)

    def on_response_complete(self) -> None:
        self._free_since = self.loop.time()
        super().on_response_complete()

    def _look(self) -> None:
        """Closes the connection if it has waited long enough, or comes back when it may have."""
        if self.transport.is_closing():
            return
        is_busy = self.cycle is not None and not self.cycle.response_complete
        rest = HEAD_SECONDS if is_busy else self._free_since + HEAD_SECONDS - self.loop.time()
        if rest > 0:
            self.loop.call_later(rest, self._look)
        else:
            self.transport.close()
