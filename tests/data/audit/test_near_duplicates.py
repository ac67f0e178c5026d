from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from dlpractice.data.audit.audit import Audit
from dlpractice.data.audit.near_duplicates import NearDuplicates
from dlpractice.data.dataset import Survey, load_labelled, prepare, survey
from dlpractice.data.files.decoding import Look
from dlpractice.data.files.index_items import Finding
from dlpractice.data.image_split import Shares
from dlpractice.errors import DataError

Classes = Callable[..., Path]
Write = Callable[..., Path]
Photograph = Callable[..., Image.Image]


def check(root: Path, near_duplicates: NearDuplicates = "group") -> Survey:
    return survey(str(root), Look(8), Shares(), near_duplicates=near_duplicates)


def kinds(audit: Audit) -> dict[str, Finding]:
    return {finding.kind: finding for finding in audit.findings}


@pytest.fixture
def filmed(write: Write, photograph: Photograph, tmp_path: Path) -> Callable[..., Path]:
    """A fixed camera: pictures of one scene with grain; the class is a spot of another grey."""

    def film(count: int, scenes: int = 1) -> Path:
        rng = np.random.default_rng(0)
        for number in range(count):
            scene = np.asarray(photograph(number % scenes)).astype(float)
            for name, grey in (("off", 100), ("on", 130)):
                scene[30:36, 40:46] = grey
                frame = np.clip(scene + rng.normal(0, 3, scene.shape), 0, 255).astype(np.uint8)
                write(tmp_path / "filmed" / name / f"{number:03d}.png", Image.fromarray(frame))
        return tmp_path / "filmed"

    return film


def test_clusters_by_what_they_cross(classes: Classes, write: Write, photograph: Photograph) -> None:
    for start, split in enumerate(("train", "test")):
        classes(10, folder=f"data/{split}", start=100 * start)
    root = classes(0, folder="data")

    def brighter(seed: int, factor: float = 1.1) -> Image.Image:
        return ImageEnhance.Brightness(photograph(seed)).enhance(factor)

    for factor in (0.9, 1.05, 1.1):
        write(root / f"train/cat/within-{factor}.jpg", brighter(0, factor), quality=90)
    write(root / "train/dog/other-class.jpg", brighter(1), quality=90)
    write(root / "test/cat/other-split.jpg", brighter(2), quality=90)
    audit = check(root).audit
    assert [cluster.paths for cluster in audit.near_duplicates] == [
        ("train/cat/000.png", *(f"train/cat/within-{factor}.jpg" for factor in (0.9, 1.05, 1.1))),
        ("test/cat/other-split.jpg", "train/cat/002.png"),
        ("train/cat/001.png", "train/dog/other-class.jpg"),
    ]
    assert {finding.kind: finding.severity for finding in audit.findings} == {
        "near-duplicates across classes": "warning",
        "near-duplicates across splits": "warning",
        "near-duplicates": "info",
    }
    assert kinds(audit)["near-duplicates"].message == (
        "1 cluster of near-duplicates, 4 images: train/cat/000.png = train/cat/within-0.9.jpg = "
        "train/cat/within-1.05.jpg and 1 more"
    )
    assert audit.to_json()["near_duplicates"][1] == {
        "size": 2,
        "classes": {"cat": 2},
        "splits": {"test": 1, "train": 1},
        "fixed_scene": False,
        "paths": ["test/cat/other-split.jpg", "train/cat/002.png"],
    }


def test_copies_alone_are_no_near_duplicates_but_belong_to_them(
    classes: Classes, write: Write, photograph: Photograph
) -> None:
    root = classes(10)
    for number in (0, 1):
        write(root / f"cat/copy-{number}.png", (root / f"cat/00{number}.png").read_bytes())
    write(root / "cat/alike.jpg", photograph(1), quality=80)
    (cluster,) = check(root).audit.near_duplicates
    assert cluster.paths == ("cat/001.png", "cat/alike.jpg", "cat/copy-1.png")


def test_a_fixed_scene_is_named_with_the_key_and_divided(filmed: Callable[..., Path]) -> None:
    root = filmed(40)
    found = check(root)
    scene = kinds(found.audit)["fixed scene"]
    assert scene.severity == "warning" and "data.near_duplicates" in scene.message
    assert "80 images look the same (40 of off, 40 of on)" in scene.message
    assert len(scene.paths) == 80 and found.audit.near_duplicates[0].swallowed == ("off", "on")
    assert found.sizes() == {"train": 56, "validation": 12, "test": 12}
    assert len(set(found.bound.values())) == 80
    assert kinds(found.audit).keys() == {"fixed scene"}


def test_strictly_a_fixed_scene_ends_the_run(filmed: Callable[..., Path]) -> None:
    root = filmed(20)
    assert "group" in kinds(check(root, "strict").audit)["fixed scene"].hint
    with pytest.raises(DataError, match="40 images look the same") as caught:
        prepare(str(root), Look(8), Shares(), near_duplicates="strict")
    assert "data.near_duplicates" in caught.value.message + caught.value.hint


@pytest.mark.parametrize("other", ["cat", "dog"])
def test_strictly_look_alikes_in_several_given_splits_end_the_run(
    classes: Classes, write: Write, photograph: Photograph, other: str
) -> None:
    root = classes(6)
    for name in ("cat", "dog"):
        for number in range(6):
            split = "test" if number > 3 else "train"
            (root / split / name).mkdir(parents=True, exist_ok=True)
            (root / f"{name}/{number:03d}.png").rename(root / split / name / f"{number:03d}.png")
        (root / name).rmdir()
    write(root / "test" / other / "alike.jpg", photograph(0), quality=80)
    crossing = "splits" if other == "cat" else "classes"
    assert kinds(check(root).audit)[f"near-duplicates across {crossing}"].severity == "warning"
    finding = kinds(check(root, "strict").audit)["near-duplicates across splits"]
    assert finding.severity == "error" and "move each cluster into one split" in finding.hint


def test_told_of_is_not_bound_and_ignored_is_not_looked_for(
    classes: Classes, write: Write, photograph: Photograph
) -> None:
    root = classes(20)
    for number in range(20):
        write(root / f"cat/alike-{number:03d}.jpg", photograph(number), quality=80)

    def torn(near_duplicates: NearDuplicates) -> int:
        dataset = prepare(str(root), Look(8), Shares(), near_duplicates=near_duplicates)
        _, scored, _ = load_labelled(str(root), ("cat", "dog"), Look(8), near_duplicates=near_duplicates)
        bound = len(set(scored.bound))
        assert bound == len({row["bound"] for row in dataset.split_rows()})
        assert bound == (40 if near_duplicates in ("group", "strict") else 60)
        split = {row["path"]: row["split"] for row in dataset.split_rows()}
        return sum(split[f"cat/{n:03d}.png"] != split[f"cat/alike-{n:03d}.jpg"] for n in range(20))

    assert (torn("group"), torn("strict")) == (0, 0)
    assert torn("report") > 3 and torn("ignore") == torn("report")
    assert kinds(check(root, "report").audit)["near-duplicates"].message.startswith("20 clusters")
    assert check(root, "ignore").audit.near_duplicates == ()


def test_cameras_are_kept_apart_as_far_as_there_are_enough(filmed: Callable[..., Path]) -> None:
    """Of two cameras one can be trained on, but then one is left for two splits."""
    root = filmed(40, scenes=2)
    found = check(root)
    divided = kinds(found.audit)["near-duplicates divided"]
    assert divided.severity == "warning" and "data.near_duplicates=strict" in divided.message
    assert len(divided.paths) == 40
    assert min(found.sizes().values()) >= 10
    assert "cannot be divided" in kinds(check(root, "strict").audit)
