import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from dlpractice.data.audit.audit import Audit
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


def test_clean_data_has_no_findings(classes: Classes) -> None:
    audit = check(str(classes(10)))
    assert audit.findings == ()
    assert audit.counts == {"cat": {"all": 10}, "dog": {"all": 10}}
    assert (audit.widths, audit.heights, audit.formats) == ((96, 96, 96), (80, 80, 80), {"PNG": 20})


def test_every_unusable_file_is_named_with_its_kind(classes: Classes, write: Write) -> None:
    root = classes(10)
    whole = (root / "cat/001.png").read_bytes()
    write(root / "cat/empty.jpg", b"")
    write(root / "cat/text.jpg", b"not an image at all")
    write(root / "dog/cut.png", whole[: len(whole) // 2])
    write(root / "dog/phone.heic", b"\0\0\0\x18ftypheic")
    audit = check(str(root))
    assert {item.path: item.kind for item in audit.unusable} == {
        "cat/empty.jpg": "empty",
        "cat/text.jpg": "unreadable",
        "dog/cut.png": "truncated",
        "dog/phone.heic": "unreadable",
    }
    assert {finding.kind for finding in audit.of("error")} == {"empty", "unreadable", "truncated"}
    assert kinds(audit)["unreadable"].paths == ("cat/text.jpg", "dog/phone.heic")
    assert audit.counts == {"cat": {"all": 10}, "dog": {"all": 10}}


def test_copies_with_two_labels_cannot_be_used(classes: Classes, write: Write) -> None:
    root = classes(10)
    write(root / "dog/copy.png", (root / "cat/003.png").read_bytes())
    audit = check(str(root))
    assert {item.path: item.reason for item in audit.unusable} == {
        "cat/003.png": "labelled cat, but dog/copy.png is the same file",
        "dog/copy.png": "labelled dog, but cat/003.png is the same file",
    }
    assert [finding.kind for finding in audit.of("error")] == ["contradictory labels"]


def test_copies_across_given_splits_are_left_out_where_they_are_learnt(
    classes: Classes, write: Write
) -> None:
    for start, split in enumerate(("train", "validation", "test")):
        classes(10, folder=f"data/{split}", start=100 * start)
    root = classes(0, folder="data")
    content = (root / "test/cat/000.png").read_bytes()
    write(root / "train/cat/leak.png", content)
    write(root / "validation/cat/leak.png", content)
    write(root / "train/dog/twice.png", (root / "train/dog/000.png").read_bytes())
    audit = check(str(root))
    assert [(item.path, item.kind) for item in audit.unusable] == [
        ("train/cat/leak.png", "copy across splits"),
        ("validation/cat/leak.png", "copy across splits"),
    ]
    assert "test/cat/000.png in test" in audit.unusable[0].reason
    assert audit.counts["cat"] == {"train": 10, "validation": 10, "test": 10}


def test_nothing_usable_at_all_is_still_an_audit(write: Write, tmp_path: Path) -> None:
    write(tmp_path / "data/a/1.png", b"")
    write(tmp_path / "data/b/1.png", b"x")
    audit = check(str(tmp_path / "data"))
    assert (audit.images, audit.widths, len(audit.unusable)) == (2, (0, 0, 0), 2)


def test_the_audit_is_plain_json(classes: Classes, write: Write) -> None:
    root = classes(3)
    write(root / "cat/empty.png", b"")
    document = json.loads(json.dumps(check(str(root)).to_json(), allow_nan=False))
    assert document["images"] == 7
    assert document["classes"]["cat"] == {"all": 3}
    assert document["sizes"]["width"] == {"min": 96, "median": 96, "max": 96}
    assert document["unusable"] == [
        {"path": "cat/empty.png", "kind": "empty", "reason": "the file is empty (0 bytes)"}
    ]
    assert [finding["severity"] for finding in document["findings"]] == ["error", "warning"]
