"""From an image of any shape to a square of pixels. Pillow widens its filter by the factor of shrinking, so
that every pixel counts.
"""

from collections.abc import Callable
from typing import Literal

from PIL import Image, ImageColor

Resize = Literal["stretch", "crop", "pad"]


def _stretch(rgb: Image.Image, side: int, background: str) -> Image.Image:
    return rgb.resize((side, side), Image.Resampling.BICUBIC)


def _crop(rgb: Image.Image, side: int, background: str) -> Image.Image:
    short = min(rgb.size)
    left, top = (rgb.width - short) / 2, (rgb.height - short) / 2
    return rgb.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + short, top + short))


def _pad(rgb: Image.Image, side: int, background: str) -> Image.Image:
    scale = side / max(rgb.size)
    width, height = (max(1, round(length * scale)) for length in rgb.size)
    square = Image.new("RGB", (side, side), ImageColor.getrgb(background))
    inner = rgb.resize((width, height), Image.Resampling.BICUBIC)
    square.paste(inner, ((side - width) // 2, (side - height) // 2))
    return square


# From an image, the side of the square and the colour around padded images to the square.
FITS: dict[Resize, Callable[[Image.Image, int, str], Image.Image]] = {
    "stretch": _stretch,
    "crop": _crop,
    "pad": _pad,
}
