"""The numbers of a PGM or PPM file with another highest value than 255, or written as text.

Pillow cuts colours to 8 bits by the highest value that the header states, often 65,535 where 4,095 is meant.
"""

import re

import numpy as np
from PIL import ImageFile

from dlpractice.data.codecs.levels import Levels
from dlpractice.data.codecs.sample_array import SampleError, Samples

_ANYTHING = 65535
_COMMENT = re.compile(rb"#[^\r\n]*")


def highest_value(image: ImageFile.ImageFile) -> int | None:
    """What the header of an opened PGM or PPM states, where the numbers have to be read here; else None."""
    arguments = image.tile[0].args
    if arguments == "I;16B":
        return _ANYTHING
    return arguments[1] if isinstance(arguments, tuple) and len(arguments) == 2 else None


def read_netpbm(content: bytes, image: ImageFile.ImageFile, highest: int) -> Samples:
    """The numbers of the opened file; 65,535 is what 16 bits hold, and states no range.

    Raises:
        SampleError: there are too few numbers, or some are too large.
    """
    tile = image.tile[0]
    shape = (image.height, image.width, 3 if image.mode == "RGB" else 1)
    count = int(np.prod(shape))
    body = content[tile.offset :]
    if tile.codec_name == "ppm_plain":
        numbers = np.array(_COMMENT.sub(b" ", body).split(None, count)[:count], np.bytes_).astype(np.int64)
    else:
        kind = np.dtype(np.uint8 if highest < 256 else ">u2")
        whole = min(count, len(body) // kind.itemsize)
        numbers = np.frombuffer(body, kind, whole)
    if numbers.size < count:
        raise SampleError(f"the file is cut short: {numbers.size:,} of {count:,} numbers", "truncated")
    if not 0 <= int(numbers.min()) <= int(numbers.max()) <= highest:
        raise SampleError(
            f"the file is damaged: {numbers.max():,} is above the {highest:,} stated", "unreadable"
        )
    declared = None if highest == _ANYTHING else Levels(0, highest)
    values = numbers.astype(np.uint8 if highest < 256 else np.uint16).reshape(shape)
    return Samples(values, "rgb" if shape[2] == 3 else "grey", declared=declared)
