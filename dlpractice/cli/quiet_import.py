"""Imports and runs what needs TensorFlow, JAX or PyTorch, and keeps their chatter from the terminal."""

import faulthandler
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from types import ModuleType
from typing import TextIO

from dlpractice.cli.output.streams import open_text
from dlpractice.errors import DlpError
from dlpractice.training.interruption import deferring_interrupts


def import_quietly(module: str) -> ModuleType:
    """Imports `module`, which needs TensorFlow, without the messages of TensorFlow and absl on the terminal.

    Their C++ parts write to file descriptor 2, past Python's streams. The messages are shown if the import
    fails.

    Raises:
        DlpError: TensorFlow, or another package that the module needs, cannot be imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        # An interrupt in the middle of an import may be swallowed, or become an error of another kind.
        with _stderr_held_back(), warnings.catch_warnings(), deferring_interrupts() as interrupted:
            warnings.simplefilter("ignore")
            imported = import_module(module)
        if interrupted():
            raise KeyboardInterrupt
        # TensorFlow's Python part warns of what only developers can act on: functions traced too often.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        return imported
    except ImportError as error:
        if error.name is not None and error.name.split(".")[0] == "dlpractice":
            raise
        raise DlpError(
            f"a package that this command needs cannot be imported: {error}",
            "install the project again, in a fresh virtual environment",
        ) from error


@contextmanager
def native_chatter_held_back() -> Iterator[None]:
    """Keeps what is written past Python's streams from the terminal within the block.

    Backends say how they start when they first compute, not only when they are imported: which devices they
    found, which library they loaded. What Python writes to `sys.stderr` still gets through, progress and
    warnings above all; and where the block fails unforeseen, or with --debug, everything does.
    """
    if "--debug" in sys.argv:
        yield
        return
    before = sys.stderr
    with open_text(os.dup(2), before.encoding, line_buffering=True) as passing:
        if _is_terminal_stream(before):
            sys.stderr = passing
        # A library that ends the process takes with it what was held back: this says at least where it did.
        faulthandler.enable(passing)
        try:
            with _stderr_held_back():
                yield
        finally:
            faulthandler.disable()
            sys.stderr = before


def _is_terminal_stream(stream: TextIO) -> bool:
    """Whether `stream` writes to file descriptor 2, and is not a stand-in for it."""
    try:
        return stream.fileno() == 2
    except (OSError, ValueError):  # io.UnsupportedOperation is both
        return False


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Sends file descriptor 2 to a temporary file, and prints that file if the block fails unforeseen."""
    sys.stderr.flush()
    with ExitStack() as stack:
        try:
            held = stack.enter_context(tempfile.TemporaryFile())
        except OSError:  # there is nowhere to hold it back; it does no harm
            held = stack.enter_context(os.fdopen(os.open(os.devnull, os.O_RDWR), "r+b"))
        terminal = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except (DlpError, OSError):  # say by themselves what is wrong
            raise
        except Exception:
            held.seek(0)
            with suppress(OSError):
                os.write(terminal, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
