import struct
import zipfile
import zlib

import pytest

from dlpractice.data.naming.zip_names import read_name


@pytest.mark.parametrize(
    ("raw", "text", "encoding"),
    [
        (b"cat/1.png", "cat/1.png", "said"),
        ("cafe\u0301.png".encode(), "cafe\u0301.png", "utf-8"),
        ("\u732b.png".encode(), "\u732b.png", "utf-8"),
        (b"caf\x82.png", "caf\u00e9.png", "cp437"),
        (b"\x81ber.png", "\u00fcber.png", "cp437"),
    ],
)
def test_names_without_a_mark(raw: bytes, text: str, encoding: str) -> None:
    assert read_name(zipfile.ZipInfo(raw.decode("cp437"))) == (text, encoding)


def test_names_with_a_mark() -> None:
    entry = zipfile.ZipInfo("caf\u00e9.png")
    entry.flag_bits = 0x800
    assert read_name(entry) == ("caf\u00e9.png", "said")


@pytest.mark.parametrize(
    ("checked", "text", "encoding"), [(b"\x82", "\u732b", "said"), (b"x", "\u00e9", "cp437")]
)
def test_the_name_in_the_extra_field_counts_if_it_belongs_to_the_name(
    checked: bytes, text: str, encoding: str
) -> None:
    entry = zipfile.ZipInfo(b"\x82".decode("cp437"))
    field = struct.pack("<BL", 1, zlib.crc32(checked)) + "\u732b".encode()
    entry.extra = struct.pack("<HH4s", 0x5455, 4, b"abcd") + struct.pack("<HH", 0x7075, len(field)) + field
    assert read_name(entry) == (text, encoding)
