"""A photograph of a drawing, made like the drawings of a collection: black ink on white paper."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from dlpractice.data.files.decoding import ImageError, decode

Floats = NDArray[np.float64]

# Shares of a drawing's side. The longer side of the box around the ink: Omniglot's median. The width of
# strokes: a little less than in Omniglot (5.1 to 6.2 of 105 pixels), to leave its drawings as they are.
BOX = 0.62
STROKE = 4.5 / 105

# Lines and shadows show in fewer pixels as well.
_WORKING_SIDE = 1024
# The paper is what lies beside the ink, within such a share of the side.
_REACH = 0.25
# Ink this much darker than its paper, as a share of the paper's brightness.
_CONTRAST = 0.2
_BINS = 256
# In median distances from the median: three standard deviations, where the noise is normal.
_NOISE = 4.5
_SOLID = 0.5
# A speck that holds less of the ink does not widen the box.
_SPECK = 0.002


def load_drawing(
    source: Path | bytes, side: int, background: str = "#ffffff", name: str = ""
) -> NDArray[np.uint8]:
    """(side, side) uint8, 0 for ink and 255 for paper.

    Whatever the light, the paper becomes white and the ink black. A square picture is kept whole, as a canvas
    is; of any other the square around the ink is taken, with as much paper as Omniglot's drawings have. Lines
    that would be too fine to see are thickened. A drawing in black and white of this size stays as it is.

    Args:
        source: a file, or the bytes of one that `name` names in errors.
        background: `#rrggbb`, what transparent pixels are laid over.

    Raises:
        ImageError: the file cannot be decoded, or shows no drawing: nothing on it is darker than the paper.
    """
    rgb = decode(source, name, background=background, bound=_WORKING_SIDE).rgb
    rgb.thumbnail((_WORKING_SIDE, _WORKING_SIDE), Image.Resampling.BICUBIC)
    ink = find_ink(np.asarray(rgb.convert("L"), np.float64))
    if ink is None:
        raise ImageError(
            name or str(source), "unreadable", "it shows no drawing: nothing is darker than the paper"
        )
    if ink.shape[0] != ink.shape[1]:
        ink = cut_out(ink)
    drawn = Image.fromarray(np.rint(255 * (1 - thicken(ink))).astype(np.uint8))
    return np.asarray(drawn.resize((side, side), Image.Resampling.BICUBIC))


def find_ink(grey: Floats) -> Floats | None:
    """(h, w) in 0..255 -> how much of each pixel is ink, in 0..1; None where nothing is.

    The light on the paper is what remains when strokes are closed (a maximum, then a minimum of each
    neighbourhood). The levels of ink and paper are the medians on either side of Otsu's threshold (1979, A
    threshold selection method from gray-level histograms), and what their noise may be counts as they do.
    """
    reach = max(3, round(_REACH * min(grey.shape)))
    share = grey / np.maximum(ndimage.grey_closing(grey, (reach, reach)), 1.0)
    threshold = _split(share)
    paper, ink = share[share > threshold], share[share <= threshold]
    if not len(ink) or not len(paper) or np.median(paper) - np.median(ink) < _CONTRAST:
        return None
    light = np.median(paper) - _NOISE * _spread(paper)
    dark = np.median(ink) + _NOISE * _spread(ink)
    if light <= dark:  # ink of many shades
        light, dark = np.median(paper), np.median(ink)
    found: Floats = np.clip((light - share) / (light - dark), 0, 1)
    return found


def _spread(values: Floats) -> float:
    """The median distance from the median."""
    return float(np.median(np.abs(values - np.median(values))))


def _split(values: Floats) -> float:
    """Otsu's threshold of values in 0..1: the one with the greatest variance between both sides."""
    counts, edges = np.histogram(values, _BINS, (0, 1))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = values.size - below
    sums = np.cumsum(counts * middles)
    means_below = sums[:-1] / np.maximum(below, 1)
    means_above = (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    between = below * above * (means_below - means_above) ** 2
    best = np.flatnonzero(between == between.max())  # many, where nothing lies between the two
    return float(edges[1:][best[len(best) // 2]])


def cut_out(ink: Floats) -> Floats:
    """The square around the ink of (h, w), so large that the ink's box has the share BOX of its side."""
    solid = ink > _SOLID
    ranges = [_find_range(solid.sum(axis=axis)) for axis in (1, 0)]
    side = max(1, round(max(end - start for start, end in ranges) / BOX))
    corner = [round((start + end - side) / 2) for start, end in ranges]
    padded = np.pad(ink, side)  # the square may reach beyond the picture
    top, left = (place + side for place in corner)
    return padded[top : top + side, left : left + side]


def _find_range(profile: NDArray[np.int64]) -> tuple[int, int]:
    """Where in (n,) counts of ink all but specks lie: the first index, and one past the last."""
    shares = np.cumsum(profile) / profile.sum()
    return int(np.searchsorted(shares, _SPECK)), int(np.searchsorted(shares, 1 - _SPECK)) + 1


def thicken(ink: Floats) -> Floats:
    """A square of ink, with strokes of about STROKE of its side where they are finer."""
    solid = ink > _SOLID
    edge = solid & ~ndimage.binary_erosion(solid, border_value=1)
    # A stroke has two edges, each one pixel wide.
    width = 2 * solid.sum() / max(1, edge.sum())
    lack = round(STROKE * len(ink) - width)
    return ndimage.grey_dilation(ink, (lack + 1, lack + 1)) if lack > 0 else ink
