from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlpractice.data.audit.audit import Audit
from dlpractice.data.codecs.levels import Levels
from dlpractice.data.dataset import survey
from dlpractice.data.files.decoding import Look
from dlpractice.data.files.index_items import Finding
from dlpractice.data.image_split import Shares

Classes = Callable[..., Path]
Write = Callable[..., Path]
Photograph = Callable[..., Image.Image]


def check(source: str) -> Audit:
    return survey(source, Look(64), Shares()).audit


def kinds(audit: Audit) -> dict[str, Finding]:
    return {finding.kind: finding for finding in audit.findings}


def test_a_misnamed_file_is_a_warning_and_is_used(
    classes: Classes, write: Write, photograph: Photograph
) -> None:
    root = classes(10)
    write(root / "dog/really-png.JPG", photograph(77), format="PNG")
    audit = check(str(root))
    assert [f.kind for f in audit.findings] == ["misnamed"]
    assert "dog/really-png.JPG is PNG" in kinds(audit)["misnamed"].message
    assert audit.counts["dog"] == {"all": 11}


def test_empty_and_small_classes_and_imbalance(classes: Classes, write: Write) -> None:
    root = classes(10)
    (root / "fox").mkdir()
    write(root / "owl/1.png", 500)
    found = kinds(check(str(root)))
    assert found["empty class"].severity == "error"
    assert found["empty class"].paths == ("fox",)
    assert found["class without images"].message == "no usable image of fox"
    assert found["few images"].message == "fewer than 10 images of owl (1)"
    assert "10 images of cat, but 0 of fox" not in str(found)


def test_folders_in_class_folders_are_told_of(classes: Classes, write: Write, tmp_path: Path) -> None:
    for alphabet, seed in (("greek", 1), ("latin", 30)):
        for number in range(20):
            write(tmp_path / f"nested/{alphabet}/{'ab'[number % 2]}/{number}.png", seed + number)
    found = kinds(check(str(tmp_path / "nested")))["alphabets"]
    assert found.severity == "info" and "takes greek, latin for alphabets" in found.message
    assert "alphabets" not in kinds(check(str(classes(10))))


def test_imbalance_of_ten_to_one(classes: Classes, write: Write) -> None:
    root = classes(10)
    write(root / "owl/1.png", 500)
    assert "10 images of cat, but 1 of owl" in kinds(check(str(root)))["imbalance"].message
    write(root / "owl/2.png", 501)
    assert "imbalance" not in kinds(check(str(root)))


def test_one_class_is_not_enough(classes: Classes) -> None:
    root = classes(10, ("images",))
    assert kinds(check(str(root)))["single class"].severity == "error"
    (root / "labels.csv").touch()
    found = kinds(check(str(root)))
    assert "labels.csv is not read: if it holds the labels, give it" in found["single class"].message
    assert "table" not in found


def test_copies_in_a_class_are_named_with_their_number(classes: Classes, write: Write) -> None:
    root = classes(12)
    assert "copies" not in kinds(check(str(root)))
    for number in range(1, 5):
        write(root / f"cat/000-{number}.png", (root / "cat/000.png").read_bytes())
    write(root / "dog/x.png", (root / "dog/011.png").read_bytes())
    found = kinds(check(str(root)))["copies"]
    assert found.message == (
        "5 files are copies of another in the same class, byte for byte (cat 4 of 16, dog 1 of 13): "
        "cat/000-1.png = cat/000-2.png, dog/011.png = dog/x.png"
    )
    assert len(found.paths) == 7 and set(found.paths) >= {"cat/000.png", "cat/000-4.png", "dog/011.png"}
    assert found.severity == "warning"


def test_a_group_in_two_given_splits_is_an_error(classes: Classes) -> None:
    root = classes(2)
    lines = ["path,label,split,group", "cat/000.png,cat,train,g1", "cat/001.png,cat,test,g1"]
    lines += ["dog/000.png,dog,train,g2", "dog/001.png,dog,test,"]
    (root / "labels.csv").write_text("\n".join(lines))
    finding = kinds(check(str(root / "labels.csv")))["group crosses splits"]
    assert (finding.severity, finding.paths) == ("error", ("cat/000.png", "cat/001.png"))


def test_other_files_and_animations_are_mentioned(
    classes: Classes, write: Write, photograph: Photograph
) -> None:
    root = classes(10)
    write(root / "cat/notes.txt", b"hello")
    write(root / "cat/.DS_Store", b"")
    write(root / "cat/moving.gif", photograph(70), save_all=True, append_images=[photograph(71)])
    found = kinds(check(str(root)))
    assert (found["other files"].severity, found["other files"].paths) == ("warning", ("cat/notes.txt",))
    (root / "cat/notes.txt").rename(root / "README.txt")
    beside = kinds(check(str(root)))["other files"]
    assert (beside.severity, beside.paths) == ("info", ("README.txt",))
    assert (found["several frames"].severity, found["several frames"].paths) == ("info", ("cat/moving.gif",))
    assert found["hidden files"].message.startswith("1 hidden")


@pytest.mark.parametrize("count", [1, 5])
def test_numbers_agree_with_their_nouns(classes: Classes, write: Write, count: int) -> None:
    root = classes(10)
    for number in range(count):
        write(root / f"cat/{number}.txt", b"")
    message = kinds(check(str(root)))["other files"].message
    assert message.startswith("1 file or folder passed" if count == 1 else "5 files and folders passed")
    assert ("and 2 more" in message) is (count == 5)


def test_loose_images_and_hidden_folders_are_said_to_be_what_they_are(classes: Classes, write: Write) -> None:
    root = classes(10)
    write(root / "loose.jpg", 5)
    write(root / ".net/logo.png", 6)
    write(root / "@eaDir/thumb.jpg", 7)
    found = check(str(root)).findings
    said = {(f.kind, f.severity, f.message) for f in found}
    assert ("loose images", "warning", "1 image passed over, in no class folder: loose.jpg") in said
    assert (
        "hidden files",
        "warning",
        "1 file or folder passed over, hidden by the dot in front: .net/",
    ) in said
    assert ("hidden files", "info", "1 hidden or system file passed over: @eaDir/") in said


def test_classes_whose_names_hardly_differ(classes: Classes) -> None:
    found = kinds(check(str(classes(10, ("cat", "Cat", "dog", "dog\u200b")))))["similar class names"]
    assert found.severity == "warning"
    assert "'dog', 'dog\\u200b'" in found.message


def test_alphabets_are_a_matter_of_folders(classes: Classes) -> None:
    root = classes(10, ("Latin/a", "Greek/b"))
    assert "alphabets" in kinds(check(str(root)))
    lines = ["path,label", *(f"{file.relative_to(root)},{file.parts[-3]}" for file in root.rglob("*.png"))]
    (root / "labels.csv").write_text("\n".join(lines))
    assert "alphabets" not in kinds(check(str(root / "labels.csv")))


def test_the_range_of_deep_files_is_told_and_what_is_lost_in_it(tmp_path: Path, write: Write) -> None:
    """One overexposed point takes the range from all the others."""
    rng = np.random.default_rng(0)
    for number in range(20):
        values = rng.integers(0, 3000, (24, 24), np.uint16)
        if number == 3:
            values[0, 0] = 65535
        write(tmp_path / f"deep/{'ab'[number % 2]}/{number}.png", Image.fromarray(values))
    write(tmp_path / "deep/a/full.png", Image.fromarray(rng.integers(0, 65536, (24, 24), np.uint16)))
    write(tmp_path / "deep/a/even.png", Image.fromarray(np.full((24, 24), 700, np.uint16)))
    found = kinds(check(str(tmp_path / "deep")))
    assert found["range"].severity == "info"
    assert "22 images of more than 8 bits a channel: 0 to 65,535 becomes black" in found["range"].message
    lost = found["almost black"]
    assert lost.severity == "warning" and len(lost.paths) == 20
    assert not {"a/full.png", "a/even.png"} & set(lost.paths)


def test_a_range_that_no_image_needs_is_not_told(classes: Classes) -> None:
    """A model brings the range of its own images, also to those that have none."""
    audit = survey(str(classes(10)), Look(64, levels=Levels(0, 65535)), Shares()).audit
    assert "range" not in kinds(audit)


def test_shapes_that_the_background_swallows_are_told(classes: Classes, write: Write) -> None:
    root = classes(10)
    shape = np.full((40, 40, 4), 255, np.uint8)
    shape[:20, :, 3] = 0
    write(root / "dog/white.png", Image.fromarray(shape))
    found = kinds(check(str(root)))
    assert set(found) == {"nothing to see"}
    assert (found["nothing to see"].severity, found["nothing to see"].paths) == (
        "warning",
        ("dog/white.png",),
    )


def test_what_cannot_be_read_is_counted_by_its_ending(classes: Classes, write: Write) -> None:
    root = classes(10)
    for number in range(3):
        write(root / f"dog/{number}.jxl", bytes([255, 10, number]))
        write(root / f"cat/{number}.npy", b"numbers")
    write(root / "dog/9.psd", b"8BPS")
    found = kinds(check(str(root)))
    assert (
        found["unsupported"].message == "4 images cannot be used: unsupported (3 files *.jxl, 1 file *.psd)"
    )
    assert found["unsupported"].hint == (
        "*.jxl is not read: export it as PNG or TIFF; *.psd is not read: export it as PNG or TIFF"
    )
    assert "no images by name (3 files *.npy): cat/0.npy" in found["other files"].message
