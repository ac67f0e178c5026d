import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlpractice.data import dataset as module
from dlpractice.data.codecs.levels import Levels
from dlpractice.data.dataset import Dataset, load_labelled, prepare
from dlpractice.data.files.decoding import ImageError, Look, load_pixels
from dlpractice.data.image_split import Shares
from dlpractice.errors import DataError
from dlpractice.progress import Silent

Classes = Callable[..., Path]
Write = Callable[..., Path]


class Noting(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def sizes(dataset: Dataset) -> dict[str, list[int]]:
    return {name: np.bincount(split.labels, minlength=2).tolist() for name, split in dataset.splits.items()}


def test_labels_pixels_and_hashes_belong_together(classes: Classes) -> None:
    root = classes(20)
    dataset = prepare(str(root), Look(16, "pad"), Shares(validation=0.2, test=0.1))
    assert dataset.class_names == ("cat", "dog")
    assert sizes(dataset) == {"train": [14, 14], "validation": [4, 4], "test": [2, 2]}
    for split in dataset.splits.values():
        assert split.labels.dtype == np.int64
        assert len(split) == len(split.sha256) == len(split.groups) == len(split.pixels) == len(split.labels)
        for number, path in enumerate(split.paths):
            assert dataset.class_names[split.labels[number]] == path.split("/")[0]
            np.testing.assert_array_equal(split.pixels[number], load_pixels(root / path, Look(16, "pad")))


def test_a_fraction_leaves_validation_test_and_the_rows_as_they_are(classes: Classes) -> None:
    root = classes(20)
    whole, half, quarter = (
        prepare(str(root), Look(8), Shares(validation=0.2, test=0.1, fraction=share))
        for share in (1, 0.5, 0.25)
    )
    assert sizes(half) == {"train": [7, 7], "validation": [4, 4], "test": [2, 2]}
    assert (half.validation.paths, half.test.paths) == (whole.validation.paths, whole.test.paths)
    assert set(quarter.train.paths) < set(half.train.paths) < set(whole.train.paths)
    # What is not used is told, and told from what is.
    rows = {row["path"]: row for row in half.split_rows()}
    assert rows.keys() == {row["path"] for row in whole.split_rows()}
    unused = {path for path, row in rows.items() if row["split"] == "unused"}
    assert unused == set(whole.train.paths) - set(half.train.paths)
    assert len({whole.digest, half.digest, quarter.digest}) == 3


def test_every_image_is_in_exactly_one_split(classes: Classes) -> None:
    root = classes(12)
    rows = prepare(str(root), Look(8), Shares()).split_rows()
    assert [row["path"] for row in rows] == sorted(
        p.relative_to(root).as_posix() for p in root.rglob("*.png")
    )
    assert set(rows[0]) == {"path", "label", "split", "sha256", "group", "bound"}


def test_the_split_is_a_function_of_files_and_seed(classes: Classes, tmp_path: Path) -> None:
    root = classes(12)
    first = prepare(str(root), Look(8), Shares(seed=3))
    copy = tmp_path / "elsewhere"
    files = sorted(root.rglob("*.png"))
    random.Random(0).shuffle(files)
    for file in files:
        target = copy / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    second = prepare(str(copy), Look(24), Shares(seed=3))
    assert second.split_rows() == first.split_rows()
    assert second.digest == first.digest
    other = prepare(str(root), Look(8), Shares(seed=4))
    assert other.digest != first.digest


def test_copies_look_alikes_and_groups_never_cross(classes: Classes, write: Write, tmp_path: Path) -> None:
    root = classes(15)
    for number in range(6):
        original = root / f"cat/{number:03d}.png"
        write(root / f"cat/copy-{number}.png", original.read_bytes())
        with Image.open(original) as image:
            write(root / f"cat/alike-{number}.jpg", image.copy(), quality=85)
    for seed in range(4):
        split = {r["path"]: r["split"] for r in prepare(str(root), Look(8), Shares(seed=seed)).split_rows()}
        for n in range(6):
            together = {split[f"cat/{name}"] for name in (f"{n:03d}.png", f"copy-{n}.png", f"alike-{n}.jpg")}
            assert len(together) == 1


def test_what_is_kept_together_is_written_and_counted_as_one(
    classes: Classes, write: Write, tmp_path: Path
) -> None:
    """A copy, a look-alike, a group, and what hangs together through them; for training and for scoring."""
    root = classes(14)
    write(root / "cat/copy.png", (root / "cat/000.png").read_bytes())
    with Image.open(root / "cat/001.png") as image:
        write(root / "cat/alike.jpg", image.copy(), quality=85)
    groups = {"cat/copy.png": "film", "cat/alike.jpg": "film", "dog/000.png": "pair", "cat/002.png": "pair"}
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*g"))
    lines = [f"{path},{path[:3]},{groups.get(path, '')}" for path in paths]
    (root / "labels.csv").write_text("path,label,group\n" + "\n".join(lines))
    together = [
        {"cat/000.png", "cat/001.png", "cat/alike.jpg", "cat/copy.png"},
        {"cat/002.png", "dog/000.png"},
    ]
    bound = {path: min(inside) for inside in together for path in inside}
    expected = {path: bound.get(path, path) for path in paths}
    dataset = prepare(str(root / "labels.csv"), Look(8), Shares(fraction=0.7))
    assert {row["path"]: row["bound"] for row in dataset.split_rows()} == expected
    _, scored, _ = load_labelled(str(root / "labels.csv"), ["cat", "dog"], Look(8))
    assert dict(zip(scored.paths, scored.bound, strict=True)) == expected
    _, scored, _ = load_labelled(str(root), ["cat", "dog"], Look(8))  # no groups: the film is two things
    bound = dict(zip(scored.paths, scored.bound, strict=True))
    assert bound["cat/copy.png"] == "cat/000.png" != bound["cat/alike.jpg"] == "cat/001.png"
    assert len(set(bound.values())) == len(paths) - 2


def test_twins_are_found_whatever_was_looked_at_before(write: Write, tmp_path: Path) -> None:
    """White shapes on nothing: over white there is nothing to see, over black they are told apart."""
    root, rng = tmp_path / "shapes", np.random.default_rng(0)
    for number in range(40):
        spots = Image.fromarray(rng.choice(np.array([0, 255], np.uint8), (4, 4)))
        for name, side in (("one", 64), ("two", 80)):
            alpha = spots.resize((side, side), Image.Resampling.NEAREST)
            shape = Image.new("RGBA", alpha.size, "#ffffff")
            shape.putalpha(alpha)
            write(root / ("cat", "dog")[number % 2] / f"{number}-{name}.png", shape)
    black, white = Look(8, background="#000000"), Look(8)
    clean = prepare(str(root), black, Shares())
    split = {row["path"]: row["split"] for row in clean.split_rows()}
    assert all(split[path] == split[path.replace("one", "two")] for path in split)
    assert len(clean.audit.near_duplicates) == 40
    assert prepare(str(root), white, Shares()).audit.near_duplicates == ()
    assert prepare(str(root), black, Shares()).digest == clean.digest


def test_copies_never_cross_even_where_images_are_too_small_to_look_alike(
    write: Write, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    root = tmp_path / "tiny"
    for name in ("cat", "dog"):
        for number in range(20):
            write(root / name / f"{number}.png", Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)))
    for number in range(8):
        write(root / f"cat/copy-{number}.png", (root / f"cat/{number}.png").read_bytes())
    for seed in range(4):
        split = {r["path"]: r["split"] for r in prepare(str(root), Look(8), Shares(seed=seed)).split_rows()}
        assert all(split[f"cat/{n}.png"] == split[f"cat/copy-{n}.png"] for n in range(8))


def test_groups_of_a_table_never_cross_and_are_written(classes: Classes) -> None:
    root = classes(20)
    lines = [f"{n}/{i:03d}.png,{n},animal-{i // 2}" for n in ("cat", "dog") for i in range(20)]
    (root / "labels.csv").write_text("path,label,group\n" + "\n".join(lines))
    rows = prepare(str(root / "labels.csv"), Look(8), Shares()).split_rows()
    for group in {row["group"] for row in rows}:
        assert len({row["split"] for row in rows if row["group"] == group}) == 1
    assert rows[0]["group"] == "animal-0"


def test_given_splits_are_kept_and_validation_is_halved(classes: Classes) -> None:
    classes(6, folder="data/train")
    classes(8, folder="data/validation", start=100)
    dataset = prepare(str(classes(0, folder="data")), Look(8), Shares())
    assert sizes(dataset) == {"train": [6, 6], "validation": [4, 4], "test": [4, 4]}
    assert all(path.startswith("train/") for path in dataset.train.paths)
    assert all(path.startswith("validation/") for path in dataset.validation.paths + dataset.test.paths)


def test_images_that_cannot_be_used_are_an_error_with_the_whole_list(classes: Classes, write: Write) -> None:
    root = classes(10)
    for number in range(30):
        write(root / f"dog/bad-{number:02d}.jpg", b"no image")
    with pytest.raises(DataError) as caught:
        prepare(str(root), Look(8), Shares())
    assert caught.value.message == f"{root}: 30 of 50 images cannot be used"
    assert [line.split(":")[0] for line in caught.value.details] == [
        f"dog/bad-{n:02d}.jpg" for n in range(30)
    ]
    assert "data.on_bad_image=skip" in caught.value.hint


def test_with_skip_they_are_left_out_counted_and_listed(classes: Classes, write: Write) -> None:
    root = classes(10)
    before = write(root / "dog/bad.jpg", b"no image").read_bytes()
    progress = Noting()
    dataset = prepare(str(root), Look(8), Shares(), on_bad_image="skip", progress=progress)
    assert len(dataset.split_rows()) == 20
    assert [item.path for item in dataset.audit.unusable] == ["dog/bad.jpg"]
    assert progress.warnings == ["1 image left out: unreadable"]
    assert (root / "dog/bad.jpg").read_bytes() == before


def test_skipping_does_not_help_a_class_that_is_gone(classes: Classes, write: Write) -> None:
    root = classes(10)
    write(root / "owl/bad.jpg", b"no image")
    with pytest.raises(DataError, match="no usable image of owl"):
        prepare(str(root), Look(8), Shares(), on_bad_image="skip")


def test_warnings_are_passed_on_once(classes: Classes, write: Write) -> None:
    root = classes(10)
    write(root / "cat/notes.txt", b"x")
    progress = Noting()
    prepare(str(root), Look(8), Shares(), progress=progress)
    assert len(progress.warnings) == 1
    assert "cat/notes.txt" in progress.warnings[0]


def test_the_users_folder_is_not_written(classes: Classes) -> None:
    root = classes(8)
    for folder in (root, root / "cat", root / "dog"):
        os.chmod(folder, 0o555)
    before = sorted((p.as_posix(), p.stat().st_mtime_ns) for p in root.rglob("*"))
    prepare(str(root), Look(8), Shares())
    assert sorted((p.as_posix(), p.stat().st_mtime_ns) for p in root.rglob("*")) == before


def test_a_name_of_the_catalogue_wins_over_a_folder_and_says_so(
    classes: Classes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = classes(8)
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "find", lambda name, progress: root)
    progress = Noting()
    assert prepare("digits", Look(8), Shares(), progress=progress).root == root
    assert any("./digits is the path" in warning for warning in progress.warnings)
    with pytest.raises(DataError, match="no images in class folders"):
        prepare("./digits", Look(8), Shares())


@pytest.mark.parametrize("name", ["omniglot", "glyphs"])
def test_sets_of_drawings_are_for_another_command(name: str) -> None:
    with pytest.raises(DataError, match=name) as caught:
        prepare(name, Look(8), Shares())
    assert f"dlp oneshot {name}" in caught.value.hint


def test_labelled_data_counts_in_the_models_classes(classes: Classes, write: Write) -> None:
    root = classes(3)
    write(root / "dog/bad.png", b"x")
    _, split, bad = load_labelled(str(root), ["ant", "cat", "dog"], Look(8))
    assert split.labels.tolist() == [1, 1, 1, 2, 2, 2]
    assert split.pixels.shape == (6, 8, 8, 3)
    assert [error.path for error in bad] == [str(root / "dog/bad.png")]
    with pytest.raises(DataError, match="does not know: dog"):
        load_labelled(str(root), ["cat"], Look(8))


def test_labelled_data_without_a_single_image_is_an_error(write: Write, tmp_path: Path) -> None:
    write(tmp_path / "data/cat/1.png", b"x")
    with pytest.raises(DataError, match="can be decoded"):
        load_labelled(str(tmp_path / "data"), ["cat"], Look(8))


NFC, NFD = "caf\u00e9", "cafe\u0301"


def test_labelled_data_may_spell_the_models_classes_in_another_way(classes: Classes) -> None:
    _, split, _ = load_labelled(str(classes(1, (NFC, "tea"))), [NFD, "tea"], Look(8))
    np.testing.assert_array_equal(split.labels, [0, 1])


def test_an_unknown_class_is_held_beside_the_one_that_looks_the_same(classes: Classes) -> None:
    with pytest.raises(DataError, match=r"'Cat' \(it knows 'cat '\), dog"):
        load_labelled(str(classes(1, ("Cat", "dog"))), ["cat ", "ant"], Look(8))


def test_the_digest_does_not_depend_on_how_names_are_encoded(classes: Classes) -> None:
    one = prepare(str(classes(8, (NFC, "cafz"), "one")), Look(8), Shares())
    other = prepare(str(classes(8, (NFD, "cafz"), "other")), Look(8), Shares())
    assert one.digest == other.digest
    assert (one.class_names, other.class_names) == (("cafz", NFC), ("cafz", NFD))
    np.testing.assert_array_equal(one.train.labels, other.train.labels)


def write_deep(path: Path, brightest: int, seed: int) -> Path:
    """A 16-bit PNG of noise below `brightest`, which it reaches."""
    values = np.random.default_rng(seed).integers(0, brightest, (24, 24), np.uint16)
    values[0, 0] = brightest
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def test_all_deep_files_of_a_set_and_of_a_prediction_have_one_range(tmp_path: Path, write: Write) -> None:
    """Files of 12 bits in 16, some of which are dark: their brightness stays what it is among the others."""
    for number in range(12):
        write_deep(tmp_path / f"deep/bright/{number}.png", 4000, number)
        write_deep(tmp_path / f"deep/dark/{number}.png", 800, 100 + number)
    write(tmp_path / "deep/dark/plain.png", 7)
    for _ in range(2):  # decoded, then from the cache
        dataset = prepare(str(tmp_path / "deep"), Look(24), Shares())
        levels = dataset.audit.levels
        assert levels == Levels(0, 4095)
        for split in dataset.splits.values():
            for number, path in enumerate(split.paths):
                file = dataset.root / path
                pixels = np.asarray(split.pixels[number])
                # What `dlp predict` does with the file alone.
                np.testing.assert_array_equal(pixels, load_pixels(file, Look(24, levels=levels)))
                if not path.endswith("plain.png"):
                    values = np.asarray(Image.open(file)).astype(float)
                    np.testing.assert_allclose(pixels[..., 1], values * 255 / 4095, atol=0.51)
    _, labelled, _ = load_labelled(
        str(tmp_path / "deep/"), ("bright", "dark"), Look(24, levels=Levels(0, 65535))
    )
    assert labelled.pixels[:12].max() == 16


def test_a_deep_file_beyond_the_range_of_training_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_deep(tmp_path / f"deep/{name}/1.png", 800, 1)
    write_deep(tmp_path / "deep/b/2.png", 60000, 2)
    with pytest.raises(ImageError, match=r"% of its values lie outside of 0 to 4,095, the range"):
        load_pixels(tmp_path / "deep/b/2.png", Look(24, levels=Levels(0, 4095)))
    _, known, errors = load_labelled(str(tmp_path / "deep"), ("a", "b"), Look(24, levels=Levels(0, 4095)))
    assert (known.paths, [Path(error.path).name for error in errors]) == (("a/1.png", "b/1.png"), ["2.png"])


def test_images_that_are_not_scored_are_named(classes: Classes, write: Write) -> None:
    root = classes(2)
    write(root / "loose.png", 7)
    warned: list[str] = []

    class Noting(Silent):
        def warn(self, message: str) -> None:
            warned.append(message)

    assert len(load_labelled(str(root), ["cat", "dog"], Look(8), Noting())[1]) == 4
    assert warned == ["1 image passed over, in no class folder: loose.png"]
