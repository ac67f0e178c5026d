"""Lists of paths on standard input."""

import io

import pytest

from dlpractice.cli.queries.named_images import Seen, read_list
from dlpractice.errors import DataError


@pytest.mark.parametrize(
    ("content", "paths"),
    [
        (b"a.png\nb c.png\n", ["a.png", "b c.png"]),
        (b"a.png\r\n\r\nb.png", ["a.png", "b.png"]),
        (b"two\nlines.png\0b.png\0", ["two\nlines.png", "b.png"]),
        (b"l\xe9.png\n", ["l\udce9.png"]),
    ],
)
def test_a_list(content: bytes, paths: list[str]) -> None:
    assert list(read_list(io.BytesIO(content))) == paths
    named = Seen(["first.png", "-", "last.png"]).list_paths(io.BytesIO(content))
    assert list(named) == ["first.png", *paths, "last.png"]


def test_a_list_is_read_as_it_comes() -> None:
    long = b"".join(b"%06d.png\n" % number for number in range(20_000))
    assert list(read_list(io.BytesIO(long))) == long.decode().split()
    for empty in (b"", b"\n\r\n", b"\0"):
        with pytest.raises(DataError, match="empty"):
            list(read_list(io.BytesIO(empty)))
