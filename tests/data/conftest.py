"""Images made here, in a cache of the test's own."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.sets import omniglot_archives

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


@dataclass(frozen=True)
class TinyOmniglot:
    """Three archives laid out as Omniglot's: 3 + 2 alphabets, 20 drawers, 2 runs of 3 characters.

    `drawings` maps each path in the two image archives to its pixels, (105, 105) bool, True for paper;
    `runs` maps each run to its supports, queries (paths) and the support of each query.
    """

    folder: Path
    drawings: dict[str, NDArray[np.bool_]]
    runs: dict[str, tuple[list[str], list[str], dict[str, str]]]

    @property
    def digest(self) -> str:
        """What the module must find: packed pixels in the order of paths, then indices and answers."""
        content = hashlib.sha256()
        for part in ("images_background", "images_evaluation"):
            for path in sorted(path for path in self.drawings if path.startswith(part)):
                content.update(np.packbits(self.drawings[path]).tobytes())
        evaluation = sorted(path for path in self.drawings if path.startswith("images_evaluation"))
        place = {path: number for number, path in enumerate(evaluation)}
        for column in (0, 1):
            for run in self.runs.values():
                content.update(np.array([place[path] for path in run[column]], "<i8").tobytes())
        for supports, queries, same in self.runs.values():
            content.update(np.array([supports.index(same[query]) for query in queries], "<i8").tobytes())
        return content.hexdigest()

    def write(self) -> None:
        """Writes the three archives."""
        for part in ("images_background", "images_evaluation"):
            with zipfile.ZipFile(self.folder / f"{part}.zip", "w") as opened:
                opened.writestr(f"__MACOSX/{part}/._Latin", b"passed over")
                for path, drawing in self.drawings.items():
                    if path.startswith(part):
                        opened.writestr(path, png(drawing))
        with zipfile.ZipFile(self.folder / "all_runs.zip", "w") as opened:
            for name, (supports, queries, same) in self.runs.items():
                files = {
                    path: f"{name}/training/class{n:02d}.png" for n, path in enumerate(supports, start=1)
                }
                tests = {path: f"{name}/test/item{n:02d}.png" for n, path in enumerate(queries, start=1)}
                for path, file in (files | tests).items():
                    opened.writestr(file, png(self.drawings[path]))
                lines = [f"{tests[query]} {files[same[query]]}\n" for query in queries]
                opened.writestr(f"{name}/class_labels.txt", "".join(lines))


def png(drawing: NDArray[np.bool_]) -> bytes:
    """The bytes of a black-and-white PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(drawing).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def tiny_omniglot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyOmniglot:
    """A small Omniglot in DLP_DATA_DIR, with the module expecting its counts and its digest."""
    rng = np.random.default_rng(0)
    alphabets = {
        "images_background": {"Greek": 3, "Latin": 2, "Korean": 4},
        "images_evaluation": {"Tengwar": 3, "Atlantean": 4},
    }
    drawings = {}
    for part, counts in alphabets.items():
        for alphabet, characters in counts.items():
            for character in range(1, characters + 1):
                for drawer in range(1, 21):
                    path = f"{part}/{alphabet}/character{character:02d}/{character:04d}_{drawer:02d}.png"
                    drawings[path] = rng.random((105, 105)) > 0.1
    runs = {}
    for name, alphabet, one, other in (("run01", "Tengwar", 4, 9), ("run02", "Atlantean", 20, 1)):
        paths = {
            drawer: [
                f"images_evaluation/{alphabet}/character{n:02d}/{n:04d}_{drawer:02d}.png" for n in (1, 2, 3)
            ]
            for drawer in (one, other)
        }
        supports, queries = [paths[one][n] for n in (2, 0, 1)], [paths[other][n] for n in (1, 2, 0)]
        runs[name] = (supports, queries, dict(zip(paths[other], paths[one], strict=True)))
    (tmp_path / "prepared/omniglot").mkdir(parents=True)
    tiny = TinyOmniglot(tmp_path / "prepared/omniglot", drawings, runs)
    tiny.write()
    monkeypatch.setenv("DLP_DATA_DIR", str(tmp_path / "prepared"))
    monkeypatch.setattr(omniglot_archives, "EXPECTED_BACKGROUND", omniglot_archives.Expected(3, 9))
    monkeypatch.setattr(omniglot_archives, "EXPECTED_EVALUATION", omniglot_archives.Expected(2, 7))
    monkeypatch.setattr(omniglot_archives, "RUN_COUNT", 2)
    monkeypatch.setattr(omniglot_archives, "RUN_WAYS", 3)
    monkeypatch.setattr(omniglot_archives, "DIGEST", tiny.digest)
    return tiny
