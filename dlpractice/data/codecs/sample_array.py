"""The numbers of an image file as an array, and how they become an image of 8 bits."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.codecs.levels import Levels, find_levels

Colour = Literal["grey", "rgb", "cmyk", "lab"]
Problem = Literal["empty", "truncated", "too large", "unsupported", "unreadable"]

# So many values are enough to find the darkest and the brightest hundredth.
_COUNTED = 1_000_000
# Above this share of values beyond the range given the picture would be another one.
_CLIPPED_SHARE = 0.01
_ROWS = 256
_MODES = {("grey", False): "L", ("grey", True): "LA", ("rgb", False): "RGB", ("rgb", True): "RGBA"}


class SampleError(Exception):
    """A file that cannot become an image; the message says why, without the file's name."""

    def __init__(self, reason: str, problem: Problem = "unsupported") -> None:
        super().__init__(reason)
        self.problem = problem


@dataclass(frozen=True)
class Samples:
    """The numbers of one image.

    Args:
        values: (H, W, C) integers or floating-point numbers; C is 1 (grey), 3 (rgb, lab) or 4 (cmyk), and one
            more with `alpha`.
        colour: what the channels mean. Of cmyk and lab 8 bits are kept, without a search for the range.
        alpha: the last channel is how opaque a pixel is.
        premultiplied: the colours were multiplied by it.
        inverted: 0 is white (TIFF's WhiteIsZero).
        declared: the range, where the file says it.
        transparent: (C,) the colour that is declared transparent (PNG), if any.
    """

    values: NDArray[Any]
    colour: Colour = "grey"
    alpha: bool = False
    premultiplied: bool = False
    inverted: bool = False
    declared: Levels | None = None
    transparent: tuple[int, ...] = ()


@dataclass(frozen=True)
class SeenRange:
    """What a file without a declared range holds.

    `levels` are found from its lowest and highest value; one of 100 values is below `dark`, and one above
    `bright`.
    """

    levels: Levels
    dark: float
    bright: float


def see_range(samples: Samples) -> SeenRange | None:
    """The range of the colours (not of alpha); None where the file declares it.

    Raises:
        SampleError: some values are no finite numbers.
    """
    if samples.declared is not None or samples.colour not in ("grey", "rgb"):
        return None
    colours = samples.values[..., : samples.values.shape[-1] - samples.alpha]
    lowest, highest = float(colours.min()), float(colours.max())
    if not np.isfinite([lowest, highest]).all():
        raise SampleError("some of its values are no finite numbers; replace them, and save it anew")
    some = colours.reshape(-1)[:: max(1, colours.size // _COUNTED)]
    dark, bright = np.percentile(some, [1, 99]).tolist()
    # Whole numbers that were saved as floating-point ones keep their meaning; ones and zeros are a mask.
    whole = colours.dtype.kind in "iu" or (highest > 1 and not (some % 1).any())
    return SeenRange(find_levels(lowest, highest, whole=whole), dark, bright)


def to_image(samples: Samples, seen: SeenRange | None, levels: Levels | None) -> Image.Image:
    """An image of 8 bits (L, LA, RGB, RGBA, CMYK or LAB).

    Args:
        seen: what `see_range` gave.
        levels: the range to use where the file declares none; None: the file's own.

    Raises:
        SampleError: more than 1 % of the values lie outside of `levels`.
    """
    whole = _container(samples.values.dtype)
    if samples.colour == "cmyk":
        return Image.fromarray(_scale(samples.values[..., :4], whole), "CMYK")
    if samples.colour == "lab":
        return _lab_image(samples.values)
    used = samples.declared or whole
    if seen is not None:
        used = levels or seen.levels
        _check_range(samples, used)
    count = samples.values.shape[-1] - samples.alpha
    colours = samples.values[..., :count]
    opaque = None
    if samples.alpha:
        opaque = _scale_alpha(samples.values[..., count:], used, whole)
        if samples.premultiplied:
            colours = colours / np.maximum(opaque, 1e-9)
        opaque = np.floor(opaque * 255 + 0.5).astype(np.uint8)
    elif samples.transparent:
        through = (colours == np.array(samples.transparent)).all(axis=2, keepdims=True)
        opaque = np.where(through, 0, 255).astype(np.uint8)
    scaled = _scale(colours, used)
    if samples.inverted:
        scaled = 255 - scaled
    if opaque is not None:
        scaled = np.concatenate([scaled, opaque], axis=2)
    size = (scaled.shape[1], scaled.shape[0])
    mode = _MODES[samples.colour, opaque is not None]
    return Image.frombytes(mode, size, np.ascontiguousarray(scaled).tobytes())


def _scale_alpha(alpha: NDArray[Any], used: Levels, whole: Levels) -> NDArray[np.float64]:
    """How opaque pixels are, in 0..1: by the range of the colours where that holds all, or by the type's."""
    white = used.white if float(alpha.max()) <= used.white else whole.white
    share: NDArray[np.float64] = np.clip(alpha / white, 0, 1)
    return share


def _lab_image(values: NDArray[Any]) -> Image.Image:
    """L of 0..65,535 and signed a and b, of which the upper bytes are those of an image of 8 bits."""
    if values.dtype.itemsize != 2:
        raise SampleError(f"CIELAB of {8 * values.dtype.itemsize} bits is not read; save it as 8-bit RGB")
    upper = (values.astype(np.int32) >> 8).astype(np.uint8)[..., :3]
    size = (values.shape[1], values.shape[0])
    return Image.frombytes("LAB", size, np.ascontiguousarray(upper).tobytes(), "raw", "LAB")


def _container(dtype: np.dtype[Any]) -> Levels:
    """All that a type holds; 0 to 1 for floating-point numbers."""
    if dtype.kind == "f":
        return Levels(0, 1)
    limits = np.iinfo(dtype)
    return Levels(limits.min, limits.max)


def _check_range(samples: Samples, levels: Levels) -> None:
    colours = samples.values[..., : samples.values.shape[-1] - samples.alpha]
    outside = float(np.mean((colours < levels.black) | (colours > levels.white)))
    if outside > _CLIPPED_SHARE:
        raise SampleError(
            f"{outside:.0%} of its values lie outside of {levels}, the range that the model was trained with"
        )


def _scale(values: NDArray[Any], levels: Levels) -> NDArray[np.uint8]:
    """From black..white to 0..255, rounded; what lies outside becomes 0 or 255."""
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        limits = np.iinfo(values.dtype)
        table = _stretch(np.arange(limits.min, limits.max + 1), levels)
        return table[values.astype(np.int32) - limits.min]
    scaled = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), _ROWS):
        scaled[start : start + _ROWS] = _stretch(values[start : start + _ROWS], levels)
    return scaled


def _stretch(values: NDArray[Any], levels: Levels) -> NDArray[np.uint8]:
    share = (values.astype(np.float64) - levels.black) / (levels.white - levels.black)
    return np.floor(np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)
