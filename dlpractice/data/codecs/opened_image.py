"""An image file opened: by Pillow where it gives the right pixels, or else as numbers."""

import io
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError

from dlpractice.data.codecs.image_formats import (
    CAMERA_FILE,
    EXTENSIONS,
    NAMELESS,
    OPENED,
    is_camera_file,
    is_heic,
)
from dlpractice.data.codecs.image_samples import read_samples
from dlpractice.data.codecs.sample_array import SampleError, Samples
from dlpractice.data.codecs.tiff import TIFF_MAGIC, TiffPage, read_tiff

# One image of this many pixels takes 300 MB as RGB; Pillow's own bound, which only warns, is near.
MAX_PIXELS = 100_000_000

_SHRINK_FACTORS = (8, 4, 2)

_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class OpenedImage:
    """What is in a file: an image of 8 bits, or numbers; `size` in pixels as stored."""

    content: Image.Image | Samples
    size: tuple[int, int]
    format: str
    frames: int
    orientation: int
    profile: bytes | None


def open_image(content: bytes, name: str, bound: int | None) -> OpenedImage:
    """Reads the first picture or page of a file from its bytes.

    Args:
        name: what the file is called; a few kinds are known by their names alone.
        bound: see `decoding.decode`.

    Raises:
        SampleError: too large, or of a kind that is not read.
        Exception: nearly anything, from Pillow, for a broken file (SyntaxError, struct.error, ...).
    """
    page = _tiff_page(content)
    if page and (page.is_raw_photograph or is_camera_file(name)):
        raise SampleError(f"the file holds {CAMERA_FILE}", "unsupported")
    if page and page.is_deep:
        return _read_tiff_page(page)
    try:
        with Image.open(io.BytesIO(content), formats=_formats(content, name)) as image:
            return _load(content, image, bound)
    except UnidentifiedImageError:
        if page is None:
            raise
        return _read_tiff_page(page)


def _tiff_page(content: bytes) -> TiffPage | None:
    if content[:4] not in TIFF_MAGIC:
        return None
    try:
        return TiffPage(content)
    except Exception:  # damaged tags raise nearly anything, and Pillow then says what is wrong
        return None


def _read_tiff_page(page: TiffPage) -> OpenedImage:
    _check_size(page.size)
    return OpenedImage(read_tiff(page), page.size, "TIFF", page.count_pages(), page.orientation, page.profile)


def _formats(content: bytes, name: str) -> tuple[str, ...]:
    """The formats to try, by Pillow's names."""
    if Path(name).suffix.lower() in EXTENSIONS[NAMELESS]:
        return (*OPENED, NAMELESS)
    if is_heic(content) and can_open_heic():
        return ("HEIF",)
    return OPENED


@cache
def can_open_heic() -> bool:
    """True where pillow-heif is installed; from then on Pillow opens HEIC files."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise SampleError(f"{width} x {height} pixels are more than {MAX_PIXELS:,}", "too large")


def _load(content: bytes, image: ImageFile.ImageFile, bound: int | None) -> OpenedImage:
    size, kind = image.size, image.format or ""
    _check_size(size)
    frames = getattr(image, "n_frames", 1)
    if bound is not None and kind in ("JPEG", "MPO"):
        _shrink(image, bound)
    samples = read_samples(content, image)
    image.load()
    # Pillow itself turns a TIFF while loading, and takes the tag away; so the tag is read after loading.
    profile = image.info.get("icc_profile")
    return OpenedImage(samples or image, size, kind, frames, _orientation(image), profile)


def _shrink(image: ImageFile.ImageFile, bound: int) -> None:
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
