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
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import TextIO

from dlpractice.cli.output.streams import open_text
from dlpractice.errors import DlpError
from dlpractice.training.interruption import deferring_interrupts

# What Keras and TensorFlow import where it is installed, for what no command asks of them: pictures,
# estimators of scikit-learn, conversion of JAX's functions. It takes nearly half of the time of their import.
_IDLE = ("jax", "matplotlib", "sklearn")


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
        with (
            _stderr_held_back(),
            warnings.catch_warnings(),
            _leaving_out_idle_packages(),
            deferring_interrupts() as interrupted,
        ):
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
def _leaving_out_idle_packages() -> Iterator[None]:
    """Where Keras or TensorFlow is imported within the block, it finds none of `_IDLE` installed."""
    finder = _SlimFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _SlimFinder(MetaPathFinder):
    """Finds Keras and TensorFlow, and has a `_SlimLoader` load them."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        found = PathFinder.find_spec(name) if name in ("keras", "tensorflow") else None
        if found is None or not isinstance(found.loader, SourceFileLoader):
            return None
        loader, inside = _SlimLoader(name, found.loader.path), found.submodule_search_locations
        return spec_from_file_location(name, loader.path, loader=loader, submodule_search_locations=inside)


class _SlimLoader(SourceFileLoader):
    """Loads a module, and all that it imports, as if the packages `_IDLE` were not installed."""

    def exec_module(self, module: ModuleType) -> None:
        names = [name for name in _IDLE if name not in sys.modules and os.environ["KERAS_BACKEND"] != name]
        sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
        try:
            super().exec_module(module)
        finally:
            for name in names:
                del sys.modules[name]


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
