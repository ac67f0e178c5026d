"""Which numbers are black and white, where a file has more than 8 bits a channel and does not say.

A camera of 12 bits writes 0 to 4,095 into 16-bit files, and whoever divides by 65,535 gets a picture that is
nearly black. So the range is taken from the values themselves, in coarse steps: the bit depths that sensors
have. All files of a data set get one range, the smallest that holds them all, and so do those that a trained
model is asked about: or brightness would lose its meaning from file to file.
"""

from collections.abc import Iterable
from dataclasses import dataclass

# Bits of an integer that counts upwards from 0.
_DEPTHS = (8, 10, 12, 14, 16, 20, 24, 28, 32, 64)


@dataclass(frozen=True)
class Levels:
    """The numbers that become 0 (`black`) and 255 (`white`) in an image of 8 bits."""

    black: float
    white: float

    def __str__(self) -> str:
        return f"{self.black:,.10g} to {self.white:,.10g}"


def find_levels(lowest: float, highest: float, *, whole: bool) -> Levels:
    """The range of a file whose values run from `lowest` to `highest`, both finite.

    Whole numbers: 0 to the first of 255, 1,023, 4,095, 16,383, 65,535, ... that is not exceeded. Others: 0 to
    1 where they lie there, or else 0 to the first of 3, 7, 15, ... Black is below 0 only where values are: at
    -128, -256, -512, ..., for values that are not whole also at -1, -2, -4, ...
    """
    if whole:
        white = next((2.0**bits - 1 for bits in _DEPTHS if highest <= 2.0**bits - 1), highest)
    else:
        white = 1.0
        while white < highest:
            white = 2 * white + 1
    black = 0.0
    if lowest < 0:
        black = -128.0 if whole else -1.0
        while black > lowest:
            black *= 2
    return Levels(black, white)


def join_levels(levels: Iterable[Levels]) -> Levels | None:
    """The range that holds all of several; None where there are none."""
    known = list(levels)
    if not known:
        return None
    return Levels(min(level.black for level in known), max(level.white for level in known))
