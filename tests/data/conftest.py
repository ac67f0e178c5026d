"""Images made here, in a cache of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Photograph = Callable[..., Image.Image]
Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No test sees the user's cache or data folders."""
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("DLP_DATA_DIR", raising=False)
    yield tmp_path / "cache"


@pytest.fixture
def photograph() -> Photograph:
    """Blobs of colour at several scales with grain: as different from seed to seed as photographs are."""

    def make(seed: int, width: int = 96, height: int = 80) -> Image.Image:
        rng = np.random.default_rng(seed)
        total = np.zeros((height, width, 3))
        for cells, weight in ((3, 60.0), (7, 35.0), (15, 15.0)):
            coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8))
            total += weight * (
                np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)) / 128.0 - 1
            )
        total += 128 + rng.normal(0, 4, total.shape)
        return Image.fromarray(np.clip(total, 0, 255).astype(np.uint8))

    return make


@pytest.fixture
def write(photograph: Photograph) -> Write:
    """Writes a photograph (or the image, or the bytes given) to a path and makes the folders above it."""

    def to(path: Path, what: int | Image.Image | bytes = 0, **options: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, bytes):
            path.write_bytes(what)
        else:
            (photograph(what) if isinstance(what, int) else what).save(path, **options)
        return path

    return to


@pytest.fixture
def classes(write: Write, tmp_path: Path) -> Callable[..., Path]:
    """A folder of class folders with `count` different PNG photographs each."""

    def make(
        count: int, names: tuple[str, ...] = ("cat", "dog"), folder: str = "photos", start: int = 0
    ) -> Path:
        root = tmp_path / folder
        for column, name in enumerate(names):
            for number in range(count):
                write(root / name / f"{number:03d}.png", start + 1000 * column + number)
        return root

    return make
