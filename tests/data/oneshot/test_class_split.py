from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from dlpractice.data.files.decoding import Look
from dlpractice.data.oneshot import class_split as module
from dlpractice.data.oneshot.class_split import ClassSplit, SplitPlan, split_classes
from dlpractice.data.oneshot.own_classes import Reading
from dlpractice.data.sets import omniglot
from dlpractice.data.sets.digits import read_digit_examples
from dlpractice.errors import DataError

Write = Callable[..., Path]
READING = Reading(Look(16))
SMALL = {"glyph_alphabets": 2, "validation_alphabets": 1, "evaluation_alphabets": 1}


def classes_of(class_split: ClassSplit) -> dict[str, set[str]]:
    return {
        name: {part.class_names[code] for code in part.classes} for name, part in class_split.parts.items()
    }


def assert_disjoint(class_split: ClassSplit) -> None:
    parts = list(classes_of(class_split).values())
    assert sum(map(len, parts)) == len(set().union(*parts))


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Callable[..., Path]:
    """A folder of small noise, with so many images per path of a class folder."""

    def make(counts: dict[str, int]) -> Path:
        for column, (name, count) in enumerate(counts.items()):
            for number in range(count):
                write(tmp_path / "folder" / name / f"{number}.png", 1000 * column + number)
        return tmp_path / "folder"

    return make


def test_omniglots_validation_alphabets_are_held_out_of_the_background(tiny_omniglot: Any) -> None:
    class_split = split_classes("omniglot", READING, SplitPlan(validation_alphabets=1, split_seed=2))
    assert (class_split.root, len(class_split.runs), class_split.files) == ("omniglot", 2, None)
    assert_disjoint(class_split)
    alphabets = {name: set(part.present_alphabets()) for name, part in class_split.parts.items()}
    assert alphabets["train"] | alphabets["validation"] == {"Greek", "Korean", "Latin"}
    assert not alphabets["train"] & alphabets["validation"]
    assert alphabets["test"] == {"Atlantean", "Tengwar"}
    held_out = {
        split_classes(
            "omniglot", READING, SplitPlan(validation_alphabets=1, split_seed=seed)
        ).validation.present_alphabets()
        for seed in range(12)
    }
    assert len(held_out) == 3
    for count in (0, 3):
        with pytest.raises(DataError, match="cannot be held out"):
            split_classes("omniglot", READING, SplitPlan(validation_alphabets=count))


def test_the_usual_few_shot_split_leaves_the_published_runs_out(
    tiny_omniglot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 9 background and 7 evaluation classes, the first 11 are trained on or choose the model."""
    monkeypatch.setattr(omniglot, "_VINYALS_TRAINED", 11)
    monkeypatch.setattr(omniglot, "_VINYALS_VALIDATION", ("Korean",))
    class_split = split_classes("omniglot", READING, SplitPlan(split="vinyals", validation_alphabets=1))
    assert_disjoint(class_split)
    assert {name: len(found) for name, found in classes_of(class_split).items()} == {
        "train": 7,
        "validation": 4,
        "test": 5,
    }
    assert class_split.root == "omniglot"
    assert class_split.runs == ()
    assert class_split.vinyals is not None
    tested = {class_split.evaluation.class_names[code] for code in class_split.vinyals}
    assert tested == classes_of(class_split)["test"]
    published = split_classes("omniglot", READING, SplitPlan(validation_alphabets=1))
    assert len(published.runs) == 2


def test_split_rows_say_what_became_of_every_drawing(tiny_omniglot: Any) -> None:
    rows = split_classes("omniglot", READING, SplitPlan(validation_alphabets=1)).split_rows()
    assert [row["path"] for row in rows] == sorted(tiny_omniglot.drawings)
    for row in rows:
        part, alphabet, character, _ = row["path"].split("/")
        assert (row["group"], row["label"]) == (alphabet, f"{alphabet}/{character}")
        assert row["bound"] == f"{alphabet} {int(row['path'][-6:-4]) - 1}"
        assert (row["split"] == "test") == (part == "images_evaluation")
    assert set(rows[0]) == {"path", "label", "split", "sha256", "group", "bound"}


def test_the_digest_is_that_of_the_division(tiny_omniglot: Any) -> None:
    digests = [
        split_classes("omniglot", READING, SplitPlan(validation_alphabets=count, split_seed=seed)).digest
        for count, seed in ((1, 0), (1, 0), (2, 0), (1, 1), (1, 2), (1, 3))
    ]
    assert digests[0] == digests[1] != digests[2]
    assert len(set(digests)) > 2


def test_one_example_per_class_is_for_the_background_alone(tiny_omniglot: Any) -> None:
    class_split = split_classes("omniglot", READING, SplitPlan(validation_alphabets=1, examples_per_class=1))
    assert np.bincount(class_split.background.classes).max() == 1
    assert len(class_split.background) == len(classes_of(class_split)["train"])
    assert np.bincount(class_split.validation.classes).max() == 20
    assert len(class_split.evaluation) == 140


def test_the_one_example_is_drawn_by_the_seed(folder: Callable[..., Path]) -> None:
    root = folder({f"person-{number}": 4 for number in range(8)})
    kept: dict[int, set[str]] = {}
    for seed in range(12):
        plan = SplitPlan(examples_per_class=1, split_seed=seed)
        background, again = (split_classes(str(root), READING, plan).background for _ in range(2))
        assert background.paths == again.paths
        for code, path in zip(background.classes.tolist(), background.paths, strict=True):
            kept.setdefault(code, set()).add(path)
    assert kept and all(len(paths) > 1 for paths in kept.values())


def test_glyphs_can_join_the_background(tiny_omniglot: Any) -> None:
    alone = split_classes("omniglot", READING, SplitPlan(validation_alphabets=1))
    mixed = split_classes("omniglot", READING, SplitPlan(validation_alphabets=1, glyph_alphabets=1))
    assert set(mixed.background.present_alphabets()) == {*alone.background.present_alphabets(), "glyphs-000"}
    assert mixed.validation.paths == alone.validation.paths
    assert mixed.evaluation.paths == alone.evaluation.paths
    np.testing.assert_array_equal(mixed.background.pixels[: len(alone.background)], alone.background.pixels)


def test_glyphs_that_join_depend_on_the_seed(folder: Callable[..., Path]) -> None:
    root = folder({f"person-{number}": 2 for number in range(6)})
    made = []
    for seed in (0, 1):
        background = split_classes(
            str(root), READING, SplitPlan(glyph_alphabets=1, split_seed=seed)
        ).background
        joined = background.of_alphabets(["glyphs-000"])
        made.append(set(joined.sha256))
    assert made[0] and not made[0] & made[1]


def test_more_glyphs_to_train_on_leave_the_test_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = read_digit_examples()
    monkeypatch.setattr(module, "read_digit_examples", lambda: digits)
    few = split_classes("glyphs", READING, SplitPlan(**{**SMALL, "glyph_alphabets": 1}))
    many = split_classes("glyphs", READING, SplitPlan(**SMALL))
    assert_disjoint(many)
    assert many.evaluation.paths == few.evaluation.paths
    np.testing.assert_array_equal(many.validation.pixels, few.validation.pixels)
    assert set(few.background.present_alphabets()) < set(many.background.present_alphabets())
    assert many.digits is digits
    assert split_classes("glyphs", READING, SplitPlan(split_seed=1, **SMALL)).digest != many.digest
    with pytest.raises(DataError, match="0 alphabets to train on"):
        split_classes("glyphs", READING, SplitPlan(**{**SMALL, "glyph_alphabets": 0}))


def test_a_folder_is_divided_by_class(folder: Callable[..., Path]) -> None:
    root = folder({f"person-{number:02d}": 2 for number in range(20)})
    class_split = split_classes(str(root), READING, SplitPlan(validation=0.2, evaluation=0.3))
    assert_disjoint(class_split)
    assert {name: len(found) for name, found in classes_of(class_split).items()} == {
        "train": 10,
        "validation": 4,
        "test": 6,
    }
    assert class_split.root == str(root)
    assert class_split.audit["images"] == 40
    assert class_split.audit["parts"]["test"] == {"alphabets": ["folder"], "classes": 6, "examples": 12}
    again = split_classes(str(root), READING, SplitPlan(validation=0.2, evaluation=0.3))
    other = split_classes(str(root), READING, SplitPlan(validation=0.2, evaluation=0.3, split_seed=1))
    assert class_split.digest == again.digest != other.digest


def test_a_folder_of_alphabets_is_divided_by_whole_alphabets(folder: Callable[..., Path]) -> None:
    root = folder({f"{alphabet}/{number}": 2 for alphabet in "ABCDE" for number in range(3)})
    for seed in range(4):
        class_split = split_classes(str(root), READING, SplitPlan(split_seed=seed))
        assert_disjoint(class_split)
        alphabets = [part.present_alphabets() for part in class_split.parts.values()]
        assert sorted(map(len, alphabets)) == [1, 2, 2]
        assert sorted(name for names in alphabets for name in names) == list("ABCDE")


def test_two_alphabets_are_divided_by_class(folder: Callable[..., Path]) -> None:
    root = folder({f"{alphabet}/{number}": 2 for alphabet in "AB" for number in range(5)})
    class_split = split_classes(str(root), READING, SplitPlan())
    assert_disjoint(class_split)
    assert [len(found) for found in classes_of(class_split).values()] == [5, 2, 3]


def test_classes_of_one_example_are_trained_on(folder: Callable[..., Path]) -> None:
    counts = {f"many-{number}": 2 for number in range(6)} | {f"one-{number}": 1 for number in range(9)}
    root = folder(counts)
    for seed in range(4):
        class_split = split_classes(str(root), READING, SplitPlan(split_seed=seed))
        assert [len(found) for found in classes_of(class_split).values()] == [11, 2, 2]
        assert {name for name in counts if name.startswith("one-")} < classes_of(class_split)["train"]


def test_too_few_classes_are_an_error_that_counts_them(folder: Callable[..., Path]) -> None:
    root = folder({f"person-{number}": 2 for number in range(5)})
    with pytest.raises(DataError, match=r"needs at least 6 classes of 2 or more examples, .* it has 5$"):
        split_classes(str(root), READING, SplitPlan())
    with pytest.raises(DataError, match="needs at least 8 classes"):
        split_classes(str(root), READING, SplitPlan(validation=0.3, evaluation=0.5))
    (root / "single").mkdir()
    (root / "person-0/1.png").rename(root / "single/0.png")
    with pytest.raises(DataError, match=r"it has 4, and 2 of one example, which can only be trained on$"):
        split_classes(str(root), READING, SplitPlan())
    assert len(classes_of(split_classes(str(root), READING, SplitPlan(examples_per_class=1)))["train"]) == 2


@pytest.mark.parametrize("shares", [(0.15, 0.3), (0.3, 0.3), (0.2, 0.5), (0.45, 0.5)])
def test_the_number_of_classes_that_is_asked_for_is_the_least_that_does(
    folder: Callable[..., Path], shares: tuple[float, float]
) -> None:
    plan = SplitPlan(validation=shares[0], evaluation=shares[1])
    with pytest.raises(DataError) as caught:
        split_classes(str(folder({f"person-{number:02d}": 2 for number in range(2)})), READING, plan)
    least = int(caught.value.message.split("at least ")[1].split()[0])
    few = folder({f"person-{number:02d}": 2 for number in range(least - 1)})
    with pytest.raises(DataError, match=f"at least {least} .* has {least - 1}$"):
        split_classes(str(few), READING, plan)
    assert split_classes(str(folder({f"person-{number:02d}": 2 for number in range(least)})), READING, plan)


def test_alphabets_without_two_classes_are_named(folder: Callable[..., Path]) -> None:
    counts = {f"{alphabet}/{number}": 2 for alphabet in ("Greek", "Latin") for number in range(3)}
    with pytest.raises(DataError, match=r"at least 2 classes .*; \w+ has 1 \(of Tagalog\)$"):
        split_classes(str(folder(counts | {"Tagalog/0": 2})), READING, SplitPlan())


def test_a_folder_with_glyphs_is_kept_in_their_size(folder: Callable[..., Path]) -> None:
    root = folder({f"person-{number}": 2 for number in range(6)})
    class_split = split_classes(str(root), READING, SplitPlan(glyph_alphabets=1))
    assert set(class_split.background.present_alphabets()) == {"folder", "glyphs-000"}
    assert {part.image_size for part in class_split.parts.values()} == {105}


def test_recordings_are_not_mixed_with_glyphs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for word in range(8):
        for speaker in range(3):
            path = tmp_path / f"word{word}" / f"{speaker}.wav"
            path.parent.mkdir(exist_ok=True)
            wavfile.write(path, 8000, rng.normal(0, 3000, 6000).astype(np.int16))
    with pytest.raises(DataError, match="holds recordings") as caught:
        split_classes(str(tmp_path), READING, SplitPlan(glyph_alphabets=1))
    assert "data.glyph_alphabets" in caught.value.hint
    assert len(split_classes(str(tmp_path), READING, SplitPlan()).background)
