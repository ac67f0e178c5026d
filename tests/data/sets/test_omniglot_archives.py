import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlpractice.data.sets import omniglot_archives
from dlpractice.data.sets.omniglot_archives import pack_archives
from dlpractice.errors import DataError
from dlpractice.progress import Silent

DRAWING = "images_background/Greek/character02/0002_07.png"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "packed.npz"


def rewrite(archive: Path, change: dict[str, bytes | None]) -> None:
    """Replaces entries of a zip file, or takes them out."""
    with zipfile.ZipFile(archive) as opened:
        entries = {name: opened.read(name) for name in opened.namelist()}
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in {**entries, **change}.items():
            if content is not None:
                opened.writestr(name, content)


def encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_all_bits_and_indices_are_in_the_file(tiny_omniglot: Any, target: Path) -> None:
    pack_archives(target, Silent())
    with np.load(target) as arrays:
        paths = arrays["background_paths"].tobytes().decode().split("\n")
        bits = np.unpackbits(arrays["background"], count=len(paths) * 105 * 105)
        expected = np.concatenate([tiny_omniglot.drawings[path].ravel() for path in paths])
        np.testing.assert_array_equal(bits.astype(bool), expected)
        assert arrays["background_sha256"].shape == (180, 32)
        assert {name: arrays[name].shape for name in ("supports", "queries", "answers")} == {
            "supports": (2, 3),
            "queries": (2, 3),
            "answers": (2, 3),
        }


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "Greek/character02 is not drawn once by each of 20 people"),
        (b"no image", "0002_07.png cannot be decoded"),
        (b"", "0002_07.png cannot be decoded"),
        (encoded(Image.new("1", (105, 104))), "no black-and-white 105 x 105 drawing"),
        (encoded(Image.new("L", (105, 105))), "no black-and-white 105 x 105 drawing"),
        (encoded(Image.new("1", (105, 105))), "other drawings or runs than the published ones"),
        (b"x" * 70_000, "larger than 65,536 bytes"),
    ],
)
def test_a_wrong_drawing_is_named(
    tiny_omniglot: Any, target: Path, content: bytes | None, problem: str
) -> None:
    rewrite(tiny_omniglot.folder / "images_background.zip", {DRAWING: content})
    with pytest.raises(DataError, match=problem):
        pack_archives(target, Silent())
    assert not target.exists()


def test_lacking_characters_are_counted(tiny_omniglot: Any, target: Path) -> None:
    lacking = {path: None for path in tiny_omniglot.drawings if "/Latin/" in path}
    rewrite(tiny_omniglot.folder / "images_background.zip", lacking)
    with pytest.raises(DataError, match=r"holds 7 characters of 2 alphabets, not 9 of 3"):
        pack_archives(target, Silent())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"run01/class_labels.txt": None}, "no entry run01/class_labels.txt"),
        ({"run02/class_labels.txt": b"a b\nc d\n"}, "does not pair 3 drawings with 3 others"),
        (
            {"run02/test/item03.png": encoded(Image.new("1", (105, 105)))},
            "item03.png is no drawing of the evaluation set",
        ),
        ({"run02/test/item03.png": None}, "no entry run02/test/item03.png"),
    ],
)
def test_a_wrong_run_is_named(
    tiny_omniglot: Any, target: Path, change: dict[str, bytes | None], problem: str
) -> None:
    rewrite(tiny_omniglot.folder / "all_runs.zip", change)
    with pytest.raises(DataError, match=problem):
        pack_archives(target, Silent())


def test_runs_with_other_answers_are_refused(tiny_omniglot: Any, target: Path) -> None:
    with zipfile.ZipFile(tiny_omniglot.folder / "all_runs.zip") as opened:
        lines = opened.read("run01/class_labels.txt").decode().split("\n")
    pairs = [line.split() for line in lines if line]
    pairs[0][1], pairs[1][1] = pairs[1][1], pairs[0][1]
    text = "\n".join(" ".join(pair) for pair in pairs).encode()
    rewrite(tiny_omniglot.folder / "all_runs.zip", {"run01/class_labels.txt": text})
    with pytest.raises(DataError, match="other drawings or runs than the published ones"):
        pack_archives(target, Silent())


def test_archives_that_are_no_zip_or_are_damaged_are_named(tiny_omniglot: Any, target: Path) -> None:
    archive = tiny_omniglot.folder / "images_evaluation.zip"
    content = bytearray(archive.read_bytes())
    archive.write_bytes(content[:5000])
    with pytest.raises(DataError, match=r"images_evaluation\.zip: it is no intact zip file"):
        pack_archives(target, Silent())
    for place in range(20_000, 21_000):
        content[place] ^= 255
    archive.write_bytes(content)
    with pytest.raises(DataError, match=r"images_evaluation\.zip"):
        pack_archives(target, Silent())


def test_only_the_published_archives_are_downloaded() -> None:
    assert omniglot_archives.BACKGROUND.digest == "md5:68d2efa1b9178cc56df9314c21c6e718"
    assert omniglot_archives.EVALUATION.digest == "md5:6b91aef0f799c5bb55b94e3f2daec811"
    for file in (omniglot_archives.BACKGROUND, omniglot_archives.EVALUATION, omniglot_archives.RUNS):
        assert file.url.startswith("https://") and file.url.endswith(file.name.split("/")[1])
