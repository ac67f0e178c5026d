from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import wavfile

from dlpractice.data.files.decoding import Look, load_pixels
from dlpractice.data.oneshot.own_classes import (
    Reading,
    audit_class_folders,
    holds_recordings,
    load_example,
    read_class_folders,
)
from dlpractice.data.oneshot.recordings import load_spectrogram
from dlpractice.errors import DataError
from dlpractice.progress import Silent

Classes = Callable[..., Path]
Write = Callable[..., Path]


class Noting(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.warnings: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    """Two words by two speakers, as noise of different colours."""
    rng = np.random.default_rng(0)
    for word in ("cow", "cat"):
        for speaker in ("ann", "bob"):
            path = tmp_path / "words" / word / f"{speaker}-1.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            wavfile.write(path, 8000, rng.normal(0, 3000, 6000).astype(np.int16))
    return tmp_path / "words"


def test_recordings_are_not_compared_by_their_looks(tmp_path: Path) -> None:
    """The same word twice, the second time a little louder; read as pictures they would be one twice."""
    times = np.arange(8000) / 8000
    for number, pitch in enumerate((300, 700)):
        for name, loudness in (("one", 9000), ("two", 9500)):
            path = tmp_path / "spoken" / f"word{number}" / f"{name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            sound = loudness * np.sin(2 * np.pi * (pitch + 400 * times) * times)
            wavfile.write(path, 8000, sound.astype(np.int16))
    audit = read_class_folders(str(tmp_path / "spoken"), Reading(Look(64))).audit
    assert audit.near_duplicates == ()
    assert not [finding for finding in audit.findings if "duplicates" in finding.kind]


def luma(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(rgb).convert("L"))


def test_class_folders_become_one_alphabet_with_the_folders_name(classes: Classes) -> None:
    root = classes(3, ("ann", "bob", "eve"), folder="faces")
    read = read_class_folders(str(root), Reading(Look(16, "pad")))
    examples = read.examples
    assert (read.root, examples.alphabet_names) == (root, ("faces",))
    assert examples.class_names == ("ann", "bob", "eve")
    assert examples.pixels.shape == (9, 16, 16, 1)
    assert examples.drawers.tolist() == [-1] * 9
    for number, path in enumerate(examples.paths):
        assert examples.class_names[examples.classes[number]] == path.split("/")[0]
        np.testing.assert_array_equal(
            examples.pixels[number][..., 0], luma(load_pixels(root / path, Look(16, "pad")))
        )


def test_few_examples_per_class_are_no_warning(classes: Classes, write: Write) -> None:
    root = classes(1, ("ann", "bob"))
    for number in range(12):
        write(root / f"eve/{number}.png", 3000 + number)
    progress = Noting()
    read = read_class_folders(str(root), Reading(Look(16)), progress=progress)
    assert progress.warnings == []
    assert read.audit.findings == ()
    assert np.bincount(read.examples.classes).tolist() == [1, 1, 12]


def test_colour_is_kept_and_left_on_the_disk(classes: Classes) -> None:
    root = classes(2)
    examples = read_class_folders(str(root), Reading(Look(16), colour="colour")).examples
    assert not isinstance(examples.pixels, np.ndarray)
    assert examples.pixels.shape == (4, 16, 16, 3)
    np.testing.assert_array_equal(examples.pixels[3], load_pixels(root / "dog/001.png", Look(16)))


def test_two_levels_are_alphabets_of_classes(write: Write, tmp_path: Path) -> None:
    paths = [f"{a}/{c}/{n}.png" for a in ("Greek", "Latin") for c in ("01", "02") for n in (1, 2)]
    for number, path in enumerate(paths):
        write(tmp_path / "scripts" / path, number)
    (tmp_path / "scripts/readme.txt").write_text("passed over")
    examples = read_class_folders(str(tmp_path / "scripts"), Reading(Look(16))).examples
    assert examples.paths == tuple(paths)
    assert examples.alphabet_names == ("Greek", "Latin")
    assert examples.class_names == ("Greek/01", "Greek/02", "Latin/01", "Latin/02")
    assert examples.alphabets.tolist() == [0] * 4 + [1] * 4
    assert examples.classes.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    (tmp_path / "scripts/Greek/03").mkdir()
    with pytest.raises(DataError, match="1 class folder without an image: Greek/03"):
        read_class_folders(str(tmp_path / "scripts"), Reading(Look(16)))


@pytest.mark.parametrize("stray", ["Greek/stray.png", "Greek/01/deeper/stray.png"])
def test_of_files_at_different_depths_the_folders_at_the_top_are_the_classes(
    write: Write, tmp_path: Path, stray: str
) -> None:
    for number, path in enumerate(("Greek/01/1.png", "Latin/01/1.png", stray)):
        write(tmp_path / "scripts" / path, number)
    progress = Noting()
    examples = read_class_folders(str(tmp_path / "scripts"), Reading(Look(16)), progress).examples
    assert (examples.alphabet_names, examples.class_names) == (("scripts",), ("Greek", "Latin"))
    assert np.bincount(examples.classes).tolist() == [2, 1]
    assert len(progress.warnings) == 1 and stray in progress.warnings[0]


def test_folders_too_deep_for_alphabets_are_classes(write: Write, tmp_path: Path) -> None:
    for number, path in enumerate(("one/Greek/01/1.png", "two/Latin/01/1.png")):
        write(tmp_path / "scripts" / path, number)
    progress = Noting()
    examples = read_class_folders(str(tmp_path / "scripts"), Reading(Look(16)), progress).examples
    assert examples.class_names == ("one", "two")
    assert len(progress.warnings) == 1 and "too deep" in progress.warnings[0]


def test_splits_of_images_are_read_as_one_and_it_is_said(classes: Classes) -> None:
    classes(2, folder="data/train")
    classes(2, folder="data/test", start=100)
    progress = Noting()
    examples = read_class_folders(
        str(classes(0, folder="data")), Reading(Look(16)), progress=progress
    ).examples
    assert examples.class_names == ("cat", "dog")
    assert np.bincount(examples.classes).tolist() == [4, 4]
    assert len(progress.said) == 1


def test_a_table_gives_the_labels(classes: Classes) -> None:
    root = classes(2)
    (root / "labels.csv").write_text("path,label\ncat/000.png,x\ncat/001.png,y\ndog/000.png,y\n")
    examples = read_class_folders(str(root / "labels.csv"), Reading(Look(16))).examples
    assert [examples.class_names[code] for code in examples.classes] == ["x", "y", "y"]
    assert examples.alphabet_names == ("labels",)


def test_recordings_are_read_as_pictures(spoken: Path) -> None:
    examples = read_class_folders(str(spoken), Reading(Look(24), drawer_pattern="^([a-z]+)-")).examples
    assert examples.pixels.shape == (4, 24, 24, 1)
    assert examples.class_names == ("cat", "cow")
    assert examples.drawers.tolist() == [0, 1, 0, 1]
    for number, path in enumerate(examples.paths):
        expected = load_spectrogram(spoken / path, image_size=24)
        np.testing.assert_array_equal(examples.pixels[number][..., 0], expected)
    colour = read_class_folders(str(spoken), Reading(Look(24), colour="colour")).examples
    np.testing.assert_array_equal(colour.pixels[:], np.repeat(examples.pixels[:], 3, axis=3))


@pytest.mark.parametrize("colour", ["grey", "colour"])
def test_one_file_is_read_as_its_folder_is(
    spoken: Path, classes: Classes, colour: Literal["grey", "colour"]
) -> None:
    for root in (spoken, classes(2)):
        examples = read_class_folders(str(root), Reading(Look(16, "crop"), colour=colour)).examples
        for number, path in enumerate(examples.paths):
            alone = load_example(root / path, Look(16, "crop"), colour=colour)
            np.testing.assert_array_equal(alone, examples.pixels[number])


def test_the_audit_knows_recordings(spoken: Path) -> None:
    (spoken / "cow/eve-1.wav").write_bytes(b"broken")
    assert holds_recordings(str(spoken))
    audit = audit_class_folders(str(spoken), Reading(Look(16)))
    assert [(bad.path, bad.kind) for bad in audit.unusable] == [("cow/eve-1.wav", "unreadable")]
    assert audit.formats == {"WAV": audit.images - 1}


def test_bad_recordings_are_an_error_or_left_out(spoken: Path) -> None:
    (spoken / "cow/eve-1.wav").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"cow/eve-1\.wav: cannot be read as WAV"):
        read_class_folders(str(spoken), Reading(Look(16)))
    read = read_class_folders(str(spoken), Reading(Look(16), on_bad_image="skip"))
    assert len(read.examples) == 4
    assert [item.path for item in read.audit.unusable] == ["cow/eve-1.wav"]


def test_the_same_recording_as_two_words_is_an_error(spoken: Path) -> None:
    (spoken / "cow/ann-2.wav").write_bytes((spoken / "cat/ann-1.wav").read_bytes())
    with pytest.raises(DataError, match=r"labelled cow, but cat/ann-1\.wav is the same file"):
        read_class_folders(str(spoken), Reading(Look(16)))


def test_images_beside_recordings_are_an_error(spoken: Path, write: Write) -> None:
    write(spoken / "cow/ann.png")
    with pytest.raises(DataError, match=r"both recordings \(cat/ann-1.wav\) and images \(cow/ann.png\)"):
        read_class_folders(str(spoken), Reading(Look(16)))


def test_drawers_are_found_in_names_and_counted_over_all_classes(classes: Classes, write: Write) -> None:
    root = classes(0)
    for number, path in enumerate(("cat/zoe_1", "cat/ann_1", "dog/ann_2", "dog/ann_1")):
        write(root / f"{path}.png", number)
    examples = read_class_folders(str(root), Reading(Look(16), drawer_pattern="^(.+)_")).examples
    assert dict(zip(examples.paths, examples.drawers.tolist(), strict=True)) == {
        "cat/ann_1.png": 0,
        "cat/zoe_1.png": 1,
        "dog/ann_1.png": 0,
        "dog/ann_2.png": 0,
    }


def test_names_without_a_drawer_are_listed(classes: Classes) -> None:
    root = classes(15)
    with pytest.raises(DataError, match="finds nobody in the names of 30 of 30 files") as caught:
        read_class_folders(str(root), Reading(Look(16), drawer_pattern="^([a-z]+)"))
    assert (caught.value.details[0], caught.value.details[-1]) == ("cat/000.png", "and 10 more")
    with pytest.raises(DataError, match="no regular expression"):
        read_class_folders(str(root), Reading(Look(16), drawer_pattern="(["))
    with pytest.raises(DataError, match="has 2 groups, not one"):
        read_class_folders(str(root), Reading(Look(16), drawer_pattern="(.)(.)"))


NFC, NFD = "caf\u00e9", "cafe\u0301"


def test_names_are_one_in_any_spelling(write: Write, tmp_path: Path) -> None:
    paths = [f"{NFC}/{NFD}/zo\u00eb_1", f"{NFD}/{NFC}/zoe\u0308_2", f"{NFD}/tea/ann_1", "Latin/tea/ann_1"]
    for number, path in enumerate(paths):
        write(tmp_path / "scripts" / f"{path}.png", number)
    reading = Reading(Look(16), drawer_pattern="^(ann|zoe\u0308)_")
    examples = read_class_folders(str(tmp_path / "scripts"), reading).examples
    assert examples.alphabet_names == ("Latin", NFC)
    assert examples.class_names == ("Latin/tea", f"{NFC}/{NFC}", f"{NFC}/tea")
    named = {
        path: (code, drawer)
        for path, code, drawer in zip(examples.paths, examples.classes, examples.drawers, strict=True)
    }
    assert [named[f"{path}.png"] for path in paths] == [(1, 1), (1, 1), (2, 0), (0, 0)]


def test_a_table_is_never_taken_for_folders(write: Write, tmp_path: Path) -> None:
    paths = ["cat/1.png", "cat/deep/2.png", "dog/1.png"]
    for number, path in enumerate(paths):
        write(tmp_path / path, number)
    lines = ["path,label", *(f"{path},{path[:3]}" for path in paths)]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    examples = read_class_folders(str(tmp_path / "labels.csv"), Reading(Look(16))).examples
    assert (examples.class_names, examples.classes.tolist()) == (("cat", "dog"), [0, 0, 1])


def test_a_class_inside_an_alphabet_needs_a_name_of_text(write: Write, tmp_path: Path) -> None:
    for number, path in enumerate(("Greek/b\udce9/1.png", "Greek/a/1.png")):
        write(tmp_path / "scripts" / path, number)
    with pytest.raises(DataError, match="no readable text"):
        read_class_folders(str(tmp_path / "scripts"), Reading(Look(16)))
