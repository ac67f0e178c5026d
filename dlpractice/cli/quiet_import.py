"""Imports what needs TensorFlow, and keeps its start-up chatter from the terminal."""

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from dlpractice.errors import DlpError


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
        with _stderr_held_back(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            imported = import_module(module)
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
def _stderr_held_back() -> Iterator[None]:
    """Sends file descriptor 2 to a temporary file, and prints that file if the block raises."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
