"""From the bytes of an image file to `(H, W, 3)` uint8: the one path for training and for prediction.

EXIF orientation is applied, colours of other spaces become sRGB, transparent pixels are laid over a
background, more than 8 bits a channel are stretched by their range (see `data.codecs`), and of an animation
or of several pages the first is taken. Downscaling is bicubic with antialiasing.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, UnidentifiedImageError

from dlpractice.data.codecs.colour_profiles import to_srgb
from dlpractice.data.codecs.fitting import FITS, Resize
from dlpractice.data.codecs.image_formats import FOREIGN, INSTALL_HEIC, is_heic
from dlpractice.data.codecs.levels import Levels
from dlpractice.data.codecs.library_notes import noting
from dlpractice.data.codecs.opened_image import MAX_PIXELS, OpenedImage, can_open_heic, open_image
from dlpractice.data.codecs.sample_array import Problem, SampleError, Samples, SeenRange, see_range, to_image
from dlpractice.data.storage.cache_key import Keyed
from dlpractice.errors import DataError, PathError
from dlpractice.paths import read_file, status

MAX_FILE_BYTES = 2**30

# libjpeg can shrink by 8, 4 or 2 while it decodes. It stops at twice the size asked for, and never below this
# many pixels a side, so that the antialiased resize that follows still does the visible part. Among
# photographs resized from twice the size the mean difference to full decoding is 0.3 grey levels; Lanczos
# instead of bicubic is 0.9.
_SHRINK_FLOOR = 512

# Below such a difference, of 255, between its darkest and brightest points an image shows nothing.
FLAT = 8

_JPEG = b"\xff\xd8"

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset(_TURNS[orientation] for orientation in (5, 6, 7, 8))

# Otherwise Pillow loads most of its formats only after it has failed with the few common ones.
Image.init()


class ImageError(DataError):
    """An image file that cannot be used; `problem` says in which way, `reason` says it in words."""

    def __init__(self, path: str, problem: Problem, reason: str) -> None:
        super().__init__(f"{path}: {reason}", "repair, convert or remove the file")
        self.path = path
        self.problem = problem
        self.reason = reason


@dataclass(frozen=True)
class Decoded:
    """One decoded image: `rgb`, its size in the file in pixels as a viewer shows it, format and frames.

    `seen` is the range of more than 8 bits a channel where the file declares none. `hidden` is True where the
    file shows something, and only the background is left of it. `notes`: what Pillow warned of.
    """

    rgb: Image.Image
    width: int
    height: int
    format: str
    frames: int
    seen: SeenRange | None = None
    hidden: bool = False
    notes: tuple[str, ...] = ()


def shrink_bound(image_size: int) -> int:
    """How many pixels a side a JPEG keeps at least while it is decoded for images of `image_size`."""
    return max(2 * image_size, _SHRINK_FLOOR)


@dataclass(frozen=True)
class Look(Keyed):
    """How a file becomes a square of pixels.

    Args:
        image_size: the side of the square, in pixels.
        resize: what happens to images that are no squares, see `fit`.
        background: the colour under transparent pixels and around padded images, `#rrggbb`.
        levels: the range of more than 8 bits a channel where a file declares none; None: each file's own.
    """

    image_size: int
    resize: Resize = "stretch"
    background: str = "#ffffff"
    levels: Levels | None = None


def decode(
    source: Path | bytes,
    name: str = "",
    *,
    background: str = "#ffffff",
    bound: int | None = None,
    levels: Levels | None = None,
) -> Decoded:
    """Decodes a file, or the bytes of one that `name` names in errors.

    Args:
        background: what transparent pixels are laid over, `#rrggbb`.
        bound: a JPEG may come out smaller by 2, 4 or 8, but with no side below this many pixels; None: never.
        levels: the range of more than 8 bits a channel where the file declares none; None: the file's own.

    Raises:
        ImageError: empty, truncated, too large, of an unsupported kind, or no image.
    """
    name = name or (str(source) if isinstance(source, Path) else "image")
    content = source if isinstance(source, bytes) else read(source)
    if not content:
        raise ImageError(name, "empty", "the file is empty (0 bytes)")
    try:
        with noting() as notes:
            decoded = _finish(open_image(content, name, bound), background, levels)
        return replace(decoded, notes=tuple(notes))
    except SampleError as error:
        raise ImageError(name, error.problem, str(error)) from error
    # Broken files make Pillow raise nearly anything (SyntaxError, struct.error, IndexError, ...).
    except Exception as error:
        raise _explain(error, name, content) from error


def read(path: Path) -> bytes:
    """The bytes of `path`; ImageError where it cannot be read or is far too large for an image."""
    try:
        if (size := status(path).st_size) > MAX_FILE_BYTES:
            raise ImageError(str(path), "too large", f"the file has {size:,} bytes")
        return read_file(path, MAX_FILE_BYTES)
    except PathError as error:
        raise ImageError(str(path), "unreadable", f"cannot be read: {error.reason}") from error


def fit(rgb: Image.Image, look: Look) -> NDArray[np.uint8]:
    """The image as a square of `image_size` pixels a side, `(image_size, image_size, 3)` uint8.

    `stretch` ignores the aspect ratio, `crop` keeps the middle square, `pad` fills up with `background`.
    """
    return np.asarray(FITS[look.resize](rgb, look.image_size, look.background), np.uint8)


def load_pixels(source: Path | bytes, look: Look, name: str = "") -> NDArray[np.uint8]:
    """Decodes and resizes one file to `(image_size, image_size, 3)` uint8, exactly as training does.

    source: the file, or the bytes of one that `name` names in errors.

    Raises:
        ImageError: see `decode`.
    """
    bound = shrink_bound(look.image_size)
    decoded = decode(source, name, background=look.background, bound=bound, levels=look.levels)
    return fit(decoded.rgb, look)


def _finish(opened: OpenedImage, background: str, levels: Levels | None) -> Decoded:
    image, seen = opened.content, None
    if isinstance(image, Samples):
        seen = see_range(image)
        image = to_image(image, seen, levels)
    rgb, hidden = _to_rgb(image, opened.profile, background)
    turn = _TURNS.get(opened.orientation)
    width, height = opened.size
    if turn in _SIDEWAYS:
        width, height = height, width
    if turn is not None:
        rgb = rgb.transpose(turn)
    return Decoded(rgb, width, height, opened.format, opened.frames, seen, hidden)


def _to_rgb(image: Image.Image, profile: bytes | None, background: str) -> tuple[Image.Image, bool]:
    """The image in sRGB over the background, and whether all that it shows is hidden there."""
    if not image.has_transparency_data:
        return to_srgb(image, profile), False
    rgba = to_srgb(image.convert("RGBA"), profile)
    under = Image.new("RGBA", rgba.size, ImageColor.getrgb(background))
    rgb = Image.alpha_composite(under, rgba).convert("RGB")
    return rgb, _is_flat(rgb) and not _is_flat(rgba)


def _is_flat(image: Image.Image) -> bool:
    return all(np.ptp(image.getchannel(band).getextrema()) < FLAT for band in image.getbands())


def _explain(error: Exception, name: str, content: bytes) -> ImageError:
    ending = Path(name).suffix.lower()
    if isinstance(error, UnidentifiedImageError):
        if is_heic(content) and not can_open_heic():
            return ImageError(
                name, "unsupported", f"HEIC is read once its package is installed: {INSTALL_HEIC}"
            )
        if ending in FOREIGN:
            return ImageError(name, "unsupported", f"*{ending} is not read: {FOREIGN[ending]}")
        if content.startswith(_JPEG):
            reason = "it is a damaged JPEG, or one of 12 bits or without loss; export it as PNG"
            return ImageError(name, "unreadable", reason)
        return ImageError(name, "unreadable", "its content is no image of a kind that is read")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return ImageError(name, "too large", f"more than {MAX_PIXELS:,} pixels")
    text = str(error) or type(error).__name__
    if "truncated" in text.lower():
        return ImageError(name, "truncated", f"the file is cut short: {text}")
    return ImageError(name, "unreadable", f"cannot be decoded: {text}")
