"""NumPy's .npz files, read whole and within bounds."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from dlpractice.zip_files import naming_archive, open_zip


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a .npz file by name; nothing in it is executed.

    An array takes no memory before it is known that the file holds as many bytes as its shape asks for.

    Raises:
        PathError: it cannot be read, is none or a damaged one, or would grow beyond all bounds.
    """
    with open_zip(path) as opened:
        return {
            entry.filename.removesuffix(".npy"): _read_array(path, opened, entry)
            for entry in opened.infolist()
        }


def _read_array(path: Path, opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    with naming_archive(path, entry.filename):
        with opened.open(entry) as file:
            shape, dtype = _read_header(file)
            size = file.tell() + math.prod(shape) * dtype.itemsize
        if dtype.hasobject or size != entry.file_size:
            raise ValueError(f"{entry.file_size:,} bytes are no {dtype} array of shape {shape}")
        with opened.open(entry) as file:
            found: NDArray[Any] = npy.read_array(file, allow_pickle=False)
            return found


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
