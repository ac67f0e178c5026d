"""Modules that need TensorFlow, imported when a function is called, and what they say of their progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlpractice.progress import Progress


def bring(module: str) -> Any:
    """The module `dlpractice.{module}`. TensorFlow keeps to itself which devices it has not found."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    return import_module(f"dlpractice.{module}")


@contextmanager
def showing(progress: bool) -> Iterator[Progress]:
    """What a recipe reports to: a live display on a terminal, a line for each epoch in a notebook or a file;
    nothing where `progress` is false."""
    from dlpractice.progress import Silent
    from dlpractice.report.progress_display.plain import make_progress

    shown = make_progress(sys.stderr) if progress else Silent()
    try:
        yield shown
    finally:
        shown.close()
