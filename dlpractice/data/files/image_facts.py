"""What is known of an image without decoding it again."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.files.decoding import Decoded, Look, decode, shrink_bound
from dlpractice.data.storage.cache_key import Keyed

THUMBNAIL = 32

# Size in pixels as a viewer shows it, format, number of frames or pages, and a grey thumbnail in which
# near-duplicates are looked for.
FACTS = np.dtype(
    [
        ("width", np.int32),
        ("height", np.int32),
        ("format", "S8"),
        ("frames", np.int32),
        ("thumbnail", np.uint8, (THUMBNAIL, THUMBNAIL)),
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
    """

    background: str = "#ffffff"
    bound: int = shrink_bound(0)

    @classmethod
    def of(cls, look: Look | None) -> Self:
        """How an image is decoded that is looked at so; None asks for the facts alone."""
        return cls(look.background, shrink_bound(look.image_size)) if look else cls()

    def decode(self, content: bytes, name: str) -> Decoded:
        """The image, from which its facts are found and its pixels are fitted.

        Raises:
            ImageError: see `decode`.
        """
        return decode(content, name, background=self.background, bound=self.bound)


def facts_of(decoded: Decoded) -> tuple[Any, ...]:
    """One FACTS record."""
    thumbnail = make_thumbnail(decoded.rgb)
    return decoded.width, decoded.height, decoded.format.encode(), decoded.frames, thumbnail


def make_thumbnail(image: Image.Image) -> NDArray[np.uint8]:
    """(THUMBNAIL, THUMBNAIL) grey, in which near-duplicates are looked for."""
    return np.asarray(image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
