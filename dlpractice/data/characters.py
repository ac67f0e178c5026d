"""Made-up alphabets: characters of a few strokes, composed of the parts that an alphabet has in common.

The idea that a character is made of strokes, strokes of parts shared within an alphabet, and that a stroke starts
anew, at an end of an earlier one or along it, is that of Lake, Salakhutdinov and Tenenbaum, "Human-level concept
learning through probabilistic program induction" (Science, 2015). Here nothing is fitted to drawings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

# Share of its own size by which a character must differ from each other one of its alphabet.
MIN_DIFFERENCE = 0.075

# In pixels; Omniglot's strokes are 5 wide, and 95 % of its characters have more than 70 pixels of stroke.
_OUTLINE_STEP = 4.0
_BLOT = 7.0
_SHORTEST = 50.0

_ATTEMPTS = 400
_QUARTER = np.pi / 2


@dataclass(frozen=True)
class Part:
    """A shape that strokes share: `control` is (M, 2) x and y of a spline, `corners` (M,) where it turns sharply."""

    control: NDArray[np.float64]
    corners: NDArray[np.bool_]


@dataclass(frozen=True)
class Stroke:
    """One movement of the pen: part number `part` of the alphabet, with `control` (M, 2) where it lies."""

    part: int
    control: NDArray[np.float64]


@dataclass(frozen=True)
class Character:
    """Strokes in the order in which they are drawn, in pixels, the middle of the character at the origin."""

    strokes: tuple[Stroke, ...]


@dataclass(frozen=True)
class Taste:
    """What sets alphabets apart: probabilities in 0..1, but for `strokes`, a mean number per character.

    `straight` is how often a segment is straight, `sharp` how often two meet at a corner, `upright` how often a
    direction or a turn is a multiple of 45 degrees, `attached` how often a stroke starts on an earlier one,
    `mirrored` how often a repeated stroke is a mirror image.
    """

    straight: float
    sharp: float
    upright: float
    attached: float
    mirrored: float
    strokes: float


def invent_alphabet(
    rng: np.random.Generator, characters: int
) -> tuple[tuple[Part, ...], tuple[Character, ...]]:
    """The parts of an alphabet and as many characters as asked, no two of them alike."""
    taste = _draw_taste(rng)
    parts = tuple(_draw_part(rng, taste) for _ in range(rng.integers(6, 16)))
    # Some parts are in every third character of an alphabet, others in one or two.
    weights = rng.permutation(1.0 / np.arange(1, len(parts) + 1) ** 0.7)
    size = rng.uniform(60, 78)
    invented: list[Character] = []
    outlines: list[NDArray[np.float64]] = []
    attempts = 0
    while len(invented) < characters:
        character = _compose(rng, taste, parts, weights / weights.sum(), size)
        outline = _outline(character)
        attempts += 1
        if not _legible(outline):
            continue
        outline = outline / np.ptp(outline, axis=0).max()
        # A poor alphabet runs out of characters; then a smaller difference has to do.
        least = MIN_DIFFERENCE * 0.5 ** (attempts // _ATTEMPTS)
        if all(difference(outline, other) > least for other in outlines):
            invented.append(character)
            outlines.append(outline)
    return parts, tuple(invented)


def _draw_taste(rng: np.random.Generator) -> Taste:
    return Taste(
        straight=rng.beta(1.2, 1.2),
        sharp=rng.beta(1.2, 1.2),
        upright=rng.uniform(0.5, 1.0),
        attached=rng.uniform(0.35, 0.9),
        mirrored=rng.uniform(0.0, 0.7),
        strokes=rng.uniform(2.0, 3.8),
    )


def _draw_part(rng: np.random.Generator, taste: Taste) -> Part:
    """Walks along one to four segments of constant curvature, as if a turtle drew them."""
    kind = rng.random()
    if kind < 0.2:
        return _dot(rng) if kind < 0.05 else _loop(rng, taste)
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
        length = _length(rng, bend) * (1.0 if number == 0 else rng.uniform(0.35, 1.0))
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


def _length(rng: np.random.Generator, bend: float) -> float:
    """Of a segment, in units of a usual one: curved ones are longer, so that a loop does not become a blot."""
    return float(rng.lognormal(0, 0.3) * (1 + 0.35 * abs(bend)))


def _dot(rng: np.random.Generator) -> Part:
    angle = rng.uniform(0, np.pi)
    tip = 0.08 * np.array([np.cos(angle), np.sin(angle)])
    return Part(np.array([-tip, tip]), np.array([True, True]))


def _loop(rng: np.random.Generator, taste: Taste) -> Part:
    """A closed circle, triangle or square, begun anywhere."""
    sharp = rng.random() < taste.sharp
    count = int(rng.integers(3, 5)) if sharp else 8
    # Half a step from upright, a square stands on its side.
    angles = 2 * np.pi * (np.arange(count + 1) + rng.choice([0.0, 0.5])) / count + _angle(
        rng, taste, [0, 1, 2, 3]
    )
    stretch = np.exp(rng.normal(0, 0.2, 2)) * rng.choice([0.25, 0.45, 0.6])
    vertices = np.stack([np.cos(angles), np.sin(angles)], axis=1) * stretch
    if not sharp:
        corners = np.zeros(count + 1, bool)
        corners[[0, -1]] = True
        return Part(vertices, corners)
    halved = np.repeat(vertices, 2, axis=0)[:-1]
    halved[1::2] = (vertices[:-1] + vertices[1:]) / 2
    return Part(halved, np.arange(len(halved)) % 2 == 0)


def _compose(
    rng: np.random.Generator, taste: Taste, parts: tuple[Part, ...], weights: NDArray[np.float64], size: float
) -> Character:
    """A character as large as the alphabet's `size` in pixels, within a fifth."""
    count = int(np.clip(1 + rng.poisson(taste.strokes - 1), 1, 6))
    strokes: list[Stroke] = []
    for _ in range(count):
        strokes.append(_next_stroke(rng, taste, parts, weights, strokes))
    places = np.concatenate([stroke.control for stroke in strokes])
    low, high = places.min(axis=0), places.max(axis=0)
    # A lone short stroke stays shorter than a character of many.
    extent = max((high - low).max(), 0.5)
    scale = size * rng.uniform(0.8, 1.1) * min(1.0, extent**0.5) / extent
    centre = (low + high) / 2
    return Character(tuple(Stroke(s.part, (s.control - centre) * scale) for s in strokes))


def _next_stroke(
    rng: np.random.Generator,
    taste: Taste,
    parts: tuple[Part, ...],
    weights: NDArray[np.float64],
    strokes: list[Stroke],
) -> Stroke:
    """A further stroke: now and then an earlier one repeated, or a bridge between two earlier places."""
    if strokes and rng.random() < 0.2:
        earlier = strokes[rng.integers(len(strokes))]
        control = earlier.control * ([-1, 1] if rng.random() < taste.mirrored else [1, 1])
        return Stroke(earlier.part, control + _where(rng, taste, control, strokes))
    number = int(rng.choice(len(parts), p=weights))
    if strokes and rng.random() < 0.2:
        bridge = _bridged(rng, parts[number].control, strokes)
        if bridge is not None:
            return Stroke(number, bridge)
    control = _posed(rng, parts[number].control, first=not strokes)
    return Stroke(number, control + _where(rng, taste, control, strokes))


def _bridged(
    rng: np.random.Generator, control: NDArray[np.float64], strokes: list[Stroke]
) -> NDArray[np.float64] | None:
    """The part turned and scaled so that it leads from one earlier place to another; None where it cannot."""
    places = np.concatenate([stroke.control for stroke in strokes])
    start, end = places[rng.choice(len(places), 2, replace=False)]
    own = complex(*(control[-1] - control[0]))
    way = complex(*(end - start))
    if abs(own) < 0.3 or abs(way) < 0.3 or not 0.3 < abs(way / own) < 1.5:
        return None
    turned = (control - control[0]) @ np.array([1, 1j]) * (way / own)
    return np.asarray(start + np.stack([turned.real, turned.imag], axis=1))


def _posed(rng: np.random.Generator, control: NDArray[np.float64], first: bool) -> NDArray[np.float64]:
    """The part as it is, smaller, or now and then mirrored or turned by a quarter."""
    scale = rng.choice([1.0, 0.75, 0.5], p=[0.6, 0.2, 0.2] if first else [0.4, 0.3, 0.3])
    posed = control * scale
    if rng.random() < 0.15:
        posed = posed * [-1, 1]
    if rng.random() < 0.1:
        posed = posed[:, ::-1] * [1, -1]
    return posed - posed[0]


def _where(
    rng: np.random.Generator, taste: Taste, control: NDArray[np.float64], strokes: list[Stroke]
) -> NDArray[np.float64]:
    """(2,) by how much a stroke that starts at the origin is moved: on or beside the earlier ones."""
    if not strokes:
        return np.zeros(2)
    other = strokes[rng.integers(len(strokes))].control
    # Taken from the middle of the new stroke, it crosses the other one.
    own = control[len(control) // 2] if rng.random() < 0.25 else control[0]
    if rng.random() < taste.attached:
        place = other[rng.choice([0, len(other) - 1, rng.integers(len(other))])]
        return np.asarray(place - own)
    places = np.concatenate([stroke.control for stroke in strokes])
    centre = (places.min(axis=0) + places.max(axis=0)) / 2
    reach = np.ptp(places, axis=0) / 2 + np.ptp(control, axis=0) / 2 + 0.15
    middle = (control.min(axis=0) + control.max(axis=0)) / 2
    sides = np.array([[1, 0], [-1, 0], [0, 1], [0, 1], [0, -1], [0, 0]])
    side = sides[rng.integers(len(sides))] * rng.uniform(0.6, 1.1)
    return np.asarray(centre + side * reach + rng.normal(0, 0.08, 2) - middle)


def _outline(character: Character) -> NDArray[np.float64]:
    """(P, 2) evenly spread places on the strokes, OUTLINE_STEP pixels apart."""
    lines = []
    for stroke in character.strokes:
        lengths = np.linalg.norm(np.diff(stroke.control, axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(lengths)])
        at = np.linspace(0, along[-1], 2 + int(along[-1] / _OUTLINE_STEP))
        lines.append(np.stack([np.interp(at, along, stroke.control[:, axis]) for axis in (0, 1)], axis=1))
    return np.concatenate(lines)


def _legible(outline: NDArray[np.float64]) -> bool:
    """False for a mere dot, for a blot, whose strokes lie on top of one another, and for what is low and wide."""
    cells = np.unique(np.floor(outline / _BLOT), axis=0)
    length = len(outline) * _OUTLINE_STEP
    width, height = np.ptp(outline, axis=0)
    return length > _SHORTEST and len(cells) * _BLOT > 0.85 * length and width < 1.5 * height + 10


def difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The modified Hausdorff distance (Dubuisson and Jain, 1994) between (P, 2) and (Q, 2) places."""
    distances = cdist(first, second)
    return float(max(distances.min(axis=0).mean(), distances.min(axis=1).mean()))
