"""The shapes that the strokes of a made-up alphabet share: lines, arcs, hooks, zigzags, loops and dots."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_QUARTER = np.pi / 2


@dataclass(frozen=True)
class Part:
    """A spline through (M, 2) x and y in `control`; it turns sharply where `corners`, (M,), says so.

    A straight line of usual length is one unit long.
    """

    control: NDArray[np.float64]
    corners: NDArray[np.bool_]


@dataclass(frozen=True)
class Taste:
    """What sets alphabets apart: probabilities in 0..1, but for `strokes`, a mean number per character.

    `straight` is how often a segment is straight, `sharp` how often two meet at a corner, `upright` how
    often a direction or a turn is a multiple of 45 degrees, `attached` how often a stroke starts on an
    earlier one, `mirrored` how often a repeated stroke is a mirror image, `varied` how often a character
    is an earlier one with a stroke more, less or exchanged.
    """

    straight: float
    sharp: float
    upright: float
    attached: float
    mirrored: float
    varied: float
    strokes: float


def draw_taste(rng: np.random.Generator) -> Taste:
    """The taste of one alphabet."""
    return Taste(
        straight=rng.beta(1.2, 1.2),
        sharp=rng.beta(1.2, 1.2),
        upright=rng.uniform(0.5, 1.0),
        attached=rng.uniform(0.35, 0.9),
        mirrored=rng.uniform(0.0, 0.7),
        varied=rng.uniform(0.2, 0.7),
        strokes=rng.uniform(2.0, 3.8),
    )


def draw_part(rng: np.random.Generator, taste: Taste) -> Part:
    """A dot, a loop or, mostly, an open shape."""
    kind = rng.random()
    if kind < 0.05:
        return _dot(rng)
    return _loop(rng, taste) if kind < 0.2 else _open_shape(rng, taste)


def _dot(rng: np.random.Generator) -> Part:
    angle = rng.uniform(0, np.pi)
    tip = 0.08 * np.array([np.cos(angle), np.sin(angle)])
    return Part(np.array([-tip, tip]), np.array([True, True]))


def _loop(rng: np.random.Generator, taste: Taste) -> Part:
    """A closed oval, triangle or square, begun anywhere."""
    sharp = rng.random() < taste.sharp
    count = int(rng.integers(3, 5)) if sharp else 8
    start = _angle(rng, taste, [0, 1, 2, 3]) + rng.choice([0.0, np.pi / count])
    angles = start + 2 * np.pi * np.arange(count + 1) / count
    stretch = np.exp(rng.normal(0, 0.2, 2)) * rng.choice([0.25, 0.45, 0.6])
    vertices = np.stack([np.cos(angles), np.sin(angles)], axis=1) * stretch
    if not sharp:
        return Part(vertices, np.arange(count + 1) % count == 0)
    # With a point in the middle of each side the spline follows it.
    halved = np.repeat(vertices, 2, axis=0)[:-1]
    halved[1::2] = (vertices[:-1] + vertices[1:]) / 2
    return Part(halved, np.arange(len(halved)) % 2 == 0)


def _open_shape(rng: np.random.Generator, taste: Taste) -> Part:
    """Walks along one to four segments of constant curvature, as if a turtle drew them."""
    segments = int(rng.choice([1, 2, 3, 4], p=[0.4, 0.3, 0.2, 0.1]))
    # Most strokes go right or down.
    heading = _angle(rng, taste, [0, 0, 1, 2, 2, 2, 3, 4]) / 2
    places = [np.zeros(2)]
    corners = [True]
    side = rng.choice([-1, 1])
    for number in range(segments):
        if number and rng.random() < 0.35:
            side = -side
        if number and rng.random() < taste.sharp:
            corners[-1] = True
            heading += side * _angle(rng, taste, [1, 2, 2, 2, 3, 3]) / 2
        bend = 0.0 if rng.random() < taste.straight else side * _angle(rng, taste, [1, 1, 2, 2, 2, 3, 4])
        # Curved segments are longer, so that a loop does not become a blot.
        length = rng.lognormal(0, 0.3) * (1 + 0.35 * abs(bend)) * (rng.uniform(0.35, 1.0) if number else 1.0)
        steps = 2 + int(np.ceil(abs(bend) / (_QUARTER / 2)))
        for _ in range(steps):
            heading += bend / steps / 2
            places.append(places[-1] + length / steps * np.array([np.cos(heading), np.sin(heading)]))
            heading += bend / steps / 2
            corners.append(False)
    corners[-1] = True
    return Part(np.array(places), np.array(corners))


def _angle(rng: np.random.Generator, taste: Taste, quarters: list[int]) -> float:
    """One of the given numbers of quarter turns, in radians, exact or not."""
    loose = 0.0 if rng.random() < taste.upright else rng.normal(0, 0.25)
    return float(rng.choice(quarters) + loose) * _QUARTER
