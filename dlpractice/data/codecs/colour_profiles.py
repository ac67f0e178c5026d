"""Colours of other spaces, such as a phone's Display P3 or a printer's inks, become those of sRGB.

The profile is the one embedded in the file (ICC.1:2022). Without one, colours are taken to be sRGB, and inks
to be the opposites of red, green and blue.
"""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

# As large as the differences between the many profiles that are called sRGB.
_SAME = 2
_SPACES = {"RGB ": "RGB", "CMYK": "CMYK", "GRAY": "L"}


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image in sRGB, RGB or RGBA; its colours stay where the profile is nearly sRGB, or damaged."""
    if image.mode == "RGBA":
        opaque = image.getchannel("A")
        coloured = to_srgb(image.convert("RGB"), profile)
        coloured.putalpha(opaque)
        return coloured
    found = _find_transform(profile) if profile else None
    if found is not None:
        transform, mode = found
        if (image.mode == "CMYK") == (mode == "CMYK"):
            converted = ImageCms.applyTransform(
                image if image.mode == mode else image.convert(mode), transform
            )
            assert converted is not None  # only a change in place gives none
            return converted
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(maxsize=32)
def _find_transform(profile: bytes) -> tuple[ImageCms.ImageCmsTransform, str] | None:
    """What changes the colours, and the mode it takes; None where there is nothing to change."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _SPACES.get(opened.profile.xcolor_space)
        if mode is None:
            return None
        transform = ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return None if mode != "CMYK" and _changes_nothing(transform, mode) else (transform, mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    steps = np.rint(np.linspace(0, 255, 9)).astype(np.uint8)
    if mode == "L":
        colours = Image.fromarray(steps[None])
    else:
        colours = Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3))
    converted = ImageCms.applyTransform(colours, transform)
    difference = np.asarray(converted, np.int16) - np.asarray(colours.convert("RGB"), np.int16)
    return int(np.abs(difference).max()) <= _SAME
