"""Legacy PyTorch files: tensors in any layout, and everything else that a pickle may hold."""

import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.legacy_torch import MACHINE, Laid, write_torch

from dlpractice.errors import ModelError
from dlpractice.models.torch_pickle import read_torch

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(2, 3, 4, 5)).astype(np.float32)
TENSORS = {
    "plain": Laid(NUMBERS),
    "turned": Laid(NUMBERS, (3, 1, 0, 2)),
    "row": Laid(NUMBERS[0, 0, 0]),
    "scalar": Laid(np.array(7, np.int64)),
}


def test_tensors_come_back_in_order_whatever_their_strides(tmp_path: Path) -> None:
    found = read_torch(write_torch(tmp_path / "a.pth", TENSORS))
    assert list(found) == list(TENSORS)
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(found[name], tensor.view)
        assert found[name].dtype == tensor.numbers.dtype and found[name].shape == tensor.view.shape
    assert not np.array_equal(found["turned"].ravel(), NUMBERS.ravel())


class _Call:
    """What a pickle may ask Python to do."""

    def __init__(self, called: Callable[..., Any], *arguments: Any) -> None:
        self.said = called, arguments

    def __reduce__(self) -> Any:
        return self.said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            _Call(os.system, "touch ran"),
            "asks for posix.system, which no tensor needs; nothing of it was run",
        ),
        (_Call(getattr, "", "upper"), "getattr, which no tensor needs"),
        (np.zeros(3), "numpy.*which no tensor needs"),
        ({"nested": 1}, "something else than tensors by name"),
        ({("a", "b"): 1}, "a dictionary without names"),
        (2.5, "the operation BINFLOAT"),
        (b"bytes", "which no tensor needs"),
    ],
)
def test_everything_else_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=rf"a\.pth: not a PyTorch file of tensors: .*{said}"):
        read_torch(write_torch(tmp_path / "a.pth", {"a": value}))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a PyTorch file of tensors"),
        (b"<html>404</html>", "not a PyTorch file of tensors"),
        (pickle.dumps({"a": 1}, 2), "does not begin as one"),
        (b"PK\x03\x04", "of the newer kind, a zip"),
        (b"\x80\x02X\xff\xff\xff\x7fa.", "damaged"),
        (b"\x80\x02r\xff\xff\xff\xffa.", "damaged"),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(ModelError, match=said):
        read_torch(tmp_path / "a.pth")


def test_a_machine_of_another_byte_order(tmp_path: Path) -> None:
    path = write_torch(tmp_path / "a.pth", TENSORS, {**MACHINE, "little_endian": False})
    with pytest.raises(ModelError, match="another byte order"):
        read_torch(path)


def test_a_tensor_that_reaches_out_of_its_storage(tmp_path: Path) -> None:
    tensor = Laid(NUMBERS[0, 0])
    tensor.view = np.lib.stride_tricks.as_strided(tensor.numbers, (4, 5), (24, 4))
    with pytest.raises(ModelError, match="its tensor a reaches out of its storage"):
        read_torch(write_torch(tmp_path / "a.pth", {"a": tensor}))


def test_a_tensor_that_would_grow(tmp_path: Path) -> None:
    tensor = Laid(NUMBERS[0, 0, 0])
    tensor.view = np.lib.stride_tricks.as_strided(tensor.numbers, (2**20, 2**18), (0, 0))
    with pytest.raises(ModelError, match=r"its tensors ask for 1,099,511,627,776 bytes, more than it holds"):
        read_torch(write_torch(tmp_path / "a.pth", {"a": tensor}))


def test_numbers_that_are_cut_off(tmp_path: Path) -> None:
    path = write_torch(tmp_path / "a.pth", {"a": Laid(NUMBERS)})
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(ModelError, match="cut off or of another size than stated"):
        read_torch(path)
    place = whole.rindex(struct.pack("<q", NUMBERS.size))
    path.write_bytes(whole[:place] + struct.pack("<q", NUMBERS.size - 1) + whole[place + 8 :])
    with pytest.raises(ModelError, match="cut off or of another size than stated"):
        read_torch(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_torch(tmp_path_factory.mktemp("torch") / "a.pth", {"a": Laid(NUMBERS), "b": Laid(NUMBERS)})


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damage_is_a_model_error_or_other_numbers(whole: Path, data: st.DataObject) -> None:
    content = bytearray(whole.read_bytes())
    head = content.rindex(struct.pack("<q", NUMBERS.size))
    for place in data.draw(st.lists(st.integers(0, head), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path = whole.with_name("damaged.pth")
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        read_torch(path)
    except ModelError as error:
        assert str(path) in error.message
