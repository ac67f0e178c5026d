"""Every kind of file that is read, against pixels that were known before they were written.

The files are written by hand, by tifffile or by the codec alone; what comes out is held against the arrays.
"""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.codecs.image_formats import EXTENSIONS
from dlpractice.data.files.decoding import ImageError, decode

Array = NDArray[Any]
rng = np.random.default_rng(5)

HEIGHT, WIDTH = 37, 45  # no multiple of a tile's side
RGB8 = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
GREY8 = RGB8[..., 0].copy()
RGB16 = rng.integers(0, 65536, (HEIGHT, WIDTH, 3), dtype=np.uint16)
GREY16 = RGB16[..., 0].copy()
GREY12 = (GREY16 >> 4).astype(np.uint16)
RGB12 = (RGB16 >> 4).astype(np.uint16)
ALPHA16 = rng.integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)
FLOAT = rng.random((HEIGHT, WIDTH), np.float32)
SMOOTH = np.clip(
    np.add.outer(np.arange(64) * 2, np.arange(96))[..., None] + np.array([0, 20, 40]), 0, 255
).astype(np.uint8)


def check(content: bytes, expected: Array, name: str = "image", within: float = 1, **options: Any) -> None:
    """The file gives `expected`, (H, W) or (H, W, 3) in 0..255, within so many levels."""
    found = np.asarray(decode(content, name, **options).rgb, np.float64)
    wanted = np.broadcast_to(expected if expected.ndim == 3 else expected[..., None], found.shape)
    assert np.abs(found - wanted).max() <= within


def share(values: Array, white: float, black: float = 0) -> Array:
    return (values.astype(np.float64) - black) * (255 / (white - black))


def over_white(colours: Array, opaque: Array) -> Array:
    return colours * opaque[..., None] + 255 * (1 - opaque[..., None])


def tiff(values: Array, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **{"metadata": None, **options})
    return buffer.getvalue()


def hand_made_tiff(rows: bytes, tags: dict[int, tuple[str, tuple[int, ...]]], order: str = "<") -> bytes:
    """A TIFF of one strip; `tags` maps numbers to the kind (H or I) and the numbers of each."""
    tags = {273: ("I", (8,)), 279: ("I", (len(rows),)), **tags}
    place = 8 + len(rows)
    entries, beyond = b"", b""
    rest = place + 2 + 12 * len(tags) + 4
    for tag, (kind, numbers) in sorted(tags.items()):
        raw = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(raw) > 4:
            value = struct.pack(order + "I", rest + len(beyond))
            beyond += raw
        else:
            value = raw.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[kind], len(numbers)) + value
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", place)
    return head + rows + struct.pack(order + "H", len(tags)) + entries + bytes(4) + beyond


def size_tags(bits: tuple[int, ...], photometric: int) -> dict[int, tuple[str, tuple[int, ...]]]:
    return {
        256: ("I", (WIDTH,)),
        257: ("I", (HEIGHT,)),
        258: ("H", bits),
        259: ("H", (1,)),
        262: ("H", (photometric,)),
        277: ("H", (len(bits),)),
        278: ("I", (HEIGHT,)),
    }


LAYOUTS: list[dict[str, Any]] = [
    {},
    {"byteorder": ">"},
    {"bigtiff": True},
    {"tile": (16, 32)},
    {"tile": (16, 16), "byteorder": ">"},
    {"rowsperstrip": 5},
    {"compression": "zlib", "predictor": 2, "rowsperstrip": 10},
    {"compression": "zlib", "tile": (16, 16)},
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiff_of_colours(layout: dict[str, Any], planar: str) -> None:
    for values, white in ((RGB8, 255), (RGB16, 65535), (RGB12, 4095)):
        stored = values.transpose(2, 0, 1) if planar == "separate" else values
        content = tiff(np.ascontiguousarray(stored), photometric="rgb", planarconfig=planar, **layout)
        check(content, share(values, white))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_tiff_of_grey(layout: dict[str, Any], photometric: str) -> None:
    for values, white in ((GREY8, 255), (GREY16, 65535), (GREY12, 4095)):
        grey = share(values, white)
        expected = 255 - grey if photometric == "miniswhite" else grey
        check(tiff(values, photometric=photometric, **layout), expected)


def lzw(raw: bytes) -> bytes:
    """LZW as in TIFF 6.0 that never uses its table: a clear code before it would grow beyond 9 bits."""
    codes = [code for place in range(0, len(raw), 200) for code in (256, *raw[place : place + 200])] + [257]
    bits = "".join(f"{code:09b}" for code in codes)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("predictor", [1, 2])
def test_tiff_compressed_with_lzw(order: str, predictor: int) -> None:
    stored = np.diff(RGB16, axis=1, prepend=np.zeros((HEIGHT, 1, 3), np.uint16)) if predictor == 2 else RGB16
    rows = lzw(stored.astype(order + "u2").tobytes())
    tags = {**size_tags((16,) * 3, 2), 259: ("H", (5,)), 317: ("H", (predictor,))}
    check(hand_made_tiff(rows, tags, order), share(RGB16, 65535))


def test_tiff_compressed_with_packbits_and_lzma() -> None:
    raw = GREY16.astype("<u2").tobytes()
    packed = b"".join(
        bytes([len(raw[at : at + 90]) - 1]) + raw[at : at + 90] for at in range(0, len(raw), 90)
    )
    tags = {**size_tags((16,), 1), 259: ("H", (32773,))}
    check(hand_made_tiff(packed, tags), share(GREY16, 65535))
    check(tiff(GREY16, compression="lzma"), share(GREY16, 65535))


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("photometric", [0, 1])
def test_tiff_of_packed_bits(bits: int, photometric: int) -> None:
    values = GREY16 >> (16 - bits)
    rows = b""
    for row in values.tolist():
        text = "".join(f"{value:0{bits}b}" for value in row)
        text += "0" * (-len(text) % 8)
        rows += int(text, 2).to_bytes(len(text) // 8, "big")
    grey = share(values, 2**bits - 1)
    check(hand_made_tiff(rows, size_tags((bits,), photometric)), grey if photometric else 255 - grey)


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("photometric", [0, 1])
def test_tiff_of_few_bits(bits: int, photometric: int) -> None:
    values = GREY8 >> (8 - bits)
    padded = np.pad(values, ((0, 0), (0, -WIDTH % 8)))
    single = np.unpackbits(padded[..., None], axis=2)[..., -bits:].reshape(HEIGHT, -1)
    rows = np.packbits(single, axis=1)[:, : -(-WIDTH * bits // 8)].tobytes()
    grey = share(values, 2**bits - 1)
    check(hand_made_tiff(rows, size_tags((bits,), photometric)), grey if photometric else 255 - grey)


def test_tiff_of_signed_numbers() -> None:
    tomograph = (GREY16 % 4096).astype(np.int16) - 1024
    check(tiff(tomograph), share(tomograph, 4095, -1024))
    check(tiff(tomograph.astype(np.int32), byteorder=">"), share(tomograph, 4095, -1024))
    small = (GREY8.astype(np.int16) - 128).astype(np.int8)
    check(tiff(small), GREY8)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_32_bits(order: str) -> None:
    check(tiff(GREY12.astype(np.uint32), byteorder=order), share(GREY12, 4095))
    large = GREY16.astype(np.uint32) * 65537
    check(tiff(large, byteorder=order), share(large, 2**32 - 1))


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_floating_point_numbers(order: str) -> None:
    check(tiff(FLOAT, byteorder=order), share(FLOAT, 1))
    check(tiff(FLOAT.astype(np.float64), byteorder=order), share(FLOAT, 1))
    check(tiff(FLOAT.astype(np.float16), byteorder=order), share(FLOAT, 1))
    check(tiff(GREY12.astype(np.float32), byteorder=order), share(GREY12, 4095))
    check(tiff(2 * FLOAT - 1, byteorder=order), share(FLOAT, 1))
    colours = rng.random((HEIGHT, WIDTH, 3), np.float32)
    check(tiff(colours, photometric="rgb", byteorder=order), share(colours, 1))


def test_tiff_with_the_floating_point_predictor() -> None:
    parts = (
        FLOAT.astype(">f4").view(np.uint8).reshape(HEIGHT, WIDTH, 4).transpose(0, 2, 1).reshape(HEIGHT, -1)
    )
    rows = zlib.compress(np.diff(parts, axis=1, prepend=np.zeros((HEIGHT, 1), np.uint8)).tobytes())
    tags = {**size_tags((32,), 1), 259: ("H", (8,)), 317: ("H", (3,)), 339: ("H", (3,))}
    check(hand_made_tiff(rows, tags), share(FLOAT, 1))


def test_tiff_with_alpha() -> None:
    opaque = share(ALPHA16, 1) / 255 / 65535
    expected = over_white(share(RGB16, 65535), opaque)
    straight = np.dstack([RGB16, ALPHA16])
    check(tiff(straight, photometric="rgb", extrasamples=["unassalpha"]), expected, within=1.5)
    multiplied = np.dstack([np.rint(RGB16 * opaque[..., None]).astype(np.uint16), ALPHA16])
    content = tiff(multiplied, photometric="rgb", extrasamples=["assocalpha"])
    check(content, expected, within=1.5)
    grey = np.dstack([GREY16, ALPHA16])
    content = tiff(grey, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"])
    check(content, over_white(np.repeat(share(GREY16, 65535)[..., None], 3, 2), opaque), within=1.5)


def test_tiff_of_inks_and_palettes() -> None:
    for values, full in ((np.dstack([RGB8, GREY8]), 255), (np.dstack([RGB16, ALPHA16]), 65535)):
        ink = values / full
        expected = 255 * (1 - ink[..., :3]) * (1 - ink[..., 3:])
        check(tiff(values, photometric="separated"), expected, within=1.5)
    palette = rng.integers(0, 65536, (3, 256), dtype=np.uint16)
    expected = np.moveaxis(palette[:, GREY8] >> 8, 0, -1)
    check(tiff(GREY8, photometric="palette", colormap=palette), expected)


def test_tiff_of_jpeg_data() -> None:
    for photometric in ("RGB", "YCbCr"):
        buffer = io.BytesIO()
        image = Image.fromarray(SMOOTH)
        image.convert(photometric).save(buffer, "TIFF", compression="jpeg", quality=97)
        check(buffer.getvalue(), SMOOTH, within=9)


def test_tiff_of_several_pages_gives_the_first_and_their_number() -> None:
    pages = np.stack([GREY16, GREY16 // 2, GREY16 // 4])
    for order in "<>":
        content = tiff(pages, byteorder=order, photometric="minisblack")
        check(content, share(GREY16, 65535))
        assert decode(content).frames == 3
    assert decode(tiff(pages, bigtiff=True, photometric="minisblack")).frames == 3


def test_tiff_of_16_bits_is_turned_as_its_tag_says() -> None:
    stored = np.rot90(GREY16, 1)
    found = decode(tiff(np.ascontiguousarray(stored), extratags=[(274, 3, 1, 6, True)]))
    assert (found.width, found.height) == (WIDTH, HEIGHT)
    np.testing.assert_allclose(np.asarray(found.rgb)[..., 0], share(GREY16, 65535), atol=1)


def test_a_stated_highest_value_is_white() -> None:
    content = tiff(GREY12 // 2, extratags=[(281, 3, 1, 4095, True)])
    check(content, share(GREY12 // 2, 4095))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (tiff(np.stack([GREY16] * 3), photometric="minisblack", planarconfig="separate"), "channels"),
        (tiff(np.full((4, 4), np.nan, np.float32)), "no finite numbers"),
        (tiff(GREY16)[:-2000], "cut short"),
        (tiff(GREY8, subfiletype=1), "raw file"),
        (hand_made_tiff(bytes(9), {**size_tags((16,), 1), 259: ("H", (6,))}), "compressed with tiff_jpeg"),
    ],
)
def test_a_tiff_that_is_not_read_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        decode(content, "x.tif")
    assert caught.value.problem in ("unsupported", "truncated")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(depth: int, colour: int, rows: Array, *extra: bytes, filters: bool = False) -> bytes:
    """A PNG of (H, bytes) rows, written by hand: Pillow cannot write every depth."""
    if filters:  # "up" in every row, so that the reader has to undo something
        rows = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), np.uint8))
    body = np.pad(rows, ((0, 0), (1, 0)), constant_values=2 if filters else 0)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, 0)
    chunks = [
        chunk(b"IHDR", header),
        *extra,
        chunk(b"IDAT", zlib.compress(body.tobytes())),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def big_endian(values: Array) -> Array:
    return np.ascontiguousarray(values.astype(">u2")).view(np.uint8).reshape(HEIGHT, -1)


@pytest.mark.parametrize("filters", [False, True])
def test_png_of_16_bits(filters: bool) -> None:
    opaque = ALPHA16 / 65535
    check(png(16, 0, big_endian(GREY16), filters=filters), share(GREY16, 65535))
    check(png(16, 0, big_endian(GREY12), filters=filters), share(GREY12, 4095))
    check(png(16, 2, big_endian(RGB16), filters=filters), share(RGB16, 65535))
    check(png(16, 2, big_endian(RGB12), filters=filters), share(RGB12, 4095))
    rgba = png(16, 6, big_endian(np.dstack([RGB16, ALPHA16])), filters=filters)
    check(rgba, over_white(share(RGB16, 65535), opaque), within=1.5)
    grey = png(16, 4, big_endian(np.dstack([GREY12, ALPHA16])), filters=filters)
    check(grey, over_white(np.repeat(share(GREY12, 4095)[..., None], 3, 2), opaque), within=1.5)


def test_png_of_12_bits_whose_alpha_has_12_bits_too() -> None:
    content = png(16, 6, big_endian(np.dstack([RGB12, np.full_like(GREY12, 4095)])))
    check(content, share(RGB12, 4095))


def test_png_of_16_bits_with_a_transparent_colour() -> None:
    key = RGB16[3, 4]
    content = png(16, 2, big_endian(RGB16), chunk(b"tRNS", struct.pack(">3H", *key.tolist())))
    expected = share(RGB16, 65535)
    expected[(key == RGB16).all(axis=2)] = 0
    check(content, expected, background="#000000")


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_png_of_few_bits(bits: int) -> None:
    values = GREY8 >> (8 - bits)
    padded = np.pad(values, ((0, 0), (0, -WIDTH % 8)))
    single = np.unpackbits(padded[..., None], axis=2)[..., -bits:].reshape(HEIGHT, -1)
    rows = np.packbits(single, axis=1)[:, : -(-WIDTH * bits // 8)]
    check(png(bits, 0, rows), share(values, 2**bits - 1))
    palette = rng.integers(0, 256, (2**bits, 3), dtype=np.uint8)
    check(png(bits, 3, rows, chunk(b"PLTE", palette.tobytes())), palette[values])
    clear = chunk(b"tRNS", b"\0")  # the first colour of the palette is transparent
    expected = np.where((values == 0)[..., None], 0, palette[values])
    check(png(bits, 3, rows, chunk(b"PLTE", palette.tobytes()), clear), expected, background="#000000")


def netpbm(kind: int, values: Array, highest: int, plain: bool) -> bytes:
    header = f"P{kind}\n# a comment\n{WIDTH} {HEIGHT}\n{highest}\n".encode()
    if plain:
        return header + b"# another\n" + " ".join(map(str, values.reshape(-1).tolist())).encode() + b"\n"
    return header + values.astype(np.uint8 if highest < 256 else ">u2").tobytes()


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("highest", [1, 15, 100, 255, 1000, 4095, 65535])
def test_pgm_and_ppm(highest: int, plain: bool) -> None:
    for colours in (False, True):
        kind = (2 if plain else 5) + colours
        values = ((RGB16 if colours else GREY16).astype(np.int64) * (highest + 1)) >> 16
        check(netpbm(kind, values, highest, plain), share(values, highest))


def test_ppm_of_12_bits_that_states_16() -> None:
    check(netpbm(5, GREY12, 65535, False), share(GREY12, 4095))
    check(netpbm(6, RGB12, 65535, False), share(RGB12, 4095))


def test_pbm_and_pfm() -> None:
    ink = GREY8 > 127
    content = f"P4\n{WIDTH} {HEIGHT}\n".encode() + np.packbits(ink, axis=1).tobytes()
    check(content, np.where(ink, 0, 255))
    text = " ".join(str(int(value)) for value in ink.reshape(-1)).encode()
    check(f"P1\n{WIDTH} {HEIGHT}\n".encode() + text, np.where(ink, 0, 255))
    for order, scale in (("<", -1), (">", 1)):
        head = f"Pf\n{WIDTH} {HEIGHT}\n{scale}.0\n".encode()
        check(head + FLOAT[::-1].astype(order + "f4").tobytes(), share(FLOAT, 1))


@pytest.mark.parametrize("content", [netpbm(5, GREY12, 4000, False), netpbm(6, RGB12, 4095, False)[:-9]])
def test_a_damaged_pgm_says_so(content: bytes) -> None:
    with pytest.raises(ImageError, match=r"damaged|cut short"):
        decode(content, "x.pgm")


def bmp(bits: int, rows: Array, palette: bytes = b"", masks: bytes = b"", compression: int = 0) -> bytes:
    """A BMP whose rows, (H, bytes), stand bottom up and are filled up to whole words."""
    body = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))[::-1].tobytes()
    size = 40 if len(masks) < 16 else 56
    start = 14 + size + (len(masks) if size == 40 else 0) + len(palette)
    head = struct.pack(
        "<IiiHHIIiiII", size, WIDTH, HEIGHT, 1, bits, compression, len(body), 0, 0, len(palette) // 4, 0
    )
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + masks + palette + body


def test_kinds_of_bmp() -> None:
    check(bmp(24, RGB8[..., ::-1].reshape(HEIGHT, -1)), RGB8)
    four = np.dstack([RGB8[..., ::-1], np.zeros_like(GREY8)])
    check(bmp(32, four.reshape(HEIGHT, -1)), RGB8)
    colours = rng.integers(0, 256, (256, 3), dtype=np.uint8)
    entries = np.pad(colours[:, ::-1], ((0, 0), (0, 1)))
    check(bmp(8, GREY8, entries.tobytes()), colours[GREY8])
    low = GREY8 >> 4
    packed = np.pad(low, ((0, 0), (0, 1)))
    check(bmp(4, packed[:, ::2] << 4 | packed[:, 1::2], entries[:16].tobytes()), colours[low])
    bit = GREY8 >> 7
    check(bmp(1, np.packbits(bit, axis=1), entries[:2].tobytes()), colours[bit])
    red, green, blue = (RGB8[..., channel].astype(np.uint16) for channel in range(3))
    packed = red >> 3 << 11 | green >> 2 << 5 | blue >> 3
    wide = np.ascontiguousarray(packed.astype("<u2")).view(np.uint8).reshape(HEIGHT, -1)
    masks = struct.pack("<3I", 0xF800, 0x07E0, 0x001F)
    check(bmp(16, wide, masks=masks, compression=3), RGB8, within=8)
    alpha = np.dstack([RGB8[..., ::-1], GREY8]).reshape(HEIGHT, -1)
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    check(bmp(32, alpha, masks=masks, compression=3), over_white(RGB8, GREY8 / 255))


def tga(
    kind: int, bits: int, body: bytes, palette: bytes = b"", top_down: bool = True, alpha: int = 0
) -> bytes:
    colours = struct.pack("<HHB", 0, len(palette) // 3, 24) if palette else bytes(5)
    flags = (0x20 if top_down else 0) | alpha
    head = (
        struct.pack("<BBB", 0, bool(palette), kind)
        + colours
        + struct.pack("<4HBB", 0, 0, WIDTH, HEIGHT, bits, flags)
    )
    return head + palette + body


def test_kinds_of_tga() -> None:
    bgr = np.ascontiguousarray(RGB8[..., ::-1])
    check(tga(2, 24, bgr.tobytes()), RGB8, "a.tga")
    check(tga(2, 24, bgr[::-1].tobytes(), top_down=False), RGB8, "a.TGA")
    check(tga(3, 8, GREY8.tobytes()), GREY8, "a.tga")
    bgra = np.dstack([bgr, GREY8])
    check(tga(2, 32, bgra.tobytes(), alpha=8), over_white(RGB8, GREY8 / 255), "a.tga")
    colours = rng.integers(0, 256, (256, 3), dtype=np.uint8)
    check(tga(1, 8, GREY8.tobytes(), colours[:, ::-1].tobytes()), colours[GREY8], "a.tga")
    runs = b"".join(bytes([0x80]) + pixel.tobytes() for pixel in bgr.reshape(-1, 3))
    check(tga(10, 24, runs), RGB8, "a.tga")
    with pytest.raises(ImageError, match="no image"):
        decode(tga(2, 24, bgr.tobytes()), "a.bin")


def test_sgi_sun_and_pcx() -> None:
    head = struct.pack(">HBBHHHHII", 474, 0, 1, 3, WIDTH, HEIGHT, 3, 0, 255).ljust(512, b"\0")
    check(head + RGB8[::-1].transpose(2, 0, 1).tobytes(), RGB8)
    rows = np.pad(RGB8[..., ::-1].reshape(HEIGHT, -1), ((0, 0), (0, WIDTH * 3 % 2)))
    check(struct.pack(">8I", 0x59A66A95, WIDTH, HEIGHT, 24, rows.size, 1, 0, 0) + rows.tobytes(), RGB8)
    line = WIDTH + 1
    planes = np.pad(RGB8.transpose(0, 2, 1), ((0, 0), (0, 0), (0, 1)))
    body = b"".join(bytes([0xC1, value]) for value in planes.reshape(-1).tolist())
    head = struct.pack(
        "<BBBB4H2H48sBBHH", 10, 5, 1, 8, 0, 0, WIDTH - 1, HEIGHT - 1, 72, 72, bytes(48), 0, 3, line, 1
    )
    check(head.ljust(128, b"\0") + body, RGB8)


def ico(*pictures: bytes) -> bytes:
    place, entries = 6 + 16 * len(pictures), b""
    for number, picture in enumerate(pictures):
        side = 16 * (number + 1)
        entries += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(picture), place)
        place += len(picture)
    return struct.pack("<HHH", 0, 1, len(pictures)) + entries + b"".join(pictures)


def test_of_an_icon_the_largest_picture_is_taken() -> None:
    small, large = Image.new("RGB", (16, 16), "#00ff00"), Image.fromarray(RGB8[:32, :32])
    files = []
    for image in (small, large):
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        files.append(buffer.getvalue())
    check(ico(*files), RGB8[:32, :32])


def gif(indices: Array, colours: Array, transparent: int | None = None) -> bytes:
    """A GIF whose LZW never uses its table, see `lzw`; codes have 9 bits, the lowest first."""
    body = indices.reshape(-1).tolist()
    codes = [code for place in range(0, len(body), 200) for code in (256, *body[place : place + 200])] + [257]
    bits = "".join(f"{code:09b}"[::-1] for code in codes)
    bits += "0" * (-len(bits) % 8)
    raw = bytes(int(bits[place : place + 8][::-1], 2) for place in range(0, len(bits), 8))
    blocks = b"".join(bytes([len(raw[at : at + 255])]) + raw[at : at + 255] for at in range(0, len(raw), 255))
    control = b"" if transparent is None else b"!\xf9\x04" + struct.pack("<BHB", 1, 0, transparent) + b"\0"
    head = b"GIF89a" + struct.pack("<HHBBB", WIDTH, HEIGHT, 0xF7, 0, 0) + colours.tobytes()
    frame = b"," + struct.pack("<4HB", 0, 0, WIDTH, HEIGHT, 0) + b"\x08"
    return head + control + frame + blocks + b"\0;"


def test_gif() -> None:
    colours = rng.integers(0, 256, (256, 3), dtype=np.uint8)
    check(gif(GREY8, colours), colours[GREY8])
    expected = np.where((GREY8 == 7)[..., None], 0, colours[GREY8])
    check(gif(GREY8, colours, transparent=7), expected, background="#000000")


def test_jpeg_of_inks_is_inverted_as_adobe_has_it() -> None:
    inks = np.stack([SMOOTH[..., 0], SMOOTH[..., 1], SMOOTH[..., 2], SMOOTH[..., 0] // 3], axis=-1)
    buffer = io.BytesIO()
    Image.fromarray(inks, "CMYK").save(buffer, "JPEG", quality=97)
    assert b"Adobe" in buffer.getvalue()
    ink = inks / 255
    check(buffer.getvalue(), 255 * (1 - ink[..., :3]) * (1 - ink[..., 3:]), within=9)


@pytest.mark.parametrize(
    ("kind", "options", "within"),
    [
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 12),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}, 4),
        ("JPEG2000", {"irreversible": False}, 0),
        ("JPEG2000", {"irreversible": False, "no_jp2": True}, 0),
        ("JPEG", {"quality": 97, "subsampling": 0}, 6),
        ("JPEG", {"quality": 97, "subsampling": 0, "progressive": True}, 6),
    ],
)
def test_other_codecs(kind: str, options: dict[str, Any], within: int) -> None:
    buffer = io.BytesIO()
    Image.fromarray(SMOOTH).save(buffer, kind, **options)
    check(buffer.getvalue(), SMOOTH, within=within)
    assert decode(buffer.getvalue()).format == kind


def test_jpeg_2000_of_16_bits() -> None:
    for values, white in ((GREY16, 65535), (GREY12, 4095)):
        buffer = io.BytesIO()
        Image.fromarray(values).save(buffer, "JPEG2000", irreversible=False)
        check(buffer.getvalue(), share(values, white))


# Four pixels, a third of white apart, as JPEG 2000 of 12 bits. In colours Pillow would make white black.
JP2_12 = {
    "grey": (
        "ff4fff5100290000000000040000000100000000000000000000000400000001000000000000000000010b0101ff5200"
        "0c00000001000004040001ff5c00044060ff640025000143726561746564206279204f70656e4a504547207665727369"
        "6f6e20322e352e34ff90000a0000000000190001ff93dfe02006c97f65809708dfffd9"
    ),
    "colour": (
        "ff4fff51002f0000000000040000000100000000000000000000000400000001000000000000000000030b01010b0101"
        "0b0101ff52000c00000001010004040001ff5c00044060ff640025000143726561746564206279204f70656e4a504547"
        "2076657273696f6e20322e352e34ff90000a00000000001b0001ff93dfe02006c97f65809708df8080ffd9"
    ),
}


@pytest.mark.parametrize(("kind", "reason"), [("grey", ""), ("colour", "12 bits in 3 channels is not read")])
def test_jpeg_2000_of_12_bits(kind: str, reason: str) -> None:
    content = bytes.fromhex(JP2_12[kind])
    if reason:
        with pytest.raises(ImageError, match=reason):
            decode(content)
    else:
        assert np.asarray(decode(content).rgb)[0, :, 0].tolist() == [0, 85, 170, 255]


def test_a_jpeg_of_12_bits_is_named() -> None:
    buffer = io.BytesIO()
    Image.fromarray(SMOOTH).save(buffer, "JPEG")
    content = bytearray(buffer.getvalue())
    content[content.find(b"\xff\xc0") + 4] = 12
    with pytest.raises(ImageError, match="of 12 bits or without loss"):
        decode(bytes(content))


def test_heic_is_read_where_its_package_is_installed() -> None:
    heif: Any = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    heif.from_pillow(Image.fromarray(SMOOTH)).save(buffer, quality=-1, chroma=444)
    check(buffer.getvalue(), SMOOTH, within=4)


@pytest.mark.parametrize(
    "write", [lambda: tiff(GREY16), lambda: tiff(GREY8), lambda: netpbm(5, GREY12, 4095, False)]
)
def test_a_file_cut_anywhere_is_an_image_error(write: Callable[[], bytes]) -> None:
    whole = write()
    for length in range(1, len(whole) - 1, 97):
        try:
            decode(whole[:length], "cut.tif")
        except ImageError:
            continue


def test_each_format_has_a_name_and_no_ending_twice() -> None:
    endings = [ending for name, inside in EXTENSIONS.items() if name != "MPO" for ending in inside]
    assert len(endings) == len(set(endings))
    assert set(EXTENSIONS) - {"MPO", "HEIF"} <= set(Image.OPEN)
