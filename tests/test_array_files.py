import zipfile
from pathlib import Path

import numpy as np
import pytest

from dlpractice.array_files import read_arrays
from dlpractice.errors import PathError

ARRAYS = {
    "a/0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a/1": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "names": np.array(["x", "é"]),
    "none": np.empty((0, 3), np.uint8),
    "one": np.array(7),
}


def test_what_numpy_writes_is_read_as_numpy_reads_it(tmp_path: Path) -> None:
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "a.npz", **ARRAYS)
        found = read_arrays(tmp_path / "a.npz")
        assert found.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype


def header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        header((10**12,)),
        header((2**62, 4)),
        header((4,), "|O") + bytes(32),
        header((-1,)),
        b"no array",
        b"",
    ],
)
def test_shapes_that_the_file_does_not_hold_take_no_memory(tmp_path: Path, content: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("a.npy", content)
    with pytest.raises(PathError, match=r"a\.npz: its entry a\.npy is damaged"):
        read_arrays(tmp_path / "a.npz")


def test_an_array_that_grows_beyond_bounds_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(70 * 2**20, np.uint8))
    with pytest.raises(PathError, match="would grow to 73,"):
        read_arrays(tmp_path / "a.npz")
