"""What a client is told when its request cannot be answered: `{"error": what, "hint": what to do}`."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from dlpractice.data.codecs.sample_array import Problem
from dlpractice.data.files.decoding import ImageError
from dlpractice.errors import DlpError

_CLOSED = 499  # what nginx notes for a client that has gone; nobody reads it
_STATUS: Mapping[Problem, int] = {"too large": 413, "unsupported": 415}
_UNREADABLE = 422


class RequestError(Exception):
    """A request that is refused.

    status: of HTTP, 400 to 599. more: what else the answer holds, by its names.
    """

    def __init__(self, status: int, reason: str, hint: str = "", **more: Any) -> None:
        super().__init__(reason)
        self.status, self.reason, self.hint, self.more = status, reason, hint, more


def status_of(error: ImageError) -> int:
    """413 for an image that is too large, 415 for one of a kind that is not read, 422 for a damaged one."""
    return _STATUS.get(error.problem, _UNREADABLE)


def answer_errors(app: FastAPI) -> None:
    """Lets the application answer each error in the one form."""

    @app.exception_handler(RequestError)
    async def refuse(request: Request, error: RequestError) -> Response:
        # A client that is told to come back later would otherwise do so at once.
        headers = {"Retry-After": "1"} if error.status == 503 else None
        return write_error(error.status, error.reason, error.hint, headers, **error.more)

    @app.exception_handler(DlpError)
    async def refuse_wish(request: Request, error: DlpError) -> Response:
        status = status_of(error) if isinstance(error, ImageError) else 400
        return write_error(status, error.message, error.hint)

    @app.exception_handler(RequestValidationError)
    async def refuse_parameter(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return write_error(400, f"{first['loc'][-1]}: {first['msg']}", "see /openapi.json")

    @app.exception_handler(HTTPException)
    async def refuse_path(request: Request, error: HTTPException) -> Response:
        return write_error(error.status_code, f"{request.url.path}: {error.detail}", "see /openapi.json")

    @app.exception_handler(ClientDisconnect)
    async def note_absence(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=_CLOSED)

    @app.exception_handler(Exception)
    async def admit(request: Request, error: Exception) -> Response:
        return write_error(500, f"internal: {type(error).__name__}", "see what the server has printed")


def write_error(
    status: int, reason: str, hint: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """The answer that says so."""
    return JSONResponse(
        {"error": reason, **({"hint": hint} if hint else {}), **more}, status_code=status, headers=headers
    )
