"""Encodings, and files that are no text."""

import gzip
import pickle
from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.texts import text
from dlpractice.errors import PathError, RunError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes("Größe,loss".encode(encoding))
    assert text.read_log_text(tmp_path / "log") == "Größe,loss"


@pytest.mark.parametrize(
    ("content", "what", "hint"),
    [
        (pickle.dumps({"loss": [1.0]}), "a pickle, which is not opened", "json.dump"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
            "a pointer of Git LFS",
            "git lfs pull",
        ),
        (gzip.compress(b"loss", mtime=0), "compressed by gzip", "gunzip"),
        (b"PK\x03\x04....", "an archive", "unpack"),
        (b"loss\0\0\0", "no text", "text"),
    ],
)
def test_what_is_no_text(content: bytes, what: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(RunError, match=what) as error:
        text.read_log_text(tmp_path / "log")
    assert hint in error.value.hint


def test_what_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "LARGEST", 3)
    (tmp_path / "log").write_text("loss")
    with pytest.raises(RunError, match="has 0 MiB; logs of up to"):
        text.read_log_text(tmp_path / "log")
    with pytest.raises(PathError, match="there is no such file"):
        text.read_log_text(tmp_path / "absent")
