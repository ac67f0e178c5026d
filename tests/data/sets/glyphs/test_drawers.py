from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.data.sets.glyphs.characters import Alphabet, Stroke, invent_alphabet
from dlpractice.data.sets.glyphs.drawers import Drawers, draw_alphabet, draw_character, invite_drawers
from dlpractice.data.sets.glyphs.parts import Part
from dlpractice.data.sets.glyphs.pen import PAPER, SIDE

COUNT = 20


@pytest.fixture(scope="module")
def alphabet() -> Alphabet:
    return invent_alphabet(np.random.default_rng(0), 12)


@pytest.fixture(scope="module")
def drawers(alphabet: Alphabet) -> Drawers:
    return invite_drawers(np.random.default_rng(1), COUNT, alphabet.parts)


def draw_all(alphabet: Alphabet, drawers: Drawers, seed: int = 2) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return np.stack([draw_character(rng, c, alphabet.parts, drawers) for c in alphabet.characters])


def ink(drawings: NDArray[np.uint8]) -> NDArray[np.float64]:
    return (PAPER - drawings.astype(np.float64)) / PAPER


def test_an_alphabet_is_drawn_from_its_own_seeds() -> None:
    drawn = draw_alphabet(4, 2, 3, 5)
    assert drawn.shape == (3, 5, SIDE, SIDE)
    np.testing.assert_array_equal(drawn, draw_alphabet(4, 2, 3, 5))
    for other in (draw_alphabet(4, 3, 3, 5), draw_alphabet(5, 2, 3, 5)):
        assert (other != drawn).any(axis=(2, 3)).all()


def test_every_drawer_draws_once_and_never_alike(alphabet: Alphabet, drawers: Drawers) -> None:
    drawings = draw_all(alphabet, drawers)
    assert drawings.shape == (12, COUNT, SIDE, SIDE) and drawings.dtype == np.uint8
    flat = drawings.reshape(12 * COUNT, -1)
    assert len(np.unique(flat, axis=0)) == len(flat)
    again = draw_all(alphabet, drawers, seed=3)
    assert (again != drawings).any(axis=(2, 3)).all()
    np.testing.assert_array_equal(draw_all(alphabet, drawers), drawings)


def test_all_ink_is_on_the_paper(alphabet: Alphabet, drawers: Drawers) -> None:
    """Giants' drawings are shrunk, and those of people who write at the edge moved."""
    giants = replace(drawers, hand=drawers.hand * 3, place=drawers.place + 80)
    marks = ink(draw_all(alphabet, giants))
    border = np.concatenate([marks[..., 0, :], marks[..., -1, :], marks[..., 0], marks[..., -1]], axis=-1)
    # The pen's middle stays 2.5 pixels inside; only a pen wider than that may touch the edge.
    assert border[:, drawers.radius < 2].sum() == 0
    assert (marks.sum(axis=(2, 3)) > 50).all()


def test_a_drawer_keeps_his_pen_and_his_size(alphabet: Alphabet, drawers: Drawers) -> None:
    broad = replace(drawers, radius=np.where(np.arange(COUNT) < COUNT // 2, 1.5, 3.0))
    amounts = ink(draw_all(alphabet, broad)).sum(axis=(2, 3))
    assert 1.6 < amounts[:, COUNT // 2 :].mean() / amounts[:, : COUNT // 2].mean() < 2.2
    small = replace(
        drawers, hand=drawers.hand * np.where(np.arange(COUNT) < COUNT // 2, 0.5, 1.0)[:, None, None]
    )
    widths = ink(draw_all(alphabet, small)).any(axis=2).sum(axis=2)
    assert widths[:, COUNT // 2 :].mean() / widths[:, : COUNT // 2].mean() > 1.5


def test_place_is_where_the_middle_of_a_drawing_is_on_average(alphabet: Alphabet, drawers: Drawers) -> None:
    aside = replace(drawers, hand=drawers.hand * 0.5, place=np.full((COUNT, 2), [10.0, -6.0]))
    marks = ink(draw_all(alphabet, aside)).max(axis=1)
    columns, rows = (np.flatnonzero(marks.any(axis=(0, axis))) for axis in (1, 2))
    assert (columns[0] + columns[-1] + 1) / 2 - SIDE / 2 == pytest.approx(10, abs=4)
    assert (rows[0] + rows[-1] + 1) / 2 - SIDE / 2 == pytest.approx(-6, abs=4)


def test_without_haste_a_straight_line_stays_straight() -> None:
    """A straight line of width w has the variance w^2 / 12 across, as a box has."""
    line = Part(np.linspace([-20.0, -20.0], [20.0, 20.0], 5), np.arange(5) % 4 == 0)
    people = replace(
        invite_drawers(np.random.default_rng(0), COUNT, [line]),
        radius=np.full(COUNT, 2.5),
        haste=np.zeros(COUNT),
    )
    straight = replace(people, bend=(np.zeros((COUNT, 5, 2)),))
    hasty = replace(straight, haste=np.full(COUNT, 3.0))
    across = []
    for drawers in (straight, hasty):
        drawn = draw_character(np.random.default_rng(0), [Stroke(0, line.control)], [line], drawers)
        across.append([np.linalg.eigvalsh(np.cov(np.nonzero(image < 128)))[0] for image in drawn])
    np.testing.assert_allclose(across[0], 5**2 / 12, rtol=0.15)
    assert np.median(across[1]) > 1.5 * 5**2 / 12
