"""What a callback of Keras is told of a step."""

from collections.abc import Iterator, Mapping
from typing import Any


class LazyLogs(Mapping[str, float]):
    """Numbers of a step that are waited for when they are asked for."""

    def __init__(self, tensors: Mapping[str, Any]) -> None:
        self._tensors = tensors

    def __getitem__(self, name: str) -> float:
        return float(self._tensors[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)
