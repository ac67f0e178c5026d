"""The part `input` of a benchmark: how fast images are read, apart from what a net does with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dlpractice.benchmark.context import Context, Document
from dlpractice.benchmark.device.measurement import Figure
from dlpractice.benchmark.device.timing import Watch
from dlpractice.config.sections.benchmark import Input
from dlpractice.data.augmentation import Augmentation
from dlpractice.data.files.decoding import Look, load_pixels
from dlpractice.data.files.pixel_cache import in_order
from dlpractice.data.storage.row_store import RowStore
from dlpractice.errors import DataError
from dlpractice.paths import find_below
from dlpractice.whole_files import scratch_folder

# The size of a photograph in the data sets that are fine-tuned on here, in pixels.
_WIDTH, _HEIGHT = 500, 375
_QUALITY = 90
_AUGMENTATION = Augmentation(flip="horizontal", rotation=15.0, zoom=0.1, shift=0.1)


def measure_input(section: Input, context: Context) -> Document:
    """Rows input/decode, input/rows and input/draws in images/s.

    `decode`: JPEG files are decoded and resized on all cores. `rows`: decoded images are read from the cache
    in random order. `draws`: random augmentation is drawn on the host. Files are read once before they are
    timed, so that they come from the system's memory rather than from a disk.

    `against` has a row for each net that was measured in training in float32: its rate, the rates of decoded
    and of cached images as multiples of it, and whether input or net is the slower.
    """
    rng = np.random.default_rng(context.seed)
    with _files(section, rng) as files, scratch_folder() as folder:

        def decode_all() -> np.ndarray[Any, Any]:
            return np.stack(list(in_order(lambda path: load_pixels(path, Look(section.image_size)), files)))

        pixels = decode_all()
        store = RowStore(folder / "rows", pixels.shape[1:], np.uint8)
        keys = [str(number) for number in range(len(files))]
        store.append(keys, pixels)
        view = store.view(keys)
        batch = min(section.batch_size, len(files))
        figures = [
            _warm_up("decode", decode_all, len(files)),
            _warm_up("rows", lambda: view[rng.choice(len(files), batch, False)], batch),
            _warm_up("draws", lambda: _AUGMENTATION.draw(rng, batch, section.image_size), batch),
        ]
        rows = context.measure("measuring input", figures)
    return {"rows": rows, "against": list(_compare(rows[0], rows[1], context))}


def _warm_up(name: str, call: Callable[[], object], images: int) -> Figure:
    return Figure(f"input/{name}", "images/s", images, Watch(call, synchronise=lambda _: None))


def _compare(decoded: Document, cached: Document, context: Context) -> Iterator[Document]:
    for row in context.measured.get("models", {}).get("rows", ()):
        if row["value"] is None or (row["work"], row["precision"]) != ("training", "float32"):
            continue
        yield {
            "net": row["name"],
            "synthetic_images_per_second": row["value"],
            "decode_over_net": decoded["value"] / row["value"],
            "rows_over_net": cached["value"] / row["value"],
            "binds_when_decoding": "input" if decoded["value"] < row["value"] else "net",
            "binds_when_cached": "input" if cached["value"] < row["value"] else "net",
        }


def find_jpegs(folder: str) -> list[Path]:
    """The JPEG files in `folder` and below it, by name.

    Raises DataError where there are none.
    """
    found = sorted(path for path in find_below(folder, "*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if not found:
        raise DataError(f"{folder}: holds no JPEG file", "set input.folder to one that does")
    return found


@contextmanager
def _files(section: Input, rng: np.random.Generator) -> Iterator[list[Path]]:
    """JPEG files: those of the section's folder, up to its number, or else made for the moment."""
    if section.folder is not None:
        yield find_jpegs(section.folder)[: section.images]
        return
    with scratch_folder() as folder:
        paths = [folder / f"{number}.jpg" for number in range(section.images)]
        for path in paths:
            # Smooth shapes with some grain compress about as photographs do; noise alone would not.
            coarse = Image.fromarray(rng.integers(256, size=(24, 32, 3), dtype=np.uint8))
            smooth = np.asarray(coarse.resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC), np.int16)
            grain = rng.integers(-8, 9, size=smooth.shape, dtype=np.int16)
            image = np.clip(smooth + grain, 0, 255).astype(np.uint8)
            Image.fromarray(image).save(path, quality=_QUALITY)
        yield paths
