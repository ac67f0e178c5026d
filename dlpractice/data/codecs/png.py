"""The numbers of a PNG of 16 bits a channel, of which Pillow gives the upper byte alone if it has colours.

W3C, Portable Network Graphics, Third Edition, 2025.
"""

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.codecs.sample_array import Samples

# Where the header chunk keeps its type, its depth, its colour type and its checksum.
_HEADER, _DEPTH, _COLOUR, _CHECKSUM = 12, 24, 25, 29
_RGB, _GREY_ALPHA, _RGBA = 2, 4, 6


def is_deep_png(content: bytes) -> bool:
    """True for the bytes of a PNG with 16 bits a channel and more than one channel."""
    return (
        len(content) > _CHECKSUM and content[_DEPTH] == 16 and content[_COLOUR] in (_RGB, _GREY_ALPHA, _RGBA)
    )


def read_png(content: bytes, transparent: Any) -> Samples:
    """The numbers of such a PNG; of an animation those of its first picture.

    Args:
        transparent: the colour that is declared transparent, three numbers; or None.
    """
    if content[_COLOUR] == _GREY_ALPHA:
        values = _pair(_load(_as_rgba(content), "RGBA"))
        return Samples(values, "grey", alpha=True)
    mode = "RGB" if content[_COLOUR] == _RGB else "RGBA"
    upper, lower = _load(content, f"{mode};16B"), _load(content, f"{mode};16L")
    values = upper * np.uint16(256) + lower
    key = tuple(transparent) if isinstance(transparent, tuple) else ()
    return Samples(values, "rgb", alpha=mode == "RGBA", transparent=key)


def _load(content: bytes, layout: str) -> NDArray[np.uint8]:
    """(H, W, C) of what Pillow takes for the pixels if the numbers are laid out so.

    Numbers of 16 bits are stored with their upper byte first; to somebody who expects the lower one first
    (`;16L`), the lower byte is the upper one, and that is what Pillow keeps.
    """
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        image.tile = [tile._replace(args=layout) for tile in image.tile]
        return np.asarray(image)


def _as_rgba(content: bytes) -> bytes:
    """Grey and alpha of 16 bits are as long as four channels of 8 bits; only the header says which it is."""
    header = bytearray(content[_HEADER:_CHECKSUM])
    header[_DEPTH - _HEADER], header[_COLOUR - _HEADER] = 8, _RGBA
    checksum = struct.pack(">I", zlib.crc32(header))
    return content[:_HEADER] + bytes(header) + checksum + content[_CHECKSUM + 4 :]


def _pair(rgba: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """(H, W, 4) bytes -> (H, W, 2) numbers, whose upper bytes come first."""
    return np.ascontiguousarray(rgba).view(">u2").astype(np.uint16)
