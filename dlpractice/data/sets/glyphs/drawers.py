"""People who draw characters: each has a hand of his own, and never draws a character the same way twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.sets.glyphs.characters import Stroke, invent_alphabet
from dlpractice.data.sets.glyphs.parts import Part
from dlpractice.data.sets.glyphs.pen import PEN_WIDTH, SIDE, draw, touches, trace

# The outermost place that the middle of the pen may reach, in pixels from the edge of the paper.
_BORDER = 2.5


@dataclass(frozen=True)
class Drawers:
    """How D people draw, in all characters; arrays are (D,) unless stated.

    `hand` (D, 2, 2): slant, turn and size as a linear map. `place` (D, 2): where on the paper, in pixels
    from its middle. `radius` of the pen in pixels. `roundness` in 0..0.5: how corners are cut. `haste`: how
    far a drawing deviates from what was meant, 1 in the usual case. `bend`, for each part (D, M, 2): a
    person's own idea of its shape, as a share of its size.
    """

    hand: NDArray[np.float64]
    place: NDArray[np.float64]
    radius: NDArray[np.float64]
    roundness: NDArray[np.float64]
    haste: NDArray[np.float64]
    bend: tuple[NDArray[np.float64], ...]


def draw_alphabet(seed: int, number: int, characters: int, drawers: int) -> NDArray[np.uint8]:
    """Alphabet `number` of `seed`, each of its characters drawn once by each of its drawers.

    Returns:
        (characters, drawers, SIDE, SIDE) uint8, ink 0 on paper 255.
    """
    # A stream each: the characters do not depend on how many people draw them.
    invention, people, drawing = (np.random.default_rng([seed, number, stream]) for stream in range(3))
    alphabet = invent_alphabet(invention, characters)
    invited = invite_drawers(people, drawers, alphabet.parts)
    return np.stack(
        [draw_character(drawing, strokes, alphabet.parts, invited) for strokes in alphabet.characters]
    )


def invite_drawers(rng: np.random.Generator, count: int, parts: Sequence[Part]) -> Drawers:
    """`count` people who learn an alphabet of these parts."""
    haste = rng.lognormal(0, 0.3, count)
    return Drawers(
        hand=_maps(rng, count, size=0.07, aspect=0.05, slant=0.08, turn=0.03),
        place=rng.normal(0, 4.0, (count, 2)),
        radius=np.clip(PEN_WIDTH / 2 * rng.lognormal(0, 0.08, count), 1.9, 3.0),
        roundness=rng.beta(1.0, 2.0, count) / 2,
        haste=haste,
        bend=tuple(
            0.06 * haste[:, None, None] * rng.normal(size=(count, *part.control.shape)) for part in parts
        ),
    )


def _maps(
    rng: np.random.Generator, count: int, *, size: float, aspect: float, slant: float, turn: float
) -> NDArray[np.float64]:
    """(count, 2, 2) linear maps near the identity: four ingredients, normal with these standard deviations.

    `size` is that of the logarithm of both sides, `aspect` of half that of their ratio, `turn` in radians.
    """
    scale = np.exp(rng.normal(0, size, count))
    ratio = np.exp(rng.normal(0, aspect, count))
    lean = rng.normal(0, slant, count)
    angle = rng.normal(0, turn, count)
    shear = np.stack([np.stack([scale * ratio, lean], -1), np.stack([0 * lean, scale / ratio], -1)], -2)
    rotation = np.stack(
        [np.stack([np.cos(angle), -np.sin(angle)], -1), np.stack([np.sin(angle), np.cos(angle)], -1)], -2
    )
    maps: NDArray[np.float64] = rotation @ shear
    return maps


def draw_character(
    rng: np.random.Generator, character: Sequence[Stroke], parts: Sequence[Part], drawers: Drawers
) -> NDArray[np.uint8]:
    """(D, SIDE, SIDE) uint8: one drawing by each drawer, ink 0 on paper 255."""
    count = len(drawers.radius)
    haste = drawers.haste[:, None, None]
    drawing = _maps(rng, count, size=0.06, aspect=0.05, slant=0.05, turn=0.03)
    hand = np.swapaxes(drawing @ drawers.hand, 1, 2)
    controls = []
    for stroke in character:
        control = stroke.control + _deviations(rng, stroke.control, drawers.bend[stroke.part], haste)
        controls.append(control @ hand)
    moved = _placed(controls, drawers.place + rng.normal(0, 3.2, (count, 2)))
    paths = [
        trace(control, parts[stroke.part].corners, drawers.roundness)
        for stroke, control in zip(character, moved, strict=True)
    ]
    places = np.concatenate(paths, axis=1)
    touched = touches(places)
    return draw(places[touched], np.nonzero(touched)[0], drawers.radius)


def _deviations(
    rng: np.random.Generator,
    control: NDArray[np.float64],
    bend: NDArray[np.float64],
    haste: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(D, M, 2) pixels between where a stroke should go and where it went: moved, stretched, turned, bent."""
    # Close control points that went astray one by one would make a zigzag of a small loop.
    apart = np.linalg.norm(np.diff(control, axis=0), axis=1).mean()
    size = np.minimum(np.sqrt(np.ptp(control, axis=0).max() * 30), 4 * apart)
    middle = control.mean(axis=0)
    maps = _maps(rng, len(haste), size=0.13, aspect=0.10, slant=0.10, turn=0.09)
    stretched = (control - middle) @ np.swapaxes(maps - np.eye(2), 1, 2)
    moved = rng.normal(0, 2.7, (len(haste), 1, 2))
    shaken = rng.normal(0, 0.045 * size, (len(haste), *control.shape))
    return np.asarray(haste * (stretched + moved + shaken) + size * bend)


def _placed(controls: list[NDArray[np.float64]], place: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The middle of each drawing on its place, moved or shrunk where it would leave the paper."""
    places = np.concatenate(controls, axis=1)
    low, high = places.min(axis=1), places.max(axis=1)
    room = SIDE / 2 - _BORDER
    half = (high - low) / 2
    shrink = np.minimum(room / np.maximum(half.max(axis=1), 1e-9), 1.0)[:, None]
    limit = room - half * shrink
    target = SIDE / 2 + np.clip(place, -limit, limit)
    middle = (low + high) / 2
    return [(c - middle[:, None]) * shrink[:, None] + target[:, None] for c in controls]
