"""Names in zip files, which need not say in which encoding they are.

After PKWARE's APPNOTE, appendix D, names are in code page 437 unless bit 11 of the flags, or the extra field
0x7075, says UTF-8. macOS and others write UTF-8 and set no flag; old Windows programs write what DOS wrote.
"""

import struct
import zipfile
import zlib
from typing import Literal, NamedTuple

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075


class ZipName(NamedTuple):
    """The name of an entry, and how sure it is: `said` by the entry itself, or guessed from its bytes."""

    text: str
    encoding: Literal["said", "utf-8", "cp437"]


def read_name(entry: zipfile.ZipInfo) -> ZipName:
    """The name of an entry: as it says, else in UTF-8 if its bytes are that, else in code page 437."""
    name = entry.filename
    if name.isascii() or entry.flag_bits & _UTF8_FLAG:
        return ZipName(name, "said")
    try:
        raw = name.encode("cp437")
    except UnicodeEncodeError:  # the extra field was read already
        return ZipName(name, "said")
    if said := _unicode_path(entry.extra, raw):
        return ZipName(said, "said")
    try:
        return ZipName(raw.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return ZipName(name, "cp437")


def _unicode_path(extra: bytes, raw: bytes) -> str:
    """The name in the extra field 0x7075; "" where there is none, or where it belongs to another name."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        content, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(content) > 5:
            version, checksum = struct.unpack_from("<BL", content)
            if version == 1 and checksum == zlib.crc32(raw):
                return content[5:].decode("utf-8", "replace")
    return ""
