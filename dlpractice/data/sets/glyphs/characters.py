"""Made-up alphabets: characters of a few strokes, composed of the parts that an alphabet has in common.

That a character is made of strokes, that an alphabet shares the parts of strokes, and that a stroke starts
anew, at an end of an earlier one or along it, is the idea of Lake, Salakhutdinov and Tenenbaum, "Human-level
concept learning through probabilistic program induction" (Science, 2015). Nothing here is fitted to drawings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from dlpractice.data.sets.glyphs.parts import Part, Taste, draw_part, draw_taste

# By which share of its size a character differs from each other one of its alphabet.
MIN_DIFFERENCE = 0.045

# In pixels. Omniglot's strokes are 5 wide, and 95 % of its characters have more than 70 pixels of stroke.
_SHORTEST = 50.0
_BLOT = 7.0
_OUTLINE_STEP = 4.0

# After so many attempts at an alphabet half the difference has to do: its parts may be too few or too plain.
_ATTEMPTS = 400


@dataclass(frozen=True)
class Stroke:
    """One movement of the pen: part number `part` of the alphabet, its control points (M, 2) in `control`."""

    part: int
    control: NDArray[np.float64]


@dataclass(frozen=True)
class Alphabet:
    """Characters, each a number of strokes in pixels around the origin, and the parts that they share."""

    parts: tuple[Part, ...]
    characters: tuple[tuple[Stroke, ...], ...]


@dataclass(frozen=True)
class _Style:
    """What the characters of an alphabet have in common; `weights` (parts,) is how often each part occurs."""

    taste: Taste
    parts: tuple[Part, ...]
    weights: NDArray[np.float64]


def invent_alphabet(rng: np.random.Generator, characters: int) -> Alphabet:
    """An alphabet of as many characters as asked, no two of them alike."""
    style = _draw_style(rng)
    size = rng.uniform(56, 76)
    sketches: list[list[Stroke]] = []
    invented: list[tuple[Stroke, ...]] = []
    outlines: list[NDArray[np.float64]] = []
    attempts = 0
    while len(invented) < characters:
        sketch = _sketch(rng, style, sketches)
        character = _sized(sketch, size * rng.uniform(0.8, 1.1))
        outline = _outline(character)
        least = MIN_DIFFERENCE * 0.5 ** (attempts // _ATTEMPTS)
        attempts += 1
        if not _legible(outline):
            continue
        outline = outline / np.ptp(outline, axis=0).max()
        if all(difference(outline, other) > least for other in outlines):
            sketches.append(sketch)
            invented.append(character)
            outlines.append(outline)
    return Alphabet(style.parts, tuple(invented))


def difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The modified Hausdorff distance (Dubuisson and Jain, 1994) between (P, 2) and (Q, 2) places."""
    distances = cdist(first, second)
    return float(max(distances.min(axis=0).mean(), distances.min(axis=1).mean()))


def _draw_style(rng: np.random.Generator) -> _Style:
    taste = draw_taste(rng)
    parts = tuple(draw_part(rng, taste) for _ in range(rng.integers(5, 14)))
    # Some parts are in every third character of an alphabet, others in one or two.
    weights = rng.permutation(1.0 / np.arange(1, len(parts) + 1) ** 0.7)
    return _Style(taste, parts, weights / weights.sum())


def _sketch(rng: np.random.Generator, style: _Style, earlier: list[list[Stroke]]) -> list[Stroke]:
    """The strokes of a character, in units of parts: a new one, or a variation of an earlier one."""
    if earlier and rng.random() < style.taste.varied:
        strokes = list(earlier[int(rng.integers(len(earlier)))])
        more = int(rng.integers(2))
        if not more or rng.random() < 0.5:
            # Less one stroke, or another one in its place.
            del strokes[int(rng.integers(len(strokes)))]
        count = len(strokes) + max(more, not strokes)
    else:
        strokes = []
        count = int(np.clip(1 + rng.poisson(style.taste.strokes - 1), 1, 6))
    while len(strokes) < count:
        strokes.append(_next_stroke(rng, style, strokes))
    return strokes


def _next_stroke(rng: np.random.Generator, style: _Style, strokes: Sequence[Stroke]) -> Stroke:
    """A further stroke: now and then an earlier one repeated, or a bridge between two earlier places."""
    if strokes and rng.random() < 0.2:
        earlier = strokes[int(rng.integers(len(strokes)))]
        control = earlier.control * ([-1, 1] if rng.random() < style.taste.mirrored else [1, 1])
        return Stroke(earlier.part, control + _where(rng, style.taste, control, strokes))
    number = int(rng.choice(len(style.parts), p=style.weights))
    if strokes and rng.random() < 0.2:
        bridge = _bridged(rng, style.parts[number].control, strokes)
        if bridge is not None:
            return Stroke(number, bridge)
    control = _posed(rng, style.parts[number].control, first=not strokes)
    return Stroke(number, control + _where(rng, style.taste, control, strokes))


def _bridged(
    rng: np.random.Generator, control: NDArray[np.float64], strokes: Sequence[Stroke]
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
    posed = control * rng.choice([1.0, 0.75, 0.5], p=[0.6, 0.2, 0.2] if first else [0.4, 0.3, 0.3])
    if rng.random() < 0.15:
        posed = posed * [-1, 1]
    if rng.random() < 0.1:
        posed = posed[:, ::-1] * [1, -1]
    return np.asarray(posed)


def _where(
    rng: np.random.Generator, taste: Taste, control: NDArray[np.float64], strokes: Sequence[Stroke]
) -> NDArray[np.float64]:
    """(2,) by how much a new stroke is to be moved: on or beside the earlier ones."""
    if not strokes:
        return np.zeros(2)
    if rng.random() < taste.attached:
        other = strokes[int(rng.integers(len(strokes)))].control
        place = other[rng.choice([0, len(other) - 1, int(rng.integers(len(other)))])]
        # Held by its middle, the new stroke crosses the other one.
        return np.asarray(place - control[len(control) // 2 if rng.random() < 0.25 else 0])
    places = np.concatenate([stroke.control for stroke in strokes])
    reach = np.ptp(places, axis=0) / 2 + np.ptp(control, axis=0) / 2 + 0.15
    sides = np.array([[1, 0], [-1, 0], [0, 1], [0, 1], [0, -1], [0, 0]])
    side = sides[rng.integers(len(sides))] * rng.uniform(0.6, 1.1)
    return np.asarray(_middle(places) + side * reach + rng.normal(0, 0.08, 2) - _middle(control))


def _middle(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) of the box around (P, 2) places."""
    return np.asarray((places.min(axis=0) + places.max(axis=0)) / 2)


def _sized(sketch: Sequence[Stroke], size: float) -> tuple[Stroke, ...]:
    """The strokes around the origin, the longer side `size` pixels, or less where it is below one unit."""
    places = np.concatenate([stroke.control for stroke in sketch])
    extent = max(np.ptp(places, axis=0).max(), 0.25)
    scale = size * min(1.0, extent**0.5) / extent
    return tuple(Stroke(s.part, (s.control - _middle(places)) * scale) for s in sketch)


def _outline(character: Sequence[Stroke]) -> NDArray[np.float64]:
    """(P, 2) places on the strokes, at most _OUTLINE_STEP pixels apart."""
    lines = []
    for stroke in character:
        lengths = np.linalg.norm(np.diff(stroke.control, axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(lengths)])
        at = np.linspace(0, along[-1], 2 + int(along[-1] / _OUTLINE_STEP))
        lines.append(np.stack([np.interp(at, along, stroke.control[:, axis]) for axis in (0, 1)], axis=1))
    return np.concatenate(lines)


def _legible(outline: NDArray[np.float64]) -> bool:
    """False for a mere dot, for what is low and wide, and for strokes that lie on top of one another."""
    cells = np.unique(np.floor(outline / _BLOT), axis=0)
    length = len(outline) * _OUTLINE_STEP
    width, height = np.ptp(outline, axis=0)
    return bool(length > _SHORTEST and len(cells) * _BLOT > 0.85 * length and width < 1.5 * height + 10)
