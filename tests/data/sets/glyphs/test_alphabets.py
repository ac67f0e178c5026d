import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlpractice.data.examples import Examples
from dlpractice.data.sets.glyphs.alphabets import generate_alphabets
from dlpractice.errors import DataError
from dlpractice.progress import Silent


@pytest.fixture(scope="module")
def glyphs(shared_cache: Path) -> Examples:
    return generate_alphabets(4, seed=5, characters=(6, 12))


def test_codes_names_and_pixels_belong_together(glyphs: Examples) -> None:
    number = len(glyphs.class_names)
    assert glyphs.alphabet_names == ("glyphs-000", "glyphs-001", "glyphs-002", "glyphs-003")
    assert glyphs.pixels.shape == (number * 20, 105, 105, 1) and glyphs.pixels.dtype == np.uint8
    assert np.bincount(glyphs.classes).tolist() == [20] * number
    for index in range(0, len(glyphs), 7):
        name = glyphs.class_names[glyphs.classes[index]]
        assert name.startswith(glyphs.alphabet_names[glyphs.alphabets[index]] + "/character")
        assert glyphs.paths[index] == f"{name}/drawer{glyphs.drawers[index] + 1:02d}"
        assert glyphs.sha256[index] == hashlib.sha256(np.asarray(glyphs.pixels[index]).tobytes()).hexdigest()
    assert len(set(glyphs.paths)) == len(set(glyphs.sha256)) == len(glyphs)
    sizes = [len(np.unique(glyphs.classes[glyphs.alphabets == code])) for code in range(4)]
    assert all(6 <= size <= 12 for size in sizes)


def test_an_alphabet_is_a_function_of_its_number_and_the_seed(glyphs: Examples) -> None:
    alone = generate_alphabets(1, seed=5, first=2, characters=(6, 12))
    assert alone.alphabet_names == ("glyphs-002",)
    np.testing.assert_array_equal(alone.pixels, glyphs.pixels[glyphs.alphabets == 2])
    other = generate_alphabets(1, seed=6, first=2, characters=(6, 12))
    assert not set(other.sha256) & set(glyphs.sha256)


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"first": 1}, {"characters": (4, 4)}, {"drawers": 3}], ids=str
)
def test_what_was_drawn_before_changes_nothing(
    other: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"seed": 0, "characters": (3, 3), "drawers": 2}
    generate_alphabets(1, **asked)
    after = generate_alphabets(1, **{**asked, **other})
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path / "empty"))
    np.testing.assert_array_equal(after.pixels, generate_alphabets(1, **{**asked, **other}).pixels)


def test_ink_and_extent_are_those_of_omniglot() -> None:
    """Omniglot: 7.8 % ink; boxes of 55 x 61 pixels on average, with standard deviations 17 and 16."""
    many = generate_alphabets(12, seed=0, characters=(12, 12), drawers=6)
    ink = np.asarray(many.pixels)[..., 0] < 128
    assert ink.mean() == pytest.approx(0.078, rel=0.15)
    boxes = []
    for axis, mean in ((1, 55), (2, 61)):
        line = ink.any(axis=axis)
        first, last = line.argmax(axis=1), 104 - line[:, ::-1].argmax(axis=1)
        boxes.append(last - first + 1)
        assert boxes[-1].mean() == pytest.approx(mean, rel=0.12)
        assert boxes[-1].std() == pytest.approx(16, rel=0.3)
        assert ((first + last) / 2).mean() == pytest.approx(52, abs=3)


def test_drawings_of_a_character_are_more_alike_than_those_of_two() -> None:
    many = generate_alphabets(3, seed=1, characters=(10, 10), drawers=8)
    coarse = np.asarray(many.pixels)[:, :104, :104, 0].reshape(-1, 13, 8, 13, 8).mean(axis=(2, 4))
    flat = coarse.reshape(len(many), -1)
    squares = (flat**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * flat @ flat.T
    within = many.alphabets[:, None] == many.alphabets
    same = many.classes[:, None] == many.classes
    different_drawer = many.drawers[:, None] != many.drawers
    near = distances[same & different_drawer].mean()
    far = distances[within & ~same & different_drawer].mean()
    assert far > 1.2 * near


def test_progress_counts_alphabets() -> None:
    class Counting(Silent):
        done = 0

        def advance(self, done: int = 1) -> None:
            self.done += done

    counting = Counting()
    generate_alphabets(2, seed=0, characters=(2, 2), drawers=1, progress=counting)
    assert counting.done == 2


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"characters": (5, 4)}, {"characters": (0, 4)}, {"drawers": 0}]
)
def test_nothing_to_draw_is_an_error(wrong: dict[str, object]) -> None:
    arguments = {"count": 1, "characters": (2, 3), "drawers": 2, **wrong}
    with pytest.raises(DataError, match="alphabets of"):
        generate_alphabets(arguments.pop("count"), seed=0, **arguments)  # type: ignore[arg-type]
