import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy.fft import dctn

from dlpractice.data.audit.duplicates import connected, near_pairs, perceptual_hash, same_key

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
    assert near_pairs(small, np.full(24, 240)) == [(n, n + 12) for n in range(12)]


def test_different_photographs_and_noise_are_no_copies(photograph: Photograph) -> None:
    images = [photograph(seed) for seed in range(150)]
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (80, 80, 3), np.uint8)) for _ in range(150)]
    assert near_pairs(thumbnails(images + noise), np.full(300, 80)) == []


def test_small_and_flat_images_are_not_compared(photograph: Photograph) -> None:
    copies = thumbnails(
        [photograph(1), photograph(1), Image.new("L", (90, 90), 7), Image.new("L", (90, 90), 9)]
    )
    assert near_pairs(copies, np.array([80, 80, 90, 90])) == [(0, 1)]
    assert near_pairs(copies, np.array([80, 31, 90, 90])) == []
    assert near_pairs(copies[:0], np.array([], int)) == []


def test_pairs_across_blocks_are_found(photograph: Photograph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlpractice.data.audit.duplicates._BLOCK", 3)
    images = [photograph(seed) for seed in (0, 1, 2, 3, 0, 4, 3, 0)]
    assert near_pairs(thumbnails(images), np.full(8, 80)) == [(0, 4), (0, 7), (3, 6), (4, 7)]


def test_the_hash_is_that_of_the_cosine_transform(photograph: Photograph) -> None:
    small = thumbnails([photograph(seed) for seed in range(20)])
    low = dctn(small.astype(np.float64), axes=(1, 2))[:, :8, :8].reshape(20, 64)
    bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
    expected = np.packbits(bits, axis=1).view(np.uint64).reshape(-1)
    np.testing.assert_array_equal(perceptual_hash(small), expected)


def test_links_join_through_others() -> None:
    assert connected(7, [(5, 3), (1, 5), (2, 6)]).tolist() == [0, 1, 2, 1, 4, 1, 2]
    assert same_key(["a", None, "b", "a", None, "a"]) == [(0, 3), (0, 5)]


def test_joining_agrees_with_a_plain_search() -> None:
    rng = np.random.default_rng(3)
    links = rng.integers(0, 60, (40, 2))
    reach = np.eye(60, dtype=bool)
    reach[links[:, 0], links[:, 1]] = reach[links[:, 1], links[:, 0]] = True
    for _ in range(60):
        reach = reach @ reach
    expected = [int(np.flatnonzero(row)[0]) for row in reach]
    assert connected(60, [(int(a), int(b)) for a, b in links]).tolist() == expected
