"""What is known of an image without decoding it again."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.codecs.levels import Levels
from dlpractice.data.codecs.library_notes import LONGEST
from dlpractice.data.files.decoding import Decoded, Look, decode, shrink_bound
from dlpractice.data.storage.cache_key import Keyed
from dlpractice.data.storage.row_store import RowView

THUMBNAIL = 32

# Size in pixels as a viewer shows it, format, number of frames or pages, and a grey thumbnail in which
# near-duplicates are looked for. Then, of files with more than 8 bits a channel that declare no range, the
# range that they hold, and the values that 1 % lie below and above (see `SeenRange`); 0 in all others. Last,
# whether all that the file shows is lost on the background, and what Pillow warned of, if anything.
FACTS = np.dtype(
    [
        ("width", np.int32),
        ("height", np.int32),
        ("format", "S8"),
        ("frames", np.int32),
        ("thumbnail", np.uint8, (THUMBNAIL, THUMBNAIL)),
        ("black", np.float64),
        ("white", np.float64),
        ("dark", np.float64),
        ("bright", np.float64),
        ("hidden", np.bool_),
        ("note", f"S{2 * LONGEST}"),
    ]
)


@dataclass(frozen=True)
class Glance(Keyed):
    """How the facts of an image are found.

    Args:
        background: what transparent pixels are laid over, `#rrggbb`: without it a white shape on nothing
            cannot be told from any other.
        bound: see `decode`. Shrinking while decoding changes a thumbnail a little; the near-duplicates, and
            with them the splits, depend on the files and the settings alone.
        levels: see `decode`.
    """

    background: str = "#ffffff"
    bound: int = shrink_bound(0)
    levels: Levels | None = None

    @classmethod
    def of(cls, look: Look | None) -> Self:
        """How an image is decoded that is looked at so; None asks for the facts alone."""
        return cls(look.background, shrink_bound(look.image_size), look.levels) if look else cls()

    def decode(self, content: bytes, name: str) -> Decoded:
        """The image, from which its facts are found and its pixels are fitted.

        Raises:
            ImageError: see `decode`.
        """
        return decode(content, name, background=self.background, bound=self.bound, levels=self.levels)


def facts_of(decoded: Decoded) -> tuple[Any, ...]:
    """One FACTS record."""
    seen = decoded.seen
    ranges = (seen.levels.black, seen.levels.white, seen.dark, seen.bright) if seen else (0.0,) * 4
    return (
        decoded.width,
        decoded.height,
        decoded.format.encode(),
        decoded.frames,
        _make_thumbnail(decoded.rgb),
        *ranges,
        decoded.hidden,
        "; ".join(decoded.notes).encode("ascii", "backslashreplace")[: 2 * LONGEST],
    )


def seen_levels(facts: RowView) -> set[Levels]:
    """The ranges that were found in files which declare none."""
    black, white = facts["black"], facts["white"]
    return {Levels(*pair) for pair in zip(black[white > 0].tolist(), white[white > 0].tolist(), strict=True)}


def _make_thumbnail(image: Image.Image) -> NDArray[np.uint8]:
    """(THUMBNAIL, THUMBNAIL) grey, in which near-duplicates are looked for."""
    return np.asarray(image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
