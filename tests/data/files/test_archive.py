import stat
import zipfile
from pathlib import Path

import pytest

from dlpractice.data.files import archive as module
from dlpractice.data.files.archive import extract
from dlpractice.errors import DataError, DlpError


def packed(path: Path, entries: dict[str, bytes], mode: int = stat.S_IFREG | 0o644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries.items():
            # Given to the constructor, the name would be cleaned of what these tests are about.
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(info, content)
    return path


def assert_nothing_written(tmp_path: Path) -> None:
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert files <= {"a.zip", ".lock"}


def test_files_and_folders_come_out(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "a.zip", {"x/1.txt": b"one", "x/y/2.txt": b"two", "back\\slash.txt": b"three", "e/": b""}
    )
    target = extract(path, tmp_path / "out")
    found = {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*") if p.is_file()}
    assert found == {"x/1.txt": b"one", "x/y/2.txt": b"two", "back/slash.txt": b"three"}


def test_an_archive_without_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w"):
        pass
    with pytest.raises(DataError, match=r"a\.zip holds no files"):
        extract(tmp_path / "a.zip", tmp_path / "out")


def test_an_extracted_archive_is_kept(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"1.txt": b"one"})
    (extract(path, tmp_path / "out") / "mark").touch()
    extract(path, tmp_path / "out")
    assert (tmp_path / "out/mark").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../evil.txt", "leads out"),
        ("a/../../evil.txt", "leads out"),
        ("..\\evil.txt", "leads out"),
        ("/etc/evil.txt", "absolute"),
        ("\\evil.txt", "absolute"),
        ("C:\\evil.txt", "absolute"),
        ("c:evil.txt", "absolute"),
        ("line\nbreak.txt", "no readable text"),
    ],
)
def test_names_that_lead_out_are_refused_before_anything_is_written(
    tmp_path: Path, name: str, message: str
) -> None:
    path = packed(tmp_path / "a.zip", {"good.txt": b"1", name: b"2"})
    with pytest.raises(DataError, match=message):
        extract(path, tmp_path / "out")
    assert_nothing_written(tmp_path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    with pytest.raises(DataError, match="link or a device"):
        extract(packed(tmp_path / "a.zip", {"passwd": b"/etc/passwd"}, kind | 0o777), tmp_path / "out")
    assert_nothing_written(tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a/b.txt": b"1", "a\\b.txt": b"2"})
    with pytest.raises(DataError, match="twice"):
        extract(path, tmp_path / "out")


def test_a_file_where_another_needs_a_folder_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a": b"1", "a/b.txt": b"2"})
    with pytest.raises(DataError):
        extract(path, tmp_path / "out")
    assert_nothing_written(tmp_path)


def test_bombs_are_refused_by_size_ratio_and_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.zip", {f"{n}.bin": bytes(2_000_000) for n in range(3)})
    monkeypatch.setattr(module, "_RATIO_FROM_BYTES", 1_000_000)
    with pytest.raises(DataError, match="would grow to 6,000,000 bytes"):
        extract(path, tmp_path / "out")
    monkeypatch.setattr(module, "MAX_RATIO", 10_000)
    monkeypatch.setattr(module, "MAX_BYTES", 5_999_999)
    with pytest.raises(DataError, match="would grow"):
        extract(path, tmp_path / "out")
    monkeypatch.setattr(module, "MAX_FILES", 2)
    with pytest.raises(DataError, match="3 files"):
        extract(path, tmp_path / "out")
    assert_nothing_written(tmp_path)


def test_a_size_that_lies_does_not_write_more(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"1.bin": bytes(100_000)})
    content = path.read_bytes()
    path.write_bytes(content.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(DataError, match="no intact zip"):
        extract(path, tmp_path / "out")
    assert_nothing_written(tmp_path)


@pytest.mark.parametrize("damage", ["text", "cut", "flipped", "encrypted", "missing"])
def test_damaged_archives_are_named(tmp_path: Path, damage: str) -> None:
    path = packed(tmp_path / "a.zip", {"1.bin": bytes(range(256)) * 40})
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[60] ^= 0xFF
    elif damage == "encrypted":
        content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes({"text": b"hello", "cut": bytes(content[:-40])}.get(damage, bytes(content)))
    if damage == "missing":
        path.unlink()
    with pytest.raises(DlpError, match=r"a\.zip") as caught:
        extract(path, tmp_path / "out")
    assert caught.value.hint
    assert not (tmp_path / "out").exists()


def test_what_a_killed_extraction_left_is_replaced(tmp_path: Path) -> None:
    left = tmp_path / ".out.extracting/partial/old.txt"
    left.parent.mkdir(parents=True)
    left.touch()
    extract(packed(tmp_path / "a.zip", {"1.txt": b"one"}), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["1.txt"]


def test_folders_as_old_windows_programs_write_them(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"photos\\": b"", "photos\\cat\\": b"", "photos\\cat\\1.png": b"x"})
    target = extract(archive, tmp_path / "out")
    assert (target / "photos/cat/1.png").read_bytes() == b"x"
