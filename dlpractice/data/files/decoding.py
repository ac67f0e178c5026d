"""From the bytes of an image file to `(H, W, 3)` uint8: the one path for training and for prediction.

EXIF orientation is applied, transparent pixels are laid over a background, 16-bit grey is scaled by
255/65535, and of an animation or of several pages the first is taken. Downscaling is bicubic with
antialiasing: Pillow widens the filter by the scale factor, so every source pixel counts.
"""

import io
import stat
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, UnidentifiedImageError

from dlpractice.data.storage.cache_key import Keyed
from dlpractice.errors import DataError

Resize = Literal["stretch", "crop", "pad"]

# One image of this many pixels takes 300 MB as RGB; Pillow's own bound, which only warns, is near.
MAX_PIXELS = 100_000_000
MAX_FILE_BYTES = 2**30

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
}

# Images by their name that are not decoded here: they are reported one by one instead of being passed over.
FOREIGN_EXTENSIONS = frozenset(
    (".heic", ".heif", ".avif", ".jp2", ".jxl", ".svg", ".psd", ".tga", ".dng", ".cr2", ".nef", ".dcm")
)
IMAGE_EXTENSIONS = (
    frozenset(ending for endings in EXTENSIONS.values() for ending in endings) | FOREIGN_EXTENSIONS
)

# A multi-picture JPEG (MPO) is opened as a JPEG, and named once Pillow has seen its second picture.
_OPENED = tuple(name for name in EXTENSIONS if name != "MPO")

# libjpeg can shrink by 8, 4 or 2 while it decodes. It stops at twice the size asked for, and never below this
# many pixels a side, so that the antialiased resize that follows still does the visible part. Among
# photographs resized from twice the size the mean difference to full decoding is 0.3 grey levels; Lanczos
# instead of bicubic is 0.9.
_SHRINK_FACTORS = (8, 4, 2)
_SHRINK_FLOOR = 512

_ORIENTATION_TAG = 0x0112
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
# Pillow's warnings name no file. What makes an image unusable is raised here, with the file's name.
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

Problem = Literal["empty", "truncated", "too large", "unreadable"]


class ImageError(DataError):
    """An image file that cannot be used; `problem` says in which way, `reason` says it in words."""

    def __init__(self, path: str, problem: Problem, reason: str) -> None:
        super().__init__(f"{path}: {reason}", "repair, convert or remove the file")
        self.path = path
        self.problem = problem
        self.reason = reason


@dataclass(frozen=True)
class Decoded:
    """One decoded image: `rgb`, its size in the file in pixels as a viewer shows it, format and frames."""

    rgb: Image.Image
    width: int
    height: int
    format: str
    frames: int


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
    """

    image_size: int
    resize: Resize = "stretch"
    background: str = "#ffffff"


def decode(
    source: Path | bytes, name: str = "", *, background: str = "#ffffff", bound: int | None = None
) -> Decoded:
    """Decodes a file, or the bytes of one that `name` names in errors.

    Args:
        background: what transparent pixels are laid over, `#rrggbb`.
        bound: a JPEG may come out smaller by 2, 4 or 8, but with no side below this many pixels; None: never.

    Raises:
        ImageError: empty, truncated, too large, or nothing that Pillow can decode.
    """
    name = name or (str(source) if isinstance(source, Path) else "image")
    content = source if isinstance(source, bytes) else read(source)
    if not content:
        raise ImageError(name, "empty", "the file is empty (0 bytes)")
    try:
        with Image.open(io.BytesIO(content), formats=_OPENED) as image:
            return _decode_open(image, name, background, bound)
    except ImageError:
        raise
    # Broken files make Pillow raise nearly anything (SyntaxError, struct.error, IndexError, ...).
    except Exception as error:
        raise _explain(error, name) from error


def read(path: Path) -> bytes:
    """The bytes of `path`; ImageError where it cannot be read or is far too large for an image."""
    try:
        status = path.stat()
        # Reading a pipe would wait forever for somebody to write into it.
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(str(path), "unreadable", "is no regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise ImageError(str(path), "too large", f"the file has {status.st_size:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ImageError(str(path), "unreadable", f"cannot be read: {error.strerror or error}") from error


def fit(rgb: Image.Image, look: Look) -> NDArray[np.uint8]:
    """The image as a square of `image_size` pixels a side, `(image_size, image_size, 3)` uint8.

    `stretch` ignores the aspect ratio, `crop` keeps the middle square, `pad` fills up with `background`.
    """
    return np.asarray(_FITS[look.resize](rgb, look.image_size, look.background), np.uint8)


def load_pixels(path: Path, look: Look) -> NDArray[np.uint8]:
    """Decodes and resizes one file to `(image_size, image_size, 3)` uint8, exactly as training does.

    Raises:
        ImageError: see `decode`.
    """
    decoded = decode(path, background=look.background, bound=shrink_bound(look.image_size))
    return fit(decoded.rgb, look)


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


_FITS: dict[Resize, Callable[[Image.Image, int, str], Image.Image]] = {
    "stretch": _stretch,
    "crop": _crop,
    "pad": _pad,
}


def _decode_open(image: Image.Image, name: str, background: str, bound: int | None) -> Decoded:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(name, "too large", f"{width} x {height} pixels are more than {MAX_PIXELS:,}")
    kind = image.format or ""
    frames = getattr(image, "n_frames", 1)
    if bound is not None and kind in ("JPEG", "MPO"):
        _shrink(image, bound)
    image.load()
    # Pillow itself turns a TIFF while loading, and takes the tag away; so the tag is read after loading.
    turn = _TURNS.get(_orientation(image))
    if turn in _SIDEWAYS:
        width, height = height, width
    rgb = _to_rgb(image, name, background)
    return Decoded(rgb if turn is None else rgb.transpose(turn), width, height, kind, frames)


def _shrink(image: Image.Image, bound: int) -> None:
    """Lets libjpeg shrink by a factor that divides both sides: elsewhere it rounds up, and the picture is
    shifted.
    """
    for factor in _SHRINK_FACTORS:
        width, height = image.width // factor, image.height // factor
        if min(width, height) >= bound and (width * factor, height * factor) == image.size:
            image.draft(None, (width, height))
            return


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; with a damaged EXIF block a viewer shows the pixels as they are."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except (SyntaxError, ValueError, TypeError, KeyError, struct.error, OSError):
        return 1


def _to_rgb(image: Image.Image, name: str, background: str) -> Image.Image:
    if image.mode.startswith("I;16"):
        image = _scale_16_bit(image)
    elif image.mode in ("I", "F"):
        what = "integers" if image.mode == "I" else "floating-point numbers"
        raise ImageError(name, "unreadable", f"32-bit {what} have no white level; convert it to 8 or 16 bits")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        under = Image.new("RGBA", rgba.size, ImageColor.getrgb(background))
        return Image.alpha_composite(under, rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _scale_16_bit(image: Image.Image) -> Image.Image:
    """0..65535 to 0..255; where one grey level is declared transparent, that level becomes transparent."""
    grey = np.asarray(image).astype(np.uint32)
    scaled = Image.fromarray(((grey * 255 + 32767) // 65535).astype(np.uint8))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        scaled.putalpha(Image.fromarray(np.where(grey == transparent, 0, 255).astype(np.uint8)))
    return scaled


def _explain(error: Exception, name: str) -> ImageError:
    ending = Path(name).suffix.lower()
    if isinstance(error, UnidentifiedImageError):
        if ending in FOREIGN_EXTENSIONS:
            return ImageError(
                name, "unreadable", f"{ending} files are not supported; convert it to JPEG or PNG"
            )
        known = "JPEG, PNG, WebP, TIFF, GIF or BMP"
        return ImageError(name, "unreadable", f"its content is no image ({known})")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return ImageError(name, "too large", f"more than {MAX_PIXELS:,} pixels")
    text = str(error) or type(error).__name__
    if "truncated" in text.lower():
        return ImageError(name, "truncated", f"the file is cut short: {text}")
    return ImageError(name, "unreadable", f"cannot be decoded: {text}")
