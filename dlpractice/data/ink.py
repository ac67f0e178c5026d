"""A photograph of a drawing, made like the drawings of a collection: black ink on white paper."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.decode import decode, fit

_BOUND = 512


def load_drawing(path: Path, side: int, background: str = "#ffffff") -> NDArray[np.uint8]:
    """(side, side) uint8, 0 for ink and 255 for paper."""
    decoded = decode(path, background=background, bound=_BOUND)
    return np.asarray(Image.fromarray(fit(decoded.rgb, side, "pad", background)).convert("L"))
