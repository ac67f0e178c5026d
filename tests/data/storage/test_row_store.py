import signal
import subprocess
import sys
import time
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from dlpractice.data.storage.row_store import RowStore
from dlpractice.errors import DataError

# Row k of this writer holds the number k in each of its 5,000 places.
WRITER = """
import sys
from pathlib import Path
import numpy as np
from dlpractice.data.storage.row_store import RowStore
store = RowStore(Path(sys.argv[1]), (5000,), np.int32)
print("ready", flush=True)
for start in range(int(sys.argv[2]), int(sys.argv[3]), 7):
    numbers = np.arange(start, start + 7, dtype=np.int32)
    store.append([f"key-{n}" for n in numbers], np.repeat(numbers[:, None], 5000, axis=1))
"""


def start_writer(folder: Path, first: int, last: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, folder, str(first), str(last)], stdout=subprocess.PIPE
    )


def assert_rows_hold_their_numbers(folder: Path) -> list[int]:
    store = RowStore(folder, (5000,), np.int32)
    keys = (folder / "keys.txt").read_text().split("\n")[:-1] if (folder / "keys.txt").exists() else []
    numbers = [int(key.removeprefix("key-")) for key in keys]
    expected = np.repeat(np.array(numbers, np.int32)[:, None], 5000, axis=1)
    np.testing.assert_array_equal(store.gather(keys), expected)
    return numbers


def test_rows_come_back_in_the_order_asked_for(tmp_path: Path) -> None:
    rows = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    store = RowStore(tmp_path, (2, 3), np.uint8)
    store.append(["a", "b"], rows[:2])
    store.append(["c", "d"], rows[2:])
    np.testing.assert_array_equal(store.gather(["d", "a", "d"]), rows[[3, 0, 3]])
    view = RowStore(tmp_path, (2, 3), np.uint8).view(["c", "b", "a"])
    assert (len(view), view.shape, view.dtype) == (3, (3, 2, 3), np.uint8)
    np.testing.assert_array_equal(view[0], rows[2])
    np.testing.assert_array_equal(view[1:], rows[[1, 0]])
    np.testing.assert_array_equal(view[np.array([2, 0])], rows[[0, 2]])
    np.testing.assert_array_equal(view.select(np.array([2, 0]))[:], rows[[0, 2]])
    np.testing.assert_array_equal(np.asarray(view, np.float32), rows[[2, 1, 0]].astype(np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, ml_dtypes.bfloat16, np.float32])
def test_every_type_is_kept_exactly(tmp_path: Path, dtype: type) -> None:
    rows = np.linspace(0, 200, 30).reshape(5, 6).astype(dtype)
    RowStore(tmp_path, (6,), dtype).append(list("abcde"), rows)
    found = RowStore(tmp_path, (6,), dtype).gather(list("abcde"))
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found, rows)


def test_missing_keys_are_named_once_in_order(tmp_path: Path) -> None:
    store = RowStore(tmp_path, (1,), np.uint8)
    store.append(["b"], np.ones((1, 1), np.uint8))
    assert store.missing(["c", "b", "a", "c"]) == ["c", "a"]
    with pytest.raises(KeyError):
        store.gather(["a"])


def test_an_empty_store_has_views_of_nothing(tmp_path: Path) -> None:
    assert RowStore(tmp_path, (2,), np.uint8).gather([]).shape == (0, 2)


def test_a_key_keeps_its_first_row(tmp_path: Path) -> None:
    store = RowStore(tmp_path, (1,), np.uint8)
    store.append(["a", "b", "a"], np.array([[1], [2], [3]], np.uint8))
    store.append(["b", "c"], np.array([[8], [9]], np.uint8))
    assert store.gather(["a", "b", "c"]).ravel().tolist() == [1, 2, 9]
    assert (tmp_path / "rows.bin").stat().st_size == 3


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    RowStore(tmp_path, (2,), np.uint8)
    with pytest.raises(DataError, match="uint8"):
        RowStore(tmp_path, (3,), np.uint8)
    with pytest.raises(ValueError, match="shape"):
        RowStore(tmp_path, (2,), np.uint8).append(["a"], np.zeros((1, 3), np.uint8))
    with pytest.raises(ValueError, match="line"):
        RowStore(tmp_path, (2,), np.uint8).append(["a\nb"], np.zeros((1, 2), np.uint8))


@pytest.mark.parametrize(
    ("rows_left", "keys_left"), [(b"\x07", b""), (b"\x07" * 6, b"key-9"), (b"\x07" * 5, b"")]
)
def test_what_a_killed_writer_left_is_cut_off(tmp_path: Path, rows_left: bytes, keys_left: bytes) -> None:
    store = RowStore(tmp_path, (4,), np.uint8)
    store.append(["a"], np.full((1, 4), 1, np.uint8))
    for name, left in (("rows.bin", rows_left), ("keys.txt", keys_left)):
        with (tmp_path / name).open("ab") as file:
            file.write(left)
    assert RowStore(tmp_path, (4,), np.uint8).missing(["a", "key-9", "b"]) == ["key-9", "b"]
    RowStore(tmp_path, (4,), np.uint8).append(["b"], np.full((1, 4), 2, np.uint8))
    assert store.gather(["b", "a"]).tolist() == [[2] * 4, [1] * 4]


def test_rows_lost_while_a_store_is_open_are_an_error_and_not_zeros(tmp_path: Path) -> None:
    store = RowStore(tmp_path, (4,), np.uint8)
    RowStore(tmp_path, (4,), np.uint8).append(["a", "b"], np.ones((2, 4), np.uint8))
    (tmp_path / "rows.bin").write_bytes(b"\x01" * 7)
    with pytest.raises(DataError, match="shorter"):
        store.missing(["a"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("shape.json", content) for content in (b"", b"{", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000)),
        ("keys.txt", b"a\n\xff\xfe\n"),
        ("keys.txt", b"a\nb\nc\n"),
        ("rows.bin", b"\x01" * 7),
    ],
)
def test_what_is_damaged_is_begun_anew(name: str, content: bytes, tmp_path: Path) -> None:
    RowStore(tmp_path, (4,), np.uint8).append(["a", "b"], np.ones((2, 4), np.uint8))
    assert RowStore(tmp_path, (4,), np.uint8).damage == ""
    (tmp_path / name).write_bytes(content)
    store = RowStore(tmp_path, (4,), np.uint8)
    assert str(tmp_path) in store.damage
    assert store.missing(["a", "b"]) == ["a", "b"]
    store.append(["b"], np.full((1, 4), 2, np.uint8))
    again = RowStore(tmp_path, (4,), np.uint8)
    assert again.damage == "" and again.gather(["b"]).tolist() == [[2] * 4]


def test_a_writer_killed_at_any_moment_leaves_whole_rows(tmp_path: Path) -> None:
    for attempt, seconds in enumerate((0.0, 0.013, 0.051)):
        writer = start_writer(tmp_path, attempt * 70_000, (attempt + 1) * 70_000)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        assert_rows_hold_their_numbers(tmp_path)
    RowStore(tmp_path, (5000,), np.int32).append(["key-3"], np.full((1, 5000), 3, np.int32))
    assert 3 in assert_rows_hold_their_numbers(tmp_path)


def test_two_writers_at_once_write_each_row_once(tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, first, first + 210) for first in (0, 100)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    numbers = assert_rows_hold_their_numbers(tmp_path)
    assert sorted(numbers) == list(range(310))
