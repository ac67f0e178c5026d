import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlpractice.data.codecs import opened_image
from dlpractice.data.files import decoding as module
from dlpractice.data.files.decoding import ImageError, Look, decode, fit, load_pixels, shrink_bound

Photograph = Callable[..., Image.Image]


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def corners() -> Image.Image:
    """60 x 40: red, green, blue and black in the four quarters."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:20, :30, 0] = pixels[:20, 30:, 1] = pixels[20:, :30, 2] = 255
    return Image.fromarray(pixels)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG written by hand: Pillow cannot write every depth."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [
        png_chunk(b"IHDR", header),
        *extra,
        png_chunk(b"IDAT", zlib.compress(rows)),
        png_chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP", "GIF", "JPEG"])
def test_formats_give_the_same_picture(kind: str) -> None:
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}.get(kind, {})
    found = decode(encoded(corners(), kind, **options))
    assert (found.format, found.width, found.height, found.frames) == (kind, 60, 40, 1)
    tolerance = 3 if kind == "JPEG" else 0
    difference = np.abs(np.asarray(found.rgb, int) - np.asarray(corners(), int))
    assert np.percentile(difference, 99) <= tolerance


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    upright = np.asarray(corners())
    # How the camera stored what it saw upright: the inverse of what the tag asks the viewer to do.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = decode(encoded(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif))
    assert (found.width, found.height) == found.rgb.size == (60, 40)
    seen = np.asarray(found.rgb, int)[[10, 10, 30, 30], [15, 45, 15, 45]]
    assert np.abs(seen - upright[[10, 10, 30, 30], [15, 45, 15, 45]].astype(int)).max() < 40


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff\1\2", b"Exif\0\0II*\0"]
)
def test_a_damaged_exif_block_does_not_cost_the_image(exif: bytes) -> None:
    assert decode(encoded(corners(), "JPEG", exif=exif)).rgb.size == (60, 40)


def test_cmyk_jpeg_becomes_rgb() -> None:
    found = np.asarray(decode(encoded(corners().convert("CMYK"), "JPEG", quality=95)).rgb, int)
    np.testing.assert_allclose(found[10, 10], [255, 0, 0], atol=12)
    np.testing.assert_allclose(found[30, 45], [0, 0, 0], atol=12)


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    levels = np.array([[0, 257, 32768, 65535]], np.uint16)
    for kind in ("PNG", "TIFF"):
        found = np.asarray(decode(encoded(Image.fromarray(levels), kind)).rgb)
        assert found[0].tolist() == [[0] * 3, [1] * 3, [128] * 3, [255] * 3], kind


def test_16_bit_colour_keeps_its_high_byte() -> None:
    rows = b"\0" + struct.pack(">6H", 0, 32768, 65535, 65535, 0, 257)
    assert np.asarray(decode(png(2, 1, 16, 2, rows)).rgb)[0].tolist() == [[0, 128, 255], [255, 0, 1]]


def test_a_transparent_16_bit_grey_level_shows_the_background() -> None:
    rows = b"\0" + struct.pack(">2H", 1000, 65535)
    content = png(2, 1, 16, 0, rows, png_chunk(b"tRNS", struct.pack(">H", 1000)))
    found = decode(content, background="#0a141e").rgb
    assert np.asarray(found)[0].tolist() == [[10, 20, 30], [255, 255, 255]]


def test_transparent_pixels_show_the_background_by_their_share() -> None:
    rgba = np.array([[[200, 100, 0, 0], [200, 100, 0, 255], [200, 100, 0, 51]]], np.uint8)
    found = np.asarray(decode(encoded(Image.fromarray(rgba), "PNG"), background="#0000ff").rgb, int)[0]
    np.testing.assert_allclose(found, [[0, 0, 255], [200, 100, 0], [40, 20, 204]], atol=1)


def test_a_transparent_palette_entry_shows_the_background() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    for kind in ("PNG", "GIF"):
        found = decode(encoded(image, kind, transparency=0), background="#102030").rgb
        assert np.asarray(found)[0].tolist() == [[16, 32, 48], [0, 255, 0]], kind
    levels = encoded(image, "PNG", transparency=b"\x80\xff")
    assert np.asarray(decode(levels, background="#000000").rgb)[0, 0].tolist() == [128, 0, 0]


@pytest.mark.parametrize("mode", ["L", "1", "LA", "P"])
def test_grey_and_palettes_become_rgb(mode: str) -> None:
    image = Image.new("L", (3, 2), 255).convert(mode)
    assert np.asarray(decode(encoded(image, "PNG")).rgb).tolist() == [[[255] * 3] * 3] * 2


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_of_several_frames_or_pages_the_first_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("#ff0000", "#00ff00", "#0000ff")]
    found = decode(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert found.frames == 3
    np.testing.assert_allclose(np.asarray(found.rgb, int)[5, 5], [255, 0, 0], atol=3)


@pytest.mark.parametrize(
    ("content", "problem", "reason"),
    [
        (b"", "empty", "0 bytes"),
        (b"cat,dog\n" * 50, "unreadable", "no image"),
        (encoded(corners(), "JPEG")[:-200], "truncated", "cut short"),
        (encoded(corners(), "PNG")[:60], "truncated", "cut short"),
        (encoded(corners(), "WEBP")[:-10], "unreadable", "decoded"),
        (encoded(corners(), "JPEG")[:30], "truncated", "cut short"),
        (png(20_000, 20_000, 8, 2, b""), "too large", "pixels"),
        (png(12_000, 9_000, 8, 2, b""), "too large", "pixels"),
        (encoded(Image.new("F", (4, 4), float("nan")), "TIFF"), "unsupported", "no finite numbers"),
    ],
)
def test_unusable_files_are_named_with_the_reason(
    tmp_path: Path, content: bytes, problem: str, reason: str
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"photo\.jpg: ") as caught:
        decode(path)
    assert caught.value.problem == problem
    assert reason in caught.value.reason
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.HEIC", b"\0\0\0\x18ftypheic", "pip install pillow-heif"),
        ("a.jxl", b"\xff\x0a" + bytes(20), r"\*\.jxl is not read: export it"),
        ("a.nef", encoded(corners(), "TIFF"), "raw file: export it"),
    ],
)
def test_kinds_that_are_not_read_are_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, reason: str
) -> None:
    monkeypatch.setattr(opened_image, "can_open_heic", lambda: False)
    monkeypatch.setattr(module, "can_open_heic", lambda: False)
    with pytest.raises(ImageError, match=reason) as caught:
        decode(content, name)
    assert caught.value.problem == "unsupported"


def test_a_missing_file_is_an_image_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="there is no such file"):
        decode(tmp_path / "none.png")


def test_pipes_and_giants_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="it is a pipe, not a file"):
        decode(tmp_path / "pipe.png")
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 99)
    (tmp_path / "giant.png").write_bytes(bytes(100))
    with pytest.raises(ImageError, match="the file has 100 bytes"):
        decode(tmp_path / "giant.png")


def test_the_ways_of_fitting() -> None:
    image = Image.new("RGB", (60, 40), "#ff0000")
    image.paste("#0000ff", (20, 0, 40, 40))
    stretched = fit(image, Look(30, "stretch", "#ffffff"))
    cropped = fit(image, Look(40, "crop", "#ffffff"))
    padded = fit(image, Look(30, "pad", "#00ff00"))
    assert stretched.shape == padded.shape == (30, 30, 3)
    assert stretched[15, [2, 15, 27]].tolist() == [[255, 0, 0], [0, 0, 255], [255, 0, 0]]
    # The middle 40 x 40 pixels are red, blue, red, and blue from 10 to 30.
    assert cropped[:, [8, 11, 28, 31]].tolist() == [[[255, 0, 0], [0, 0, 255], [0, 0, 255], [255, 0, 0]]] * 40
    assert (stretched[15, :, 2] > 128).sum() == 10
    assert padded[[0, 4, 25, 29], 2].tolist() == [[0, 255, 0]] * 4
    assert padded[15, 2].tolist() == [255, 0, 0]


@pytest.mark.parametrize(("width", "height"), [(60, 40), (40, 60)])
def test_a_padded_image_lies_in_the_middle(width: int, height: int) -> None:
    padded = fit(Image.new("RGB", (width, height), "#ff0000"), Look(30, "pad", "#00ff00"))
    red = (padded == [255, 0, 0]).all(axis=2)
    expected = np.zeros((30, 30), bool)
    expected[5:25, :] = True
    assert (red == (expected if width > height else expected.T)).all()


def test_downscaling_averages_every_pixel() -> None:
    """Stripes finer than the result must come out grey; a filter that samples points would show stripes."""
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    found = fit(Image.fromarray(stripes), Look(50, "stretch", "#ffffff")).astype(int)
    assert np.abs(found[:, 2:-2] - 128).max() <= 2


def test_a_single_pixel_and_a_sliver_can_be_fitted() -> None:
    for size in ((1, 1), (1, 3000), (3000, 1)):
        for resize in ("stretch", "crop", "pad"):
            assert fit(Image.new("RGB", size), Look(8, resize, "#ffffff")).shape == (8, 8, 3)


def test_shrinking_a_jpeg_while_decoding_is_invisible(tmp_path: Path, photograph: Photograph) -> None:
    path = tmp_path / "large.jpg"
    photograph(3, 2600, 2200).save(path, quality=92)
    assert decode(path, bound=512).rgb.size == (650, 550)
    assert (decode(path, bound=512).width, decode(path).rgb.size) == (2600, (2600, 2200))
    fast = load_pixels(path, Look(128)).astype(int)
    exact = fit(decode(path).rgb, Look(128, "stretch", "#ffffff")).astype(int)
    assert np.abs(fast - exact).mean() < 0.5
    assert np.abs(fast - exact).max() <= 4


@pytest.mark.parametrize(("size", "expected"), [((1026, 1030), (513, 515)), ((1027, 1030), (1027, 1030))])
def test_a_jpeg_is_shrunk_only_by_a_factor_of_its_sides(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert decode(encoded(Image.new("RGB", size), "JPEG"), bound=512).rgb.size == expected


def test_the_bound_for_shrinking_leaves_work_for_the_filter() -> None:
    assert shrink_bound(64) == shrink_bound(224) == 512
    assert shrink_bound(400) == 800
