"""Writes PyTorch files of the legacy kind, as PyTorch writes them, without PyTorch."""

import pickle
import struct
import sys
from collections import OrderedDict
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
MACHINE = {
    "protocol_version": VERSION,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}


class FloatStorage:
    """Stands for `torch.FloatStorage`, which a file only names."""


class LongStorage:
    """Stands for `torch.LongStorage`."""


def _rebuild_tensor_v2(*_: Any) -> None:
    """Stands for `torch._utils._rebuild_tensor_v2`."""


class Laid:
    """A tensor that lies in its storage as `numbers`, and has the axes of `numbers.transpose(axes)`."""

    def __init__(self, numbers: NDArray[Any], axes: tuple[int, ...] | None = None) -> None:
        self.numbers = np.ascontiguousarray(numbers)
        self.view = self.numbers.transpose(axes) if axes else self.numbers
        self.key = str(id(self))

    def __reduce__(self) -> Any:
        strides = tuple(stride // self.view.itemsize for stride in self.view.strides)
        return _rebuild_tensor_v2, (_Persistent(self), 0, self.view.shape, strides, False, OrderedDict())


class _Persistent:
    def __init__(self, laid: Laid) -> None:
        kind = LongStorage if laid.numbers.dtype == np.int64 else FloatStorage
        self.said = ("storage", kind, laid.key, "cpu", laid.numbers.size, None)


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        return value.said if isinstance(value, _Persistent) else None


def write_torch(path: Path, tensors: Mapping[str, Any], machine: Any = MACHINE) -> Path:
    """Writes `tensors` by name, each a `Laid`; anything else is pickled as Python does."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    torch.FloatStorage, torch.LongStorage = FloatStorage, LongStorage  # type: ignore[attr-defined]
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    for named, module in ((FloatStorage, torch), (LongStorage, torch), (_rebuild_tensor_v2, utils)):
        named.__module__ = module.__name__
    content = BytesIO()
    named_tensors = OrderedDict(tensors)
    named_tensors._metadata = OrderedDict({"": {"version": 1}})  # type: ignore[attr-defined]
    laid = [value for value in tensors.values() if isinstance(value, Laid)]
    with patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}):
        for value in (MAGIC, VERSION, machine, named_tensors, [one.key for one in laid]):
            _Pickler(content, protocol=2).dump(value)
    for one in laid:
        content.write(struct.pack("<q", one.numbers.size) + one.numbers.tobytes())
    path.write_bytes(content.getvalue())
    return path
