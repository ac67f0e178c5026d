"""How drawings are distorted at random while a one-shot net is trained.

The numbers are drawn here, from the generator that is passed in. They are applied where the net computes
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
    """What was drawn for a batch of N images of H x H pixels, which the net sees as S x S pixels.

    Args:
        transforms: (N, 8) float32. The output pixel (x, y) is read from the input pixel (a0 x + a1 y + a2,
            b0 x + b1 y + b2); a row holds a0, a1, a2, b0, b1, b2 and two zeros.
        pens: (N,) float32 in [-1, 1]. Strokes become thinner below 0 and thicker above 0.
        fields: (N, G, G, 2) float32. The output is divided into G x G equal parts; the middle of each is read
            from so many output pixels farther in y and x, and what lies between bends with it. G is 0 where
            nothing bends.
    """

    transforms: FloatArray
    pens: FloatArray
    fields: FloatArray


@dataclass(frozen=True)
class Distortion:
    """How far drawings may be distorted; each kind is applied to an image with `probability`, independently.

    The defaults are those of Koch et al. 2015 (Siamese neural networks for one-shot image recognition), who
    shift by 2 of 105 pixels.

    Args:
        rotation: the largest angle in degrees, in either direction.
        shear: the largest shear in either direction, along both axes.
        scale: the factor of each axis is in [1 - scale, 1 + scale].
        shift: the largest displacement along either axis, as a share of the side.
        subimage: the largest share of the side that is cut away before the rest is enlarged to the whole.
        thickness: the largest change of the strokes' width; 1 makes them two input pixels thinner or thicker.
        elastic: the largest displacement of single points along either axis, as a share of the side; points
            between them move smoothly (Simard et al. 2003, Best practices for convolutional neural networks
            applied to visual document analysis).
        probability: in [0, 1].
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
        """Draws the distortions of N images of `side` x `side` pixels, seen at `image_size`.

        Args:
            turns: (N,) how each image lies, see `see_plain`.
        """
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
    """The images turned and resized, and otherwise as they are.

    Args:
        turns: (N,) in 0..7. From 4 on the image is mirrored left to right first; then it is turned
            counterclockwise by `turns` modulo 4 quarters.
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
