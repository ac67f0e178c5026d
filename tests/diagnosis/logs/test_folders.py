"""Folders that differ by a number."""

from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.folders import find_latest, number_of


@pytest.mark.parametrize(
    ("names", "latest"),
    [
        (["version_9", "version_10", "version_2"], "version_10"),
        (["train", "train2"], "train2"),
        (["a", "b"], None),
        (["a/v1", "b/v2"], None),
        ([], None),
    ],
)
def test_the_highest_number(names: list[str], latest: str | None) -> None:
    assert find_latest(map(Path, names)) == (Path(latest) if latest else None)


def test_numbers_of_names() -> None:
    assert [number_of(name) for name in ("checkpoint-1000", "train", "3")] == [1000, 0, 3]
