import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.data.sets.glyphs.characters import MIN_DIFFERENCE, Alphabet, difference, invent_alphabet


@pytest.fixture(scope="module")
def alphabets() -> list[Alphabet]:
    return [invent_alphabet(np.random.default_rng(seed), 25) for seed in range(6)]


def places(character: object) -> NDArray[np.float64]:
    """(P, 2) ten places on each side of each stroke's control polygon."""
    share = np.linspace(0, 1, 10)[:, None]
    return np.concatenate(
        [
            start + share * (end - start)
            for stroke in character  # type: ignore[attr-defined]
            for start, end in zip(stroke.control[:-1], stroke.control[1:], strict=True)
        ]
    )


def test_the_difference_is_the_modified_hausdorff_distance() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(7, 2)), rng.normal(size=(5, 2))
    there = np.mean([min(np.hypot(*(a - b)) for b in second) for a in first])
    back = np.mean([min(np.hypot(*(a - b)) for a in first) for b in second])
    assert difference(first, second) == pytest.approx(max(there, back))


def test_as_many_characters_as_asked_no_two_alike(alphabets: list[Alphabet]) -> None:
    for alphabet in alphabets:
        assert len(alphabet.characters) == 25
        outlines = [places(character) for character in alphabet.characters]
        outlines = [outline / np.ptp(outline, axis=0).max() for outline in outlines]
        for number, outline in enumerate(outlines):
            # These places are spread otherwise than those that the alphabet was checked with.
            assert all(difference(outline, other) > 0.6 * MIN_DIFFERENCE for other in outlines[:number])


def test_characters_lie_around_the_origin_and_fit_on_paper(alphabets: list[Alphabet]) -> None:
    for alphabet in alphabets:
        for character in alphabet.characters:
            control = np.concatenate([stroke.control for stroke in character])
            np.testing.assert_allclose(control.min(axis=0), -control.max(axis=0), atol=1e-9)
            assert 15 < np.ptp(control, axis=0).max() < 90


def test_strokes_are_few_and_their_parts_are_shared(alphabets: list[Alphabet]) -> None:
    for alphabet in alphabets:
        assert all(1 <= len(character) <= 12 for character in alphabet.characters)
        used = [{stroke.part for stroke in character} for character in alphabet.characters]
        commonest = max(sum(part in parts for parts in used) for part in range(len(alphabet.parts)))
        assert commonest >= 5
    strokes = np.mean([len(character) for alphabet in alphabets for character in alphabet.characters])
    assert 1.5 < strokes < 4


def test_a_stroke_has_the_control_points_of_its_part(alphabets: list[Alphabet]) -> None:
    for alphabet in alphabets:
        for stroke in (stroke for character in alphabet.characters for stroke in character):
            assert stroke.control.shape == alphabet.parts[stroke.part].control.shape


def test_a_larger_alphabet_begins_with_the_smaller_one() -> None:
    small, large = (invent_alphabet(np.random.default_rng(3), count) for count in (5, 9))
    for one, other in zip(small.characters, large.characters[:5], strict=True):
        for first, second in zip(one, other, strict=True):
            np.testing.assert_array_equal(first.control, second.control)
