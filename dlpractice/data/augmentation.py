"""How images are changed at random while a net is trained.

The changes are drawn here, and applied where the net computes. Every number comes from the generator that
is passed in. So a batch is a function of its seed alone: it does not depend on threads, on devices, or on
where a killed run was taken up again.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


class Draw(NamedTuple):
    """What was drawn for a batch of N images of S x S pixels.

    Args:
        transforms: (N, 8) float32. The output pixel (x, y) is read from the input pixel (a0 x + a1 y + a2,
            b0 x + b1 y + b2); a row holds a0, a1, a2, b0, b1, b2 and two zeros.
        colours: (N, 3) float32. What is added to the brightness, in units of the range 0..255, and the
            factors of contrast and saturation.
        partners: (N,) int32. The position in the batch of the image that each is mixed with.
        boxes: (N, 4) int32. Top, left, bottom and right, in pixels, of the part that CutMix takes from the
            partner. The box is empty where MixUp was drawn.
        blend: (N,) float32 in [0, 1]. The weight that MixUp gives the image itself, outside of the box; 1
            where CutMix was drawn.
        shares: (N,) float32 in [0, 1]. The share that the image's own label has in its target.
    """

    transforms: FloatArray
    colours: FloatArray
    partners: NDArray[np.int32]
    boxes: NDArray[np.int32]
    blend: FloatArray
    shares: FloatArray


@dataclass(frozen=True)
class Augmentation:
    """How far images may be changed; each change is drawn anew for each image, uniformly from its range.

    Args:
        flip: `none`; `horizontal` swaps left and right of half of the images; `both` also swaps top and
            bottom of half of them.
        rotation: the largest angle in degrees, in either direction.
        zoom: the factor of the size is in [1 - zoom, 1 + zoom].
        shift: the largest displacement along either axis, as a share of the side.
        brightness, contrast, saturation: the largest change in either direction, as a share.
        mixup: alpha of the Beta distribution of MixUp (Zhang et al. 2018); 0 mixes nothing.
        cutmix: the same for CutMix (Yun et al. 2019). If both are above 0, each batch draws one of them.
    """

    flip: str = "none"
    rotation: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0

    @property
    def changes_pixels(self) -> bool:
        """Whether an image can come out changed without being mixed with another one."""
        ranges = (self.rotation, self.zoom, self.shift, self.brightness, self.contrast, self.saturation)
        return self.flip != "none" or any(ranges)

    @property
    def mixes(self) -> bool:
        """Whether images of a batch are mixed with one another."""
        return self.mixup > 0 or self.cutmix > 0

    def draw(self, rng: np.random.Generator, count: int, side: int, *, mix: bool = True) -> Draw:
        """Draws the changes of `count` images of `side` x `side` pixels; without `mix`, none is mixed."""
        transforms = self._draw_transforms(rng, count, side)
        colours = self._draw_colours(rng, count)
        if mix and self.mixes:
            return Draw(transforms, colours, *self._draw_mixing(rng, count, side))
        return Draw(transforms, colours, *_mix_nothing(count))

    def _draw_transforms(self, rng: np.random.Generator, count: int, side: int) -> FloatArray:
        angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation, count))
        scale = 1 / rng.uniform(1 - self.zoom, 1 + self.zoom, count)
        shift = rng.uniform(-self.shift, self.shift, (2, count)) * side
        mirror_x = np.where(rng.random(count) < 0.5, -1.0, 1.0) if self.flip != "none" else np.ones(count)
        mirror_y = np.where(rng.random(count) < 0.5, -1.0, 1.0) if self.flip == "both" else np.ones(count)
        centre = (side - 1) / 2
        a0, a1 = mirror_x * scale * np.cos(angle), -mirror_x * scale * np.sin(angle)
        b0, b1 = mirror_y * scale * np.sin(angle), mirror_y * scale * np.cos(angle)
        a2 = centre - (a0 + a1) * centre + shift[0]
        b2 = centre - (b0 + b1) * centre + shift[1]
        zeros = np.zeros(count)
        return np.stack([a0, a1, a2, b0, b1, b2, zeros, zeros], axis=1).astype(np.float32)

    def _draw_colours(self, rng: np.random.Generator, count: int) -> FloatArray:
        spans = np.array([self.brightness, self.contrast, self.saturation])
        neutral = np.array([0.0, 1.0, 1.0])
        colours: FloatArray = (neutral + rng.uniform(-1, 1, (count, 3)) * spans).astype(np.float32)
        return colours

    def _draw_mixing(
        self, rng: np.random.Generator, count: int, side: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], FloatArray, FloatArray]:
        cut = self.cutmix > 0 and (self.mixup == 0 or rng.random() < 0.5)
        alpha = self.cutmix if cut else self.mixup
        shares = rng.beta(alpha, alpha, count).astype(np.float32)
        partners = rng.permutation(count).astype(np.int32)
        centres = rng.integers(0, side, (2, count))
        if not cut:
            return partners, np.zeros((count, 4), np.int32), shares, shares
        half = (np.sqrt(1 - shares) * side / 2).round().astype(np.int64)
        top, left = np.clip(centres - half, 0, side)
        bottom, right = np.clip(centres + half, 0, side)
        boxes = np.stack([top, left, bottom, right], axis=1).astype(np.int32)
        kept = 1 - (bottom - top) * (right - left) / side**2
        return partners, boxes, np.ones(count, np.float32), kept.astype(np.float32)


def _mix_nothing(count: int) -> tuple[NDArray[np.int32], NDArray[np.int32], FloatArray, FloatArray]:
    own = np.ones(count, np.float32)
    return np.arange(count, dtype=np.int32), np.zeros((count, 4), np.int32), own, own


def mix_targets(targets: FloatArray, weights: FloatArray, draw: Draw) -> tuple[FloatArray, FloatArray]:
    """Mixes the (N, K) targets and (N,) weights of examples as the images were mixed.

    The loss of a mixed example is mixed from the weighted losses of both: each share of its target keeps the
    weight of the example that it comes from. With a row of targets that sums to 1, this is one weight, and a
    target in which the shares are to each other as they are weighted. Without this, a rare class would lose
    its weight wherever its images are the partners.
    """
    own = draw.shares * weights
    total: FloatArray = own + (1 - draw.shares) * weights[draw.partners]
    share: FloatArray = (own / total)[:, None]
    return share * targets + (1 - share) * targets[draw.partners], total
