"""Reads the tensors of a PyTorch file of the legacy kind, without PyTorch, and without running what it says.

Such a file is five pickles, and then the numbers of each storage: a magic number, a version, the machine, the
tensors by name, the keys of the storages. A pickle is a program, and Python's own reader runs it. This one
follows the few operations that tensors need, in which the program can name no other thing than a tensor, a
storage and a dictionary, and refuses every other.
"""

import math
import pickletools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from dlpractice.errors import ModelError
from dlpractice.paths import read_file

_MOST_BYTES = 2**30
_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_HINT = "get the file again from its package"
_DICT = "collections OrderedDict"
_TENSOR = "torch._utils _rebuild_tensor_v2"
_TYPES: Mapping[str, np.dtype[Any]] = {
    "torch FloatStorage": np.dtype("<f4"),
    "torch LongStorage": np.dtype("<i8"),
}
_TRUSTED = frozenset({_DICT, _TENSOR, *_TYPES})
_LITERALS = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"})
_EMPTY: Mapping[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Unreadable(Exception):
    """What is wrong with a file, in a few words."""


@dataclass(frozen=True)
class _Global:
    """One of `_TRUSTED`, by its module and its name."""

    name: str


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    size: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage; offset and strides count its numbers."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_MARK = object()


def read_torch(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a legacy PyTorch file by their names, in the file's order.

    Raises:
        PathError: the file cannot be read.
        ModelError: it is none, is damaged, or holds something other than tensors of float32 and int64.
    """
    content = read_file(path, _MOST_BYTES)
    if content.startswith(b"PK\x03\x04"):
        raise ModelError(
            f"{path}: a PyTorch file of the newer kind, a zip; only the legacy kind is read",
            "save it by `torch.save(..., _use_new_zipfile_serialization=False)`, or as a Keras weights file",
        )
    file = BytesIO(content)
    try:
        if _run(file) != _MAGIC or _run(file) != _VERSION:
            raise _Unreadable("it does not begin as one")
        machine, named, keys = _run(file), _run(file), _run(file)
        if not (isinstance(machine, dict) and machine.get("little_endian") is True):
            raise _Unreadable("it was written on a machine of another byte order")
        return _fill_tensors(file, named, keys)
    except _Unreadable as error:
        raise _refusal(path, str(error)) from error
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, struct.error) as error:
        said = str(error).partition("\n")[0] or type(error).__name__
        raise _refusal(path, f"it is damaged ({said})") from error


def _refusal(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path}: not a PyTorch file of tensors: {reason}", _HINT)


def _fill_tensors(file: BytesIO, named: Any, keys: Any) -> dict[str, NDArray[Any]]:
    """Reads the numbers of the storages, and cuts the tensors from them."""
    if not isinstance(named, dict) or not all(isinstance(one, _Tensor) for one in named.values()):
        raise _Unreadable("it holds something else than tensors by name")
    storages = {tensor.storage.key: tensor.storage for tensor in named.values()}
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(storages):
        raise _Unreadable("its list of storages is not that of its tensors")
    asked = sum(math.prod(tensor.shape) * tensor.storage.dtype.itemsize for tensor in named.values())
    if asked > file.getbuffer().nbytes:
        raise _Unreadable(f"its tensors ask for {asked:,} bytes, more than it holds")
    numbers: dict[str, NDArray[Any]] = {}
    for key in keys:
        storage = storages[key]
        (size,) = struct.unpack("<q", file.read(8))
        # Sizes are what the file states twice, and reading stops where it ends: no number takes memory.
        content = file.read(storage.size * storage.dtype.itemsize) if size == storage.size else b""
        if len(content) != storage.size * storage.dtype.itemsize:
            raise _Unreadable(f"its storage {key} is cut off or of another size than stated")
        numbers[key] = np.frombuffer(content, storage.dtype)
    return {name: _cut_out(name, tensor, numbers[tensor.storage.key]) for name, tensor in named.items()}


def _cut_out(name: str, tensor: _Tensor, numbers: NDArray[Any]) -> NDArray[Any]:
    """A copy of the tensor in the order of its own axes, which need not be that of the numbers."""
    reach = tensor.offset + sum(
        (side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    count = math.prod(tensor.shape)
    if not 0 < count <= len(numbers) or reach >= len(numbers):
        raise _Unreadable(f"its tensor {name} reaches out of its storage")
    steps = [stride * numbers.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, steps, writeable=False)
    return np.ascontiguousarray(view).reshape(tensor.shape)


def _run(file: BytesIO) -> Any:
    """The value of the next pickle."""
    stack: list[Any] = []
    memo: dict[Any, Any] = {}
    for operation, argument, _ in pickletools.genops(file):
        name = operation.name
        if name in _LITERALS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "GLOBAL":
            stack.append(_trust(str(argument)))
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "STOP":
            return stack.pop()
        elif name != "PROTO":
            _combine(name, stack)
    raise _Unreadable("it is cut off")


def _combine(name: str, stack: list[Any]) -> None:
    """An operation that takes values from the stack and puts one there."""
    if name in _TUPLES:
        stack[-_TUPLES[name] :] = [tuple(stack[-_TUPLES[name] :])]
    elif name == "TUPLE":
        stack.append(tuple(_pop_marked(stack)))
    elif name in ("SETITEM", "SETITEMS"):
        items = [stack.pop(-2), stack.pop()] if name == "SETITEM" else _pop_marked(stack)
        _set_items(stack[-1], items)
    elif name in ("APPEND", "APPENDS"):
        items = [stack.pop()] if name == "APPEND" else _pop_marked(stack)
        if not isinstance(stack[-1], list):
            _refuse("an operation of a list on something else")
        stack[-1].extend(items)
    elif name == "BINPERSID":
        stack.append(_make_storage(stack.pop()))
    elif name == "REDUCE":
        arguments = stack.pop()
        stack.append(_call(stack.pop(), arguments))
    elif name == "BUILD":
        stack.pop()  # the attributes of a dictionary: versions of layers
        if not isinstance(stack[-1], dict):
            _refuse("attributes of something else than a dictionary")
    else:
        _refuse(f"the operation {name}")


def _refuse(what: str) -> NoReturn:
    raise _Unreadable(f"it asks for {what}, which no tensor needs; nothing of it was run")


def _trust(name: str) -> _Global:
    if name not in _TRUSTED:
        _refuse(name.replace(" ", "."))
    return _Global(name)


def _pop_marked(stack: list[Any]) -> list[Any]:
    """Takes all values above the last mark, and the mark."""
    place = next((index for index in reversed(range(len(stack))) if stack[index] is _MARK), None)
    if place is None:
        raise _Unreadable("it is damaged (no mark)")
    values = stack[place + 1 :]
    del stack[place:]
    return values


def _set_items(target: Any, items: list[Any]) -> None:
    names, values = items[::2], items[1::2]
    # Only text: to look up a nest of tuples can take for ever.
    if not isinstance(target, dict) or not all(isinstance(name, str) for name in names):
        _refuse("a dictionary without names")
    target.update(zip(names, values, strict=True))


def _make_storage(said: Any) -> _Storage:
    """What a pickle says of a storage: a tuple of `storage`, its type, its key, its device and its size."""
    kind, named, key, _, size, view = said
    if not (isinstance(named, _Global) and named.name in _TYPES and kind == "storage" and view is None):
        _refuse("a storage of another kind")
    if not (isinstance(key, str) and _is_count(size)):
        _refuse("a storage without key or size")
    return _Storage(key, _TYPES[named.name], size)


def _call(called: Any, arguments: Any) -> Any:
    if called == _Global(_DICT) and arguments == ():
        return {}
    if called != _Global(_TENSOR):
        _refuse("a call of something else than a tensor")
    storage, offset, shape, strides = arguments[:4]
    counts = (offset, *shape, *strides)
    if not (isinstance(storage, _Storage) and all(map(_is_count, counts)) and len(shape) == len(strides)):
        _refuse("a tensor without storage, sides or strides")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40
