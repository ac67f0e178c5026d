"""Servers for tests, see tests/small_server.py."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from small_server import Colours, Running, serving

from dlpractice.recipes.serve.served_model import ServedClassifier


@pytest.fixture(scope="module")
def colours() -> Iterator[Running]:
    """A server of `Colours`, for tests that leave it as it is. None is left at work beside other tests: one
    that sets the clock would stop it."""
    with serving(ServedClassifier("colours", Colours())) as running:
        yield running


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """Starts a server of its own for a test, from a model and bounds."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(serving(*arguments))
