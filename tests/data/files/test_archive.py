import stat
import zipfile
from pathlib import Path

import pytest

from dlpractice import zip_files
from dlpractice.data.files.archive import extract
from dlpractice.data.files.index import read_index
from dlpractice.errors import DataError, DlpError, PathError


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
    with pytest.raises(DataError, match="'a' is a file in it, and a folder"):
        extract(path, tmp_path / "out")
    assert_nothing_written(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/".join("d" * 1500) + "/1.png", "lies in 1,500 folders, and at most 100 are made"),
        ("a/" + "n" * 256 + ".png", "has a name of 260 bytes, and disks take 255"),
        ("ü" * 128 + ".png", "has a name of 260 bytes"),
    ],
)
def test_names_that_no_disk_takes_are_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        extract(packed(tmp_path / "a.zip", {name: b"1"}), tmp_path / "out")
    assert f"{tmp_path}/a.zip" in caught.value.message and len(caught.value.message) < 500
    assert_nothing_written(tmp_path)


def test_names_that_the_disk_takes_for_the_same_are_the_archive_s_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On disks of Windows and macOS, which do not tell a.png from A.png."""
    opened = Path.open

    def open_without_case(path: Path, mode: str = "r", *rest: object) -> object:
        return opened(path.with_name(path.name.lower()) if mode == "xb" else path, mode)

    archive = packed(tmp_path / "a.zip", {"a.png": b"1", "A.png": b"2"})
    monkeypatch.setattr(Path, "open", open_without_case)
    with pytest.raises(DataError, match=r"a\.zip.*'A\.png' has the name of another one"):
        extract(archive, tmp_path / "out")


METHODS = {"bzip2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA, "deflate": zipfile.ZIP_DEFLATED}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_damage_is_the_archive_s_and_not_the_cache_s(tmp_path: Path, method: str, place: float) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", METHODS[method]) as opened:
        opened.writestr("cat/1.png", bytes(range(256)) * 400)
    content = bytearray(path.read_bytes())
    start, end = 39, content.index(b"PK\x01\x02")
    at = start + int(place * (end - start))
    content[at : at + 4] = bytes(byte ^ 0xFF for byte in content[at : at + 4])
    path.write_bytes(content)
    with pytest.raises(PathError, match=r"a\.zip: its entry cat/1\.png is damaged") as caught:
        extract(path, tmp_path / "out")
    assert "room" not in caught.value.hint
    assert_nothing_written(tmp_path)


@pytest.mark.parametrize("method", [9, 14, 93, 95, 99])
def test_a_way_of_packing_that_is_not_known(tmp_path: Path, method: int) -> None:
    """Deflate64, LZMA, zstd, xz, AES; what is read of them is no such stream in any case."""
    path = packed(tmp_path / "a.zip", {"1.png": b"content"})
    content = bytearray(path.read_bytes())
    content[8:10] = content[content.index(b"PK\x01\x02") + 10 :][:2] = method.to_bytes(2, "little")
    content[content.index(b"PK\x01\x02") + 10] = method
    path.write_bytes(content)
    with pytest.raises(PathError, match=r"a\.zip: its entry 1\.png is (packed in a way|damaged)"):
        extract(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"Rar!\x1a\x07", "RAR"),
        (bytes(257) + b"ustar", "tar"),
        (b"<!DOCTYPE html>", "a page of the web"),
        (b"PK\x03\x04", "no intact zip file"),
    ],
)
def test_what_is_called_a_zip_and_is_none_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.zip: .*{reason}") as caught:
        read_index(tmp_path / "a.zip")
    assert caught.value.hint


def test_a_zip_of_another_name_and_a_zip_in_a_zip_say_what_to_do(tmp_path: Path, shared_cache: Path) -> None:
    inner = packed(tmp_path / "photos.dat", {"cat/1.png": b"x"})
    with pytest.raises(DataError, match="is a zip by its content"):
        read_index(inner)
    outer = packed(tmp_path / "a.zip", {"photos/inner.zip": inner.read_bytes()})
    with pytest.raises(DataError, match=r"a\.zip holds no images") as caught:
        read_index(outer)
    assert caught.value.hint == "unpack photos/inner.zip, and give its folder"


def test_bombs_are_refused_by_size_ratio_and_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.zip", {f"{n}.bin": bytes(2_000_000) for n in range(3)})
    monkeypatch.setattr(zip_files, "_RATIO_FROM_BYTES", 1_000_000)
    with pytest.raises(PathError, match="would grow to 6,000,000 bytes"):
        extract(path, tmp_path / "out")
    monkeypatch.setattr(zip_files, "MAX_RATIO", 10_000)
    monkeypatch.setattr(zip_files, "MAX_BYTES", 5_999_999)
    with pytest.raises(PathError, match="would grow"):
        extract(path, tmp_path / "out")
    monkeypatch.setattr(zip_files, "MAX_FILES", 2)
    with pytest.raises(PathError, match="3 files"):
        extract(path, tmp_path / "out")
    assert_nothing_written(tmp_path)


def test_a_size_that_lies_does_not_write_more(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"1.bin": bytes(100_000)})
    content = path.read_bytes()
    path.write_bytes(content.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(PathError, match=r"its entry 1\.bin is damaged"):
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
    left = tmp_path / ".dlp-abcdefgh/out/old.txt"
    left.parent.mkdir(parents=True)
    left.touch()
    (left.parents[1] / ".lock").touch()  # whose process is gone
    extract(packed(tmp_path / "a.zip", {"1.txt": b"one"}), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["1.txt"]
    assert not left.exists()


def test_folders_as_old_windows_programs_write_them(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"photos\\": b"", "photos\\cat\\": b"", "photos\\cat\\1.png": b"x"})
    target = extract(archive, tmp_path / "out")
    assert (target / "photos/cat/1.png").read_bytes() == b"x"
