import pytest

from dlpractice.data.codecs.levels import Levels, find_levels, join_levels


@pytest.mark.parametrize(
    ("lowest", "highest", "black", "white"),
    [
        (0, 0, 0, 255),
        (3, 255, 0, 255),
        (0, 256, 0, 1023),
        (100, 1024, 0, 4095),
        (0, 4095, 0, 4095),
        (0, 4096, 0, 16383),
        (0, 16384, 0, 65535),
        (0, 65536, 0, 2**20 - 1),
        (0, 2**32 - 1, 0, 2**32 - 1),
        (-1, 100, -128, 255),
        (-1024, 3071, -1024, 4095),
        (-1025, 3071, -2048, 4095),
    ],
)
def test_whole_numbers(lowest: int, highest: int, black: int, white: int) -> None:
    assert find_levels(lowest, highest, whole=True) == Levels(black, white)


@pytest.mark.parametrize(
    ("lowest", "highest", "black", "white"),
    [(0, 0.3, 0, 1), (0, 1, 0, 1), (0, 1.2, 0, 3), (0, 250.5, 0, 255), (-0.5, 1, -1, 1), (-1.5, 0, -2, 1)],
)
def test_other_numbers(lowest: float, highest: float, black: float, white: float) -> None:
    assert find_levels(lowest, highest, whole=False) == Levels(black, white)


def test_one_range_for_all_files() -> None:
    assert join_levels([Levels(0, 1023), Levels(-128, 255), Levels(0, 4095)]) == Levels(-128, 4095)
    assert join_levels([]) is None
    assert str(Levels(0, 4095)) == "0 to 4,095"
    assert str(Levels(-1, 1.5)) == "-1 to 1.5"
