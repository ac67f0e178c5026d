"""Rows of one shape, kept on disk under string keys, and read through a memory map.

A store is three files: `rows.bin` holds the rows one after the other, `keys.txt` one key per line in the same
order, and `shape.json` what a row is. A row is on the disk before its key is written, and a line counts only
with its line break, so a process that is killed anywhere leaves at most bytes that no key names; the next
writer cuts them off.
"""

import json
import os
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dlpractice.data.storage.cache_lock import writing
from dlpractice.errors import DataError
from dlpractice.paths import exists, open_file, read_file, status
from dlpractice.whole_files import append, replacing


class RowView:
    """Rows of a store in a given order, read from the disk when they are indexed.

    `view[i]` is one row; `view[array]` and `view[slice]` are `(n, *shape)` arrays in memory; of rows that are
    records, `view["name"]` is one field of all. `origin` stands for what the rows were computed with, and is
    part of the key of what is computed from them in turn.
    """

    def __init__(self, rows: NDArray[Any], numbers: NDArray[np.int64], origin: str) -> None:
        self._rows = rows
        self._numbers = numbers
        self.origin = origin

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n, *shape of a row)`."""
        return (len(self._numbers), *self._rows.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers in a row."""
        return self._rows.dtype

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, which: Any) -> NDArray[Any]:
        if isinstance(which, str):
            return self.field(which)[:]
        return np.asarray(self._rows[self._numbers[which]])

    def select(self, which: NDArray[np.int64]) -> "RowView":
        """The rows at the positions `which`, left on the disk."""
        return RowView(self._rows, self._numbers[which], self.origin)

    def field(self, name: str) -> "RowView":
        """One field of rows that are records, left on the disk."""
        return RowView(self._rows[name], self._numbers, self.origin)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        rows = self[:]
        return rows if dtype is None else rows.astype(dtype, copy=False)


class RowStore:
    """An append-only store of rows of one `shape` and `dtype`; several processes may read and append.

    What is damaged when the store is opened is thrown away, since all of it can be computed again; `damage`
    then says what it was, and is "" otherwise.

    Raises:
        DataError: `folder` holds rows of another shape or type, or cannot be written.
    """

    def __init__(self, folder: Path, shape: Sequence[int], dtype: DTypeLike) -> None:
        self.folder = folder
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self._row_bytes = prod(self.shape) * self.dtype.itemsize
        self._numbers: dict[str, int] = {}
        self._keys_read = 0
        self.damage = ""
        self._mend()

    def missing(self, keys: Iterable[str]) -> list[str]:
        """The keys that have no row yet, each once, in the order given."""
        self._read_keys()
        return [key for key in dict.fromkeys(keys) if key not in self._numbers]

    def list_keys(self) -> list[str]:
        """All keys that have a row, in the order of their rows."""
        self._read_keys()
        return list(self._numbers)

    def append(self, keys: Sequence[str], rows: NDArray[Any]) -> None:
        """Writes `rows`, shape `(len(keys), *shape)`; a key that has a row already keeps it."""
        if rows.shape != (len(keys), *self.shape) or rows.dtype != self.dtype:
            raise ValueError(f"{rows.dtype} rows of shape {rows.shape} for {len(keys)} keys in {self.folder}")
        if any("\n" in key or not key for key in keys):
            raise ValueError("a key is a line: not empty, and without a line break")
        with writing(self.folder):
            self._cut_off_unfinished()
            fresh = set(self.missing(keys))
            first = {key: position for position, key in reversed(list(enumerate(keys))) if key in fresh}
            if not first:
                return
            order = sorted(first.values())
            chosen = rows if len(order) == len(rows) else rows[order]
            append(self._rows_path, np.ascontiguousarray(chosen).reshape(-1).view(np.uint8).data)
            append(self._keys_path, "".join(f"{keys[position]}\n" for position in order).encode())
        self._read_keys()

    def gather(self, keys: Sequence[str]) -> NDArray[Any]:
        """The rows of `keys` in memory, shape `(len(keys), *shape)`; KeyError for a key without a row."""
        return self.view(keys)[:]

    def view(self, keys: Sequence[str]) -> RowView:
        """The rows of `keys`, left on the disk; KeyError for a key without a row."""
        self._read_keys()
        numbers = np.array([self._numbers[key] for key in keys], np.int64)
        if not self._numbers:
            return RowView(np.empty((0, *self.shape), self.dtype), numbers, self.folder.name)
        rows = np.memmap(self._rows_path, self.dtype, "r", shape=(len(self._numbers), *self.shape))
        return RowView(rows, numbers, self.folder.name)

    @property
    def _rows_path(self) -> Path:
        return self.folder / "rows.bin"

    @property
    def _keys_path(self) -> Path:
        return self.folder / "keys.txt"

    def _mend(self) -> None:
        """Begins the store anew where it is damaged, or where there is none yet."""
        if exists(self._shape_path) and not self._find_damage():
            return
        with writing(self.folder):
            if exists(self._shape_path):
                self.damage = self._find_damage()  # unless another process has mended it meanwhile
                if not self.damage:
                    return
            self._numbers, self._keys_read = {}, 0
            for path in (self._keys_path, self._rows_path):
                path.unlink(missing_ok=True)
            with replacing(self._shape_path) as new:
                new.write_text(json.dumps(self._stated))

    def _find_damage(self) -> str:
        """What is wrong with the files, in words; "" where nothing is."""
        try:
            found = json.loads(read_file(self._shape_path, 2**20))
        except (ValueError, RecursionError):
            return f"{self._shape_path} is damaged"
        if not isinstance(found, dict) or found.keys() != self._stated.keys():
            return f"{self._shape_path} is damaged"
        if found != self._stated:
            raise DataError(
                f"{self.folder} holds rows of {found}, not of {self._stated}", "delete this cache folder"
            )
        self._numbers, self._keys_read = {}, 0
        try:
            self._read_keys()
        except UnicodeDecodeError:
            return f"{self._keys_path} is damaged"
        except DataError as error:
            return error.message
        return ""

    @property
    def _stated(self) -> dict[str, object]:
        return {"shape": list(self.shape), "dtype": str(self.dtype)}

    @property
    def _shape_path(self) -> Path:
        return self.folder / "shape.json"

    def _read_keys(self) -> None:
        """Reads the keys that were added since the last time, up to the last complete line."""
        if not exists(self._keys_path):
            return
        with open_file(self._keys_path) as file:
            file.seek(self._keys_read)
            added = file.read()
        complete = added[: added.rfind(b"\n") + 1]
        for key in complete.decode().split("\n")[:-1]:
            self._numbers[key] = len(self._numbers)
        self._keys_read += len(complete)
        self._check_rows()

    def _check_rows(self) -> None:
        size = status(self._rows_path).st_size if exists(self._rows_path) else 0
        if size < len(self._numbers) * self._row_bytes:
            raise DataError(
                f"{self._rows_path} is shorter than its keys say", f"delete the folder {self.folder}"
            )

    def _cut_off_unfinished(self) -> None:
        """Removes what a killed writer left: rows without a key, and half a key. Called under the lock."""
        self._read_keys()
        for path, size in (
            (self._keys_path, self._keys_read),
            (self._rows_path, len(self._numbers) * self._row_bytes),
        ):
            if exists(path) and status(path).st_size > size:
                os.truncate(path, size)
