"""The peak of anonymous memory over the number of images; it takes an hour and a gigabyte of disk.

Anonymous is what a process has for itself: pages of files that it has mapped can be taken from it any time.
"""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from harness.case import LOST, WENT_ON, Case, Outcome
from harness.commands import make_weights
from harness.program import start
from harness.samples import link_all
from PIL import Image

SIDE = 96
SIZES = (1_000, 10_000, 50_000)
_CLASSES = 10
_APART = 100_000_000
"""Bytes that the peak of the most images may lie above that of the fewest."""
_PER_IMAGE = 6_000
"""Bytes for each image that the check of data may take."""


def write_many(folder: Path, count: int) -> Path:
    """`count` generated photographs-to-be, no two alike: smooth noise, which JPEG makes small."""
    for number in range(_CLASSES):
        (folder / f"class{number}").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        file = folder / f"class{number % _CLASSES}" / f"{number:06d}.jpg"
        if not file.exists():
            coarse = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file, quality=75)
    return folder


def measure_peak(folder: Path, arguments: Sequence[str], limit: float = 7200) -> tuple[int, str]:
    """The largest RssAnon of a command in bytes, looked at 20 times a second; and its error, if any."""
    started, peak = start(folder, arguments), 0
    status = Path(f"/proc/{started.pid}/status")
    while started.outlasts(0):
        lines = status.read_text().splitlines()
        peak = max(peak, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)
        time.sleep(0.05)
    ended = started.wait(limit)
    return peak, "" if ended.status in (0, 3) else ended.messages[-300:]


def _grow(samples: Path, arguments: Sequence[str], most: float, folder: Path) -> Outcome:
    """Measures each size; `most` is how many bytes each image more may cost."""
    peaks: list[int] = []
    for size in SIZES:
        place = folder / f"{size}"
        link_all(place, samples)
        images = write_many(samples.parent / "work" / "many" / f"{size}", size)
        os.symlink(images, place / "many")
        peak, error = measure_peak(place, arguments)
        if error:
            return Outcome(LOST, f"{size} images: {error}")
        peaks.append(peak)
        shutil.rmtree(place)
    slope = (peaks[-1] - peaks[0]) / (SIZES[-1] - SIZES[0])
    said = ", ".join(f"{size:,}: {peak / 1e6:,.0f} MB" for size, peak in zip(SIZES, peaks, strict=True))
    detail = f"{said}; {slope:,.0f} bytes an image"
    return Outcome(WENT_ON if slope <= most else LOST, detail, len(SIZES))


def list_cases(samples: Path, seed: int, *, short: bool) -> Iterator[Case]:
    """Training of a head and of a small net, and the check of data."""
    if short:
        return
    common = ("data.source=many", f"data.image_size={SIDE}", "training.epochs=1", "training.batch_size=64")
    weights = f"model.weights={make_weights(samples)}"
    head = ("strategy=head", weights, *common, "--run-dir", "run")
    scratch = ("strategy=scratch", "model.width=0.05", *common, "--run-dir", "run")
    for name, arguments in {"head": head, "scratch": scratch}.items():
        most = _APART / (SIZES[-1] - SIZES[0])
        go = partial(_grow, samples, ("finetune", "finetune.yaml", *arguments), most)
        yield Case("finetune", name, (WENT_ON,), go)
    go = partial(_grow, samples, ("data", "check", "many"), _PER_IMAGE)
    yield Case("data check", "data check", (WENT_ON,), go)
