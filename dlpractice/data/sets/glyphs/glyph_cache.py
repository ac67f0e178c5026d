"""Drawn alphabets, kept in the cache for as long as the code that draws them stays the same."""

import functools
import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.sets.glyphs import characters, drawers, parts, pen
from dlpractice.data.storage.cache_lock import writing
from dlpractice.settings import cache_dir

# All that the drawings of an alphabet depend on, apart from what their name says.
_CODE = (characters, drawers, parts, pen)


def recall(name: str, shape: tuple[int, ...], draw: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The drawings called `name`: from the cache, or else from `draw`, which is asked once per name and code.

    A file that does not hold `shape` is drawn anew. Drawings are mostly paper: packed, they take a twelfth.

    Raises:
        DataError: the cache cannot be written.
    """
    folder = cache_dir() / "glyphs" / _code_digest()
    kept = _read(folder / name, shape)
    if kept is not None:
        return kept
    drawings = draw()
    with writing(folder):
        partial = folder / f".{name}.writing"
        partial.write_bytes(zlib.compress(drawings.tobytes(), level=1))
        os.replace(partial, folder / name)
    return drawings


def _read(file: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    try:
        kept = np.frombuffer(zlib.decompress(file.read_bytes()), np.uint8)
    except (OSError, zlib.error):
        return None
    return kept.reshape(shape) if kept.size == np.prod(shape) else None


@functools.cache
def _code_digest() -> str:
    """Of the modules that draw, and of NumPy, whose random streams may change with its version."""
    sources = [Path(str(module.__file__)).read_bytes() for module in _CODE]
    return hashlib.sha256(b"\0".join([*sources, np.__version__.encode()])).hexdigest()[:16]
