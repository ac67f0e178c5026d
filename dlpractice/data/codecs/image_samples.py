"""Which files are read as numbers, apart from TIFF, which is told from its tags."""

import numpy as np
from PIL import ImageFile

from dlpractice.data.codecs.levels import Levels
from dlpractice.data.codecs.netpbm import highest_value, read_netpbm
from dlpractice.data.codecs.png import is_deep_png, read_png
from dlpractice.data.codecs.sample_array import Samples

# In a JPEG 2000 file: the marker of the chunk SIZ, and how far behind it the depth of the first channel is.
_SIZ, _SIZ_DEPTH = b"\xff\x51", 40


def read_samples(content: bytes, image: ImageFile.ImageFile) -> Samples | None:
    """The numbers of an image that was opened and not loaded; None where 8 bits hold all that it has.

    Raises:
        SampleError: the file is cut short or damaged.
    """
    if image.format == "PPM" and (highest := highest_value(image)):
        return read_netpbm(content, image, highest)
    if image.format == "PNG" and is_deep_png(content):
        return read_png(content, image.info.get("transparency"))
    if not image.mode.startswith(("I", "F")):
        return None
    # Pillow has such numbers in one channel alone, all of them as they are in the file.
    level = image.info.get("transparency")
    return Samples(
        np.asarray(image)[..., None],
        declared=_jpeg_2000_levels(content) if image.format == "JPEG2000" else None,
        transparent=(level,) if isinstance(level, int) else (),
    )


def _jpeg_2000_levels(content: bytes) -> Levels | None:
    """The range of a depth below 16 bits, which is declared, and which Pillow shifts to the upper bits."""
    place = content.find(_SIZ) + _SIZ_DEPTH
    depth = (content[place] & 0x7F) + 1 if _SIZ_DEPTH <= place < len(content) else 16
    return Levels(0, (2**depth - 1) << (16 - depth)) if 8 < depth < 16 else None
