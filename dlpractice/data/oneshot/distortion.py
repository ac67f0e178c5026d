"""How a drawing differs from the next one of the same character: what is drawn at random for a batch.

The numbers are drawn here, from the generator that is passed in, and applied where the net computes
(`dlpractice.training.batches.views`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_GRID = 5
"""Displaced points along a side: strokes bend over about a quarter of the image."""


class Moves(NamedTuple):
    """What happens to N images of H pixels a side, seen as S x S.

    transforms: (N, 8) float32, for each output pixel the input pixel that it is read from: (a0 x + a1 y + a2,
    b0 x + b1 y + b2), then two zeros. pens: (N,) float32 in [-1, 1], below 0 for thinner strokes, above for
    thicker ones. fields: (N, G, G, 2) float32, how many output pixels farther, y and x, the middles of G x G
    equal parts of the output are read from, which bends what lies between; G is 0 where nothing bends.
    """

    transforms: FloatArray
    pens: FloatArray
    fields: FloatArray


@dataclass(frozen=True)
class Distortion:
    """Ranges to draw from; each kind is applied with `probability`, on its own.

    rotation: up to this many degrees either way. shear: up to this either way, along both axes. scale: in
    [1 - scale, 1 + scale], each axis on its own. shift: up to this share of the side, along both axes.
    subimage: a square that leaves out up to this share of the side, enlarged to the whole. thickness: up to
    this share of the way to strokes that are two input pixels thinner or thicker. elastic: points are
    displaced by up to this share of the side along both axes, smoothly (Simard et al. 2003, Best practices
    for convolutional neural networks applied to visual document analysis). The defaults are those of Koch et
    al. 2015 (Siamese neural networks for one-shot image recognition), whose shift is 2 of 105 pixels.
    """

    rotation: float = 10.0
    shear: float = 0.3
    scale: float = 0.2
    shift: float = 0.02
    subimage: float = 0.0
    thickness: float = 0.0
    elastic: float = 0.0
    probability: float = 0.5

    def draw(self, rng: np.random.Generator, turns: NDArray[np.int64], side: int, image_size: int) -> Moves:
        """Draws for N images, given in `turns` (N,): see `see_plain`. `side` is H and `image_size` S."""
        count = len(turns)

        def one_in(low: float, high: float, neutral: float = 0.0) -> NDArray[np.float64]:
            return np.where(rng.random(count) < self.probability, rng.uniform(low, high, count), neutral)

        def either_way(span: float) -> NDArray[np.float64]:
            return one_in(-span, span)

        angle = np.deg2rad(either_way(self.rotation))
        shear_x, shear_y = either_way(self.shear), either_way(self.shear)
        wide, high = (1 / one_in(1 - self.scale, 1 + self.scale, 1.0) for _ in range(2))
        shift = np.stack([either_way(self.shift), either_way(self.shift)], axis=1)
        part = 1 - one_in(0.0, self.subimage)
        place = rng.uniform(-0.5, 0.5, (count, 2)) * (1 - part)[:, None]
        rotated = _matrices(np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle))
        sheared = _matrices(wide, shear_x, shear_y, high)
        transforms = _read_from(
            turns, rotated @ sheared * part[:, None, None], shift + place, side, image_size
        )
        pens = either_way(self.thickness).astype(np.float32)
        return Moves(transforms, pens, self._draw_fields(rng, count, image_size))

    def _draw_fields(self, rng: np.random.Generator, count: int, image_size: int) -> FloatArray:
        if self.elastic == 0:
            return _bend_nothing(count)
        reach = np.where(rng.random(count) < self.probability, self.elastic * image_size, 0.0)
        fields = rng.uniform(-1, 1, (count, _GRID, _GRID, 2)) * reach[:, None, None, None]
        return fields.astype(np.float32)


def see_plain(turns: NDArray[np.int64], side: int, image_size: int) -> Moves:
    """No distortion: only a change of size, and the turns.

    turns: (N,) in 0..7: a quarter turn counterclockwise for each 1, after a mirroring left-right from 4 on.
    """
    neutral = np.broadcast_to(np.eye(2), (len(turns), 2, 2))
    transforms = _read_from(turns, neutral, np.zeros((len(turns), 2)), side, image_size)
    return Moves(transforms, np.zeros(len(turns), np.float32), _bend_nothing(len(turns)))


def _bend_nothing(count: int) -> FloatArray:
    return np.zeros((count, 0, 0, 2), np.float32)


def _matrices(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N,) entries, row by row -> (N, 2, 2)."""
    return np.stack([np.stack([a, b], axis=1), np.stack([c, d], axis=1)], axis=1)


# What a quarter turn counterclockwise does to the place (x, y from the middle) that an output pixel is read
# from: y grows downwards.
_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
_MIRROR = np.array([[-1.0, 0.0], [0.0, 1.0]])
_TURNS = np.stack(
    [
        np.linalg.matrix_power(_MIRROR, turn // 4) @ np.linalg.matrix_power(_TURN, turn % 4)
        for turn in range(8)
    ]
)


def _read_from(
    turns: NDArray[np.int64],
    matrices: NDArray[np.float64],
    shifts: NDArray[np.float64],
    side: int,
    image_size: int,
) -> FloatArray:
    """(N, 8) transforms that read each output pixel from `turn (matrix output + shift)`, about the middles.

    shifts: (N, 2), x and y, as shares of the side.
    """
    maps = _TURNS[turns] @ matrices * (side / image_size)
    middle = (side - 1) / 2
    offsets = np.einsum("nij,nj->ni", _TURNS[turns], shifts) * side + middle
    offsets = offsets - maps.sum(axis=2) * ((image_size - 1) / 2)
    zeros = np.zeros((len(turns), 2))
    return np.concatenate([maps[:, 0], offsets[:, :1], maps[:, 1], offsets[:, 1:], zeros], axis=1).astype(
        np.float32
    )
