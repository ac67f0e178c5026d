"""Which files are read as numbers, apart from TIFF, which is told from its tags."""

import struct

import numpy as np
from PIL import ImageFile

from dlpractice.data.codecs.levels import Levels
from dlpractice.data.codecs.netpbm import highest_value, read_netpbm
from dlpractice.data.codecs.png import is_deep_png, read_png
from dlpractice.data.codecs.sample_array import SampleError, Samples

# How the codestream of a JPEG 2000 file begins, and how far behind that the number of channels is. It is
# followed by three bytes for each of them, the first of which is its depth.
_CODESTREAM, _COUNT = b"\xff\x4f\xff\x51", 40


def read_samples(content: bytes, image: ImageFile.ImageFile) -> Samples | None:
    """The numbers of an image that was opened and not loaded; None where 8 bits hold all that it has.

    Raises:
        SampleError: the file is cut short or damaged, or Pillow would give wrong colours.
    """
    if image.format == "PPM" and (highest := highest_value(image)):
        return read_netpbm(content, image, highest)
    if image.format == "PNG" and is_deep_png(content):
        return read_png(content, image.info.get("transparency"))
    declared = _check_jpeg_2000(content, image.mode) if image.format == "JPEG2000" else None
    if not image.mode.startswith(("I", "F")):
        return None
    # Pillow has such numbers in one channel alone, all of them as they are in the file.
    level = image.info.get("transparency")
    return Samples(
        np.asarray(image)[..., None],
        declared=declared,
        transparent=(level,) if isinstance(level, int) else (),
    )


def _check_jpeg_2000(content: bytes, mode: str) -> Levels | None:
    """The range of a depth of 9 to 15 bits, which is declared, and which Pillow shifts to the upper bits."""
    place = content.find(_CODESTREAM)
    (count,) = struct.unpack_from(">H", content, place + _COUNT)
    depths = content[place + _COUNT + 2 :: 3][:count]
    depth = max((byte & 0x7F) + 1 for byte in depths)
    # Pillow rounds such colours to 8 bits without a bound, and white becomes black.
    if depth > 16 or (depth > 8 and mode != "I;16"):
        raise SampleError(
            f"JPEG 2000 of {depth} bits in {count} channels is not read; save it as PNG or TIFF of 16 bits"
        )
    return Levels(0, (2**depth - 1) << (16 - depth)) if 8 < depth < 16 else None
