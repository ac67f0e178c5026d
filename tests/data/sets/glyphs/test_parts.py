from dataclasses import replace

import numpy as np

from dlpractice.data.sets.glyphs.parts import Part, Taste, draw_part, draw_taste


def parts(taste: Taste, count: int = 200) -> list[Part]:
    rng = np.random.default_rng(0)
    return [draw_part(rng, taste) for _ in range(count)]


def some_taste() -> Taste:
    return draw_taste(np.random.default_rng(1))


def test_parts_start_and_end_at_corners_and_do_not_stand_still() -> None:
    for part in parts(some_taste()):
        assert part.corners.shape == (len(part.control),)
        assert part.corners[0] and part.corners[-1]
        assert (np.linalg.norm(np.diff(part.control, axis=0), axis=1) > 0.01).all()


def test_there_are_dots_loops_and_open_shapes() -> None:
    extents = np.array([np.ptp(part.control, axis=0).max() for part in parts(some_taste())])
    gaps = np.array([np.linalg.norm(part.control[-1] - part.control[0]) for part in parts(some_taste())])
    assert 0.01 < (extents < 0.2).mean() < 0.12
    assert 0.08 < (gaps < 1e-9).mean() < 0.25


def test_a_straight_and_upright_taste_knows_only_multiples_of_45_degrees() -> None:
    taste = replace(some_taste(), straight=1.0, upright=1.0)
    opened = [p for p in parts(taste) if np.linalg.norm(p.control[-1] - p.control[0]) > 0.2]
    steps = np.concatenate([np.diff(part.control, axis=0) for part in opened])
    eighths = np.arctan2(steps[:, 1], steps[:, 0]) / (np.pi / 4)
    np.testing.assert_allclose(eighths, np.rint(eighths), atol=1e-6)


def test_a_smooth_taste_has_no_corners_but_at_the_ends() -> None:
    assert not any(part.corners[1:-1].any() for part in parts(replace(some_taste(), sharp=0.0)))


def test_tastes_are_probabilities() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        taste = vars(draw_taste(rng)).copy()
        assert 1 <= taste.pop("strokes") <= 6
        assert all(0 <= value <= 1 for value in taste.values())
