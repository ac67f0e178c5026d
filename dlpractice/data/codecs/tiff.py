"""The numbers of a TIFF file, where Pillow gives wrong pixels or none: more than 8 bits, signed, floating.

Pillow reads the tags and undoes the compression. Its own way from there on knows neither separate planes nor
an inverted scale of 16 bits, and cuts 16-bit colours to their upper byte. tifffile would need imagecodecs,
26 MB, for LZW alone; so what it could take over is little, and it is the judge in the tests instead.
TIFF Revision 6.0, Adobe 1992; Adobe Photoshop TIFF Technical Note 3 (floating-point predictor), 2005.
"""

import io
import math
import struct
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import COMPRESSION_INFO, ImageFileDirectory_v2

from dlpractice.data.codecs.levels import Levels
from dlpractice.data.codecs.sample_array import Colour, SampleError, Samples

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _CHANNELS, _ROWS, _STRIP_BYTES = 273, 277, 278, 279
_PLANAR, _PREDICTOR, _TILE_WIDTH, _TILE_LENGTH, _TILES, _TILE_BYTES = 284, 317, 322, 323, 324, 325
_FILL_ORDER, _EXTRA, _FORMAT = 266, 338, 339
_HIGHEST, _REDUCED, _ORIENTATION, _PROFILE, _DNG = 281, 254, 274, 34675, 50706

# What gives back bytes, whatever they mean: none, LZW, Deflate (two numbers), PackBits, LZMA, Zstandard.
_BYTEWISE = frozenset((1, 5, 8, 32946, 32773, 34925, 50000))
_COLOURS: dict[int, tuple[Colour, int]] = {
    0: ("grey", 1),
    1: ("grey", 1),
    2: ("rgb", 3),
    5: ("cmyk", 4),
    8: ("lab", 3),
}
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
_MAX_BYTES = 2**30


class TiffPage:
    """The first page of a TIFF file: its tags, as numbers."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.order: Literal["<", ">"] = "<" if content[:2] == b"II" else ">"
        self._large = content[2:4] in (b"+\0", b"\0+")  # BigTIFF
        self._tags = ImageFileDirectory_v2(content[: 16 if self._large else 8])
        self._first = self._tags.next
        stream = io.BytesIO(content)
        stream.seek(self._first)
        self._tags.load(stream)
        self.channels = self.number(_CHANNELS, 1)
        self.bits = self.numbers(_BITS, (1,))
        self.formats = self.numbers(_FORMAT, (1,))

    def numbers(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """All numbers of a tag."""
        value: Any = self._tags.get(tag, default)
        return tuple(value) if isinstance(value, tuple) else (value,)

    def number(self, tag: int, default: int) -> int:
        """The first number of a tag."""
        return int(self.numbers(tag, (default,))[0])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored, in pixels."""
        return self.number(_WIDTH, 0), self.number(_LENGTH, 0)

    @property
    def orientation(self) -> int:
        """How the page has to be turned, as in EXIF: 1 (not at all) to 8."""
        return self.number(_ORIENTATION, 1)

    @property
    def profile(self) -> bytes | None:
        """The ICC profile, if there is one."""
        profile = self._tags.get(_PROFILE)
        return profile if isinstance(profile, bytes) else None

    def count_pages(self) -> int:
        """How many pages the file has: each one's tags are followed by the place of the next."""
        count_kind, entry, link = ("Q", 20, "Q") if self._large else ("H", 12, "I")
        size = struct.calcsize(count_kind)
        places, place = {0}, self._first
        while place not in places and place < len(self.content):
            places.add(place)
            (count,) = struct.unpack_from(self.order + count_kind, self.content, place)
            (place,) = struct.unpack_from(self.order + link, self.content, place + size + entry * count)
        return len(places) - 1

    @property
    def is_deep(self) -> bool:
        """True where a channel has more than 8 bits, is signed, or holds floating-point numbers."""
        return max(self.bits) > 8 or not set(self.formats) <= {1, 4}

    @property
    def is_raw_photograph(self) -> bool:
        """True where the first page is the small preview of a camera's raw file."""
        return _DNG in self._tags or bool(self.number(_REDUCED, 0) & 1)


def read_tiff(page: TiffPage) -> Samples:
    """The numbers of the first page.

    Raises:
        SampleError: a kind of TIFF that is not read, or a file that is cut short or damaged.
    """
    photometric = page.number(_PHOTOMETRIC, 1)
    if photometric not in _COLOURS:
        raise SampleError(f"TIFF of {max(page.bits)} bits with colours of kind {photometric} {_SAVE_ANEW}")
    colour, count = _COLOURS[photometric]
    extra = page.numbers(_EXTRA)
    if not extra and page.channels == count + 1 and colour == "rgb":
        extra = (2,)  # as Pillow has it
    if page.channels < count or sum(kind == 0 for kind in extra) > 1 or page.channels > count + len(extra):
        raise SampleError(
            f"its {page.channels} channels are not said to be grey, or red, green and blue; save those wanted"
        )
    alpha = bool(extra) and extra[0] in (1, 2)
    values = _read_values(page)[..., : count + alpha]
    return Samples(
        values,
        colour,
        alpha=alpha,
        premultiplied=alpha and extra[0] == 1,
        inverted=photometric == 0,
        declared=_declared(page),
    )


_SAVE_ANEW = "is not read; save it as RGB or grey without compression"


def _declared(page: TiffPage) -> Levels | None:
    """A depth that no container of bytes has is meant: 10, 12 or 14 bits, or a stated highest value."""
    bits, kind = page.bits[0], _KINDS[page.formats[0]]
    if kind == "u" and (bits not in (16, 32, 64)):
        return Levels(0, 2.0**bits - 1)
    if kind == "i" and bits <= 8:
        return Levels(-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1)
    highest = page.number(_HIGHEST, 0)
    if kind == "u" and 255 <= highest < 2**bits - 1:
        return Levels(0, highest)
    return None


def _read_values(page: TiffPage) -> NDArray[Any]:
    """(H, W, channels) of the page, put together from its strips or tiles."""
    width, height = page.number(_WIDTH, 0), page.number(_LENGTH, 0)
    dtype = _dtype(page)
    if width * height * page.channels * dtype.itemsize > _MAX_BYTES:
        raise SampleError(
            f"{width} x {height} pixels of {page.channels} channels need over {_MAX_BYTES:,} bytes",
            "too large",
        )
    values = np.zeros((height, width, page.channels), dtype)
    separate = page.number(_PLANAR, 1) == 2
    tile_width = page.number(_TILE_WIDTH, width)
    tiled = bool(page.numbers(_TILES))
    tile_height = page.number(_TILE_LENGTH if tiled else _ROWS, height)
    tile_height = tile_height if tiled else min(tile_height, height)
    if min(width, height, tile_width, tile_height) < 1:
        raise SampleError("the TIFF is damaged: it has no pixels", "unreadable")
    across, down = math.ceil(width / tile_width), math.ceil(height / tile_height)
    channels = 1 if separate else page.channels
    segments = list(_segments(page, tiled))
    if len(segments) < across * down * (page.channels if separate else 1):
        raise SampleError("the file is cut short: strips or tiles are missing", "truncated")
    for number, segment in enumerate(segments[: across * down * (page.channels if separate else 1)]):
        plane, place = divmod(number, across * down)
        top, left = place // across * tile_height, place % across * tile_width
        rows = tile_height if tiled else min(tile_height, height - top)
        block = _unpack(page, segment, (rows, tile_width, channels), dtype)
        inside = block[: height - top, : width - left]
        where = values[top : top + tile_height, left : left + tile_width]
        if separate:
            where[..., plane] = inside[..., 0]
        else:
            where[...] = inside
    return values


def _dtype(page: TiffPage) -> np.dtype[Any]:
    bits, formats = set(page.bits), set(page.formats)
    if len(bits) > 1 or len(formats) > 1 or not formats <= set(_KINDS):
        raise SampleError(f"TIFF with channels of {page.bits} bits, kinds {page.formats}, {_SAVE_ANEW}")
    size, kind = bits.pop(), _KINDS[formats.pop()]
    allowed = {"u": range(1, 33), "i": (8, 16, 32), "f": (16, 32, 64)}[kind]
    if size not in allowed:
        raise SampleError(f"TIFF of {size} bits {_SAVE_ANEW}")
    return np.dtype(f"{kind}{next(bytes_ for bytes_ in (1, 2, 4, 8) if 8 * bytes_ >= size)}")


def _segments(page: TiffPage, tiled: bool) -> Iterator[bytes]:
    starts = page.numbers(_TILES if tiled else _STRIPS)
    lengths = page.numbers(_TILE_BYTES if tiled else _STRIP_BYTES)
    if not lengths and len(starts) == 1:
        lengths = (len(page.content) - starts[0],)
    for start, length in zip(starts, lengths, strict=False):
        yield page.content[start : start + length]


def _unpack(
    page: TiffPage, segment: bytes, shape: tuple[int, int, int], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """(rows, columns, channels) of one strip or tile."""
    rows, columns, channels = shape
    bits = page.bits[0]
    row_bytes = math.ceil(columns * channels * bits / 8)
    raw = _decompress(page, segment, row_bytes, rows)
    if raw.size < rows * row_bytes:
        raise SampleError("the file is cut short, or damaged", "truncated")
    raw = raw[: rows * row_bytes].reshape(rows, row_bytes)
    predictor = page.number(_PREDICTOR, 1)
    if predictor == 3:
        return _undo_float_predictor(raw, shape, dtype)
    if bits != 8 * dtype.itemsize:
        values = _unpack_bits(raw, columns * channels, bits).reshape(shape).astype(dtype)
    else:
        values = raw.view(dtype.newbyteorder(page.order)).reshape(shape).astype(dtype)
    if predictor == 2:
        return np.cumsum(values, axis=1, dtype=dtype)
    return values


def _undo_float_predictor(
    raw: NDArray[np.uint8], shape: tuple[int, int, int], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Rows of byte differences; the bytes of all numbers stand apart, the highest ones first."""
    rows, columns, channels = shape
    sums = np.cumsum(raw.reshape(rows, -1, channels), axis=1, dtype=np.uint8)
    planes = sums.reshape(rows, dtype.itemsize, columns * channels)
    numbers = np.ascontiguousarray(planes.transpose(0, 2, 1)).view(dtype.newbyteorder(">"))
    return numbers.reshape(shape).astype(dtype)


def _unpack_bits(raw: NDArray[np.uint8], count: int, bits: int) -> NDArray[np.uint32]:
    """(rows, count) numbers of `bits` bits each, the highest bit first; rows begin at a byte."""
    single = np.unpackbits(raw, axis=1)[:, : count * bits].reshape(len(raw), count, bits)
    numbers: NDArray[np.uint32] = single @ (2 ** np.arange(bits - 1, -1, -1, dtype=np.uint32))
    return numbers


def _decompress(page: TiffPage, segment: bytes, row_bytes: int, rows: int) -> NDArray[np.uint8]:
    """The bytes of a strip or tile: Pillow decodes it as a grey image of 8 bits that consists of them."""
    compression = page.number(_COMPRESSION, 1)
    if compression not in _BYTEWISE or page.number(_FILL_ORDER, 1) != 1:
        name = COMPRESSION_INFO.get(compression, f"number {compression}")
        raise SampleError(f"TIFF of {max(page.bits)} bits compressed with {name} {_SAVE_ANEW}")
    if compression == 1:
        return np.frombuffer(segment, np.uint8)
    tags = [(_WIDTH, row_bytes), (_LENGTH, rows), (_BITS, 8), (_COMPRESSION, compression), (_PHOTOMETRIC, 1)]
    tags += [(_STRIPS, 0), (_CHANNELS, 1), (_ROWS, rows), (_STRIP_BYTES, len(segment))]
    start = 8 + 2 + 12 * len(tags) + 4
    entries = [(tag, start if tag == _STRIPS else value) for tag, value in tags]
    header = b"II*\0" + struct.pack("<IH", 8, len(tags))
    header += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries) + bytes(4)
    with Image.open(io.BytesIO(header + segment), formats=("TIFF",)) as image:
        return np.asarray(image).reshape(-1)
