import io
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from dlpractice.data.codecs.colour_profiles import to_srgb
from dlpractice.data.files.decoding import decode

# XYZ under D50 of full red, green and blue (columns), as the profiles of these spaces have them.
DISPLAY_P3 = np.array(
    [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
GAMMA = 2.2
WHITE = (0.9642, 1.0, 0.8249)


def icc(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile for displays (ICC.1, version 2) with these tags."""
    place, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", place + len(body), len(content))
        body += content
    head = struct.pack(">I4sI4s4s4s", place + len(body), bytes(4), 0x02100000, b"mntr", space, b"XYZ ")
    head = head.ljust(36, b"\0") + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">3i", *(round(value * 65536) for value in WHITE))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def xyz(values: Any) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(primaries: NDArray[np.float64], gamma: float = GAMMA) -> bytes:
    tags = {b"wtpt": xyz(WHITE)}
    for letter, column in zip((b"r", b"g", b"b"), primaries.T, strict=True):
        tags |= {letter + b"XYZ": xyz(column), letter + b"TRC": curve(gamma)}
    return icc(b"RGB ", tags)


def expected_srgb(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    linear = (colours / 255) ** GAMMA @ DISPLAY_P3.T @ np.linalg.inv(SRGB).T
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


COLOURS = np.random.default_rng(3).integers(40, 216, (30, 40, 3), dtype=np.uint8)


def encoded(image: Image.Image, kind: str, profile: bytes | None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, icc_profile=profile, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_a_wide_gamut_becomes_srgb(kind: str) -> None:
    image = Image.fromarray(COLOURS if kind != "JPEG" else np.full_like(COLOURS, (200, 90, 60)))
    content = encoded(image, kind, rgb_profile(DISPLAY_P3), **({"lossless": True} if kind == "WEBP" else {}))
    expected = expected_srgb(np.asarray(image))
    assert np.abs(expected - np.asarray(image)).mean() > 3
    tolerance = 3 if kind == "JPEG" else 1
    np.testing.assert_allclose(np.asarray(decode(content).rgb), expected, atol=tolerance)


def test_alpha_stays_and_its_colours_are_converted() -> None:
    rgba = np.dstack([COLOURS, np.full(COLOURS.shape[:2], 128, np.uint8)])
    content = encoded(Image.fromarray(rgba), "PNG", rgb_profile(DISPLAY_P3))
    expected = expected_srgb(COLOURS) * 128 / 255 + 255 * 127 / 255
    np.testing.assert_allclose(np.asarray(decode(content).rgb), expected, atol=1.5)


def test_grey_with_another_gamma() -> None:
    grey = np.arange(256, dtype=np.uint8)[None]
    profile = icc(b"GRAY", {b"wtpt": xyz(WHITE), b"kTRC": curve(1.8)})
    linear = (grey / 255) ** 1.8
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    found = np.asarray(decode(encoded(Image.fromarray(grey), "PNG", profile)).rgb)
    np.testing.assert_allclose(found[..., 1], expected, atol=1.5)


@pytest.mark.parametrize(
    "profile",
    [None, b"no profile", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"x" * 200],
)
def test_colours_stay_without_a_profile_or_with_that_of_srgb(profile: bytes | None) -> None:
    image = Image.fromarray(COLOURS)
    assert np.array_equal(np.asarray(to_srgb(image, profile)), COLOURS)


def test_a_profile_of_other_channels_is_passed_over() -> None:
    inks = Image.fromarray(np.dstack([COLOURS, COLOURS[..., 0]]), "CMYK")
    found = to_srgb(inks, rgb_profile(DISPLAY_P3))
    assert np.array_equal(np.asarray(found), np.asarray(inks.convert("RGB")))
