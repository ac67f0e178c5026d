"""What random augmentation does to a batch, drawn on the host and applied elsewhere.

Every number comes from the generator that is passed in, so a batch is a function of its seed alone: it does
not depend on threads, devices, or on where a killed run was taken up again.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

AUGMENTER = 1  # to be raised when the same draw comes to give other pixels: cached views are kept under it


class Draw(NamedTuple):
    """One draw for N images of S pixels a side.

    transforms: (N, 8) float32, for each output pixel the input pixel it is read from: (a0 x + a1 y + a2, b0
    x + b1 y
        + b2), then two zeros.
    colours: (N, 3) float32: brightness added in units of the 0..255 range, contrast and saturation factors.
    partners: (N,) int32, the image of the batch each is mixed with.
    boxes: (N, 4) int32: top, left, bottom, right of the part that CutMix takes from the partner; empty for
    MixUp. blend: (N,) float32, MixUp's share of the image itself outside the box; 1 for CutMix.
    shares: (N,) float32, the share of the image's own label in its target.
    """

    transforms: FloatArray
    colours: FloatArray
    partners: NDArray[np.int32]
    boxes: NDArray[np.int32]
    blend: FloatArray
    shares: FloatArray


@dataclass(frozen=True)
class Augmentation:
    """Ranges to draw from.

    flip: `none`, `horizontal` or `both`. rotation: up to this many degrees either way. zoom: scale in
    [1 - zoom, 1 + zoom]. shift: up to this share of the side. brightness, contrast, saturation: up to this
    share either way. mixup (Zhang et al. 2018) and cutmix (Yun et al. 2019): the alpha of their Beta
    distribution, 0 for none; with both, each batch draws one of them.
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
        """Whether any image on its own, before mixing, can come out changed."""
        ranges = (self.rotation, self.zoom, self.shift, self.brightness, self.contrast, self.saturation)
        return self.flip != "none" or any(ranges)

    @property
    def mixes(self) -> bool:
        """Whether images of a batch are mixed with one another."""
        return self.mixup > 0 or self.cutmix > 0

    def draw(self, rng: np.random.Generator, count: int, side: int, *, mix: bool = True) -> Draw:
        """Draws for `count` images of `side` x `side` pixels; without `mix`, no image is mixed with
        another."""
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


def mix_targets(targets: FloatArray, draw: Draw) -> FloatArray:
    """(N, K) targets of the images themselves -> targets after mixing, rows still summing to 1."""
    own = draw.shares[:, None]
    return own * targets + (1 - own) * targets[draw.partners]
