import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy.fft import dctn

from dlpractice.data.audit import duplicates as module
from dlpractice.data.audit.duplicates import (
    MAX_BITS,
    MIN_CORRELATION,
    MIN_SIDE,
    near_clusters,
    perceptual_hash,
)
from dlpractice.data.bonds import connected
from dlpractice.data.storage.row_store import RowStore

Photograph = Callable[..., Image.Image]


def thumbnails(images: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(i.convert("L").resize((32, 32), Image.Resampling.BOX)) for i in images])


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "encoded again": lambda image: jpeg(image, 40),
    "smaller": lambda image: image.resize((270, 216), Image.Resampling.BICUBIC),
    "another aspect": lambda image: image.resize((224, 224), Image.Resampling.BICUBIC),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.75),
    "more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.2),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_changed_copies_are_found_and_nothing_else(
    photograph: Photograph, change: Callable[[Image.Image], Image.Image]
) -> None:
    originals = [photograph(seed, 300, 240) for seed in range(12)]
    small = thumbnails([*originals, *map(change, originals)])
    assert near_clusters(small, np.full(24, 240)).tolist() == [*range(12), *range(12)]


def test_different_photographs_and_noise_are_no_copies(photograph: Photograph) -> None:
    images = [photograph(seed) for seed in range(150)]
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (80, 80, 3), np.uint8)) for _ in range(150)]
    assert near_clusters(thumbnails(images + noise), np.full(300, 80)).tolist() == list(range(300))


def test_small_and_flat_images_are_not_compared(photograph: Photograph) -> None:
    copies = thumbnails(
        [photograph(1), photograph(1), Image.new("L", (90, 90), 7), Image.new("L", (90, 90), 9)]
    )
    assert near_clusters(copies, np.array([80, 80, 90, 90])).tolist() == [0, 0, 2, 3]
    assert near_clusters(copies, np.array([80, 31, 90, 90])).tolist() == [0, 1, 2, 3]
    assert near_clusters(copies[:0], np.array([], int)).tolist() == []


def cluster_naively(small: np.ndarray, sides: np.ndarray) -> list[int]:
    """All against all, one pair after another."""
    hashes = perceptual_hash(small)
    vectors = small.reshape(len(small), -1).astype(np.float64)
    links = [
        (one, other)
        for one in range(len(small))
        for other in range(one)
        if min(sides[one], sides[other]) >= MIN_SIDE
        and min(vectors[one].std(), vectors[other].std()) >= 2
        and int(hashes[one] ^ hashes[other]).bit_count() <= MAX_BITS
        and np.corrcoef(vectors[one], vectors[other])[0, 1] >= MIN_CORRELATION
    ]
    return connected(len(small), links).tolist()


def scene(rng: np.random.Generator, count: int, noise: float) -> np.ndarray:
    """A scene with grain; half of the images have a small thing in it."""
    still = np.kron(rng.integers(40, 220, (8, 8)), np.ones((4, 4)))
    frames = np.tile(still, (count, 1, 1))
    frames[::2, 12:16, 12:16] = 255
    return np.clip(frames + rng.normal(0, noise, frames.shape), 0, 255).astype(np.uint8)


def walk(rng: np.random.Generator, count: int) -> np.ndarray:
    """Each picture is nearly the one before, and the last one nothing like the first."""
    start, end = (np.kron(rng.integers(0, 256, (8, 8)), np.ones((4, 4))) for _ in range(2))
    shares = np.linspace(0, 1, count)[:, None, None]
    return np.rint((1 - shares) * start + shares * end).astype(np.uint8)


@pytest.mark.parametrize("block", [7, 1024])
@pytest.mark.parametrize("noise", [1.0, 5.0, 7.0, 9.0])
def test_clusters_are_those_of_all_against_all(
    photograph: Photograph, monkeypatch: pytest.MonkeyPatch, block: int, noise: float
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    rng = np.random.default_rng(0)
    several = thumbnails([photograph(seed) for seed in (*range(20), *range(5))])
    mixed = np.concatenate([scene(rng, 40, noise), several, walk(rng, 30), rng.integers(0, 256, (9, 32, 32))])
    mixed = mixed.astype(np.uint8)[rng.permutation(len(mixed))]
    sides = rng.choice([MIN_SIDE - 1, MIN_SIDE, 90], len(mixed), p=[0.1, 0.2, 0.7])
    found = near_clusters(mixed, sides).tolist()
    assert found == cluster_naively(mixed, sides)
    assert 20 < len(set(found)) < len(mixed)


def test_the_index_misses_no_pair() -> None:
    """Copies whose hashes differ here and there, among so many others that only the index is looked into."""
    rng = np.random.default_rng(1)
    once = rng.integers(30, 226, (400, 32, 32)).astype(float)
    small = np.clip(np.concatenate([once, once + rng.normal(0, 8, once.shape)]), 0, 255).astype(np.uint8)
    hashes = perceptual_hash(small)
    assert len(module._plan(np.arange(800), hashes)) > 1
    bits = np.bitwise_count(hashes[:, None] ^ hashes)
    alike = (bits <= MAX_BITS) & (np.corrcoef(small.reshape(800, -1)) >= MIN_CORRELATION)
    expected = connected(800, np.argwhere(alike).tolist())
    assert (bits[np.triu(alike, 1)] > 3).sum() > 20
    np.testing.assert_array_equal(near_clusters(small, np.full(800, 90)), expected)


def test_a_walk_hangs_together_through_its_steps() -> None:
    steps = walk(np.random.default_rng(4), 40)
    ends = np.corrcoef(steps[0].ravel(), steps[-1].ravel())[0, 1]
    assert set(near_clusters(steps, np.full(40, 90)).tolist()) == {0}
    assert ends < 0.5


def test_hashes_that_share_nothing_are_hardly_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    compared = 0
    join = module._join_alike

    def count(bucket: np.ndarray, *rest: object) -> None:
        nonlocal compared
        compared += len(bucket) * (len(bucket) - 1) // 2
        join(bucket, *rest)

    monkeypatch.setattr(module, "_join_alike", count)
    near_clusters(rng.integers(0, 256, (2000, 32, 32)).astype(np.uint8), np.full(2000, 90))
    assert compared < 0.1 * 2000 * 1999 / 2


def test_thumbnails_are_read_in_parts(tmp_path: Path) -> None:
    """Of thumbnails on the disk, 1,024 bytes each, the peak of memory grows by far less."""
    store = RowStore(tmp_path, (32, 32), np.uint8)
    store.append(
        [f"{n}" for n in range(6000)], np.random.default_rng(0).integers(0, 256, (6000, 32, 32), np.uint8)
    )

    def measure(count: int) -> int:
        rows = store.view([f"{n}" for n in range(count)])
        tracemalloc.start()
        near_clusters(rows, np.full(count, 90))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert measure(6000) - measure(2000) < 4000 * 500


def test_the_hash_is_that_of_the_cosine_transform(photograph: Photograph) -> None:
    small = thumbnails([photograph(seed) for seed in range(20)])
    low = dctn(small.astype(np.float64), axes=(1, 2))[:, :8, :8].reshape(20, 64)
    bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
    expected = np.packbits(bits, axis=1).view(np.uint64).reshape(-1)
    np.testing.assert_array_equal(perceptual_hash(small), expected)
