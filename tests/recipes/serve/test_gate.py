"""Who may ask, by the headers of a request."""

import asyncio
from typing import Any

import pytest

from dlpractice.recipes.serve.gate import Gate
from dlpractice.recipes.serve.monitoring import Meters


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "localhost:8000"}, 200),
        ({"host": "[::1]:8000", "origin": "http://[::1]:8000"}, 200),
        ({"host": "LOCALHOST"}, 200),
        ({"host": "elsewhere.example"}, 403),
        ({"host": "[odd"}, 403),
        ({}, 403),
        ({"host": "localhost:8000", "origin": "http://localhost:9000"}, 403),
        ({"host": "localhost:8000", "origin": "null"}, 403),
    ],
)
def test_other_pages_and_names_are_refused(headers: dict[str, str], status: int) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    said: list[int] = []

    async def send(message: Any) -> None:
        said.extend([message["status"]] if "status" in message else [])

    meters = Meters()
    scope = {"type": "http", "headers": [(key.encode(), value.encode()) for key, value in headers.items()]}
    asyncio.run(Gate(answer, meters, ("localhost", "::1"))(scope, None, send))  # type: ignore[arg-type]
    assert said == [status]
    assert f'dlp_requests_total{{path="other",status="{status}"}} 1.0' in meters.write().decode()
