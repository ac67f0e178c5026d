"""Frozen features: computed once, found again, and the same as the joined model's."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from small_nets import CHANNELS

from dlpractice.data.augmentation import Augmentation
from dlpractice.data.storage.row_store import RowView
from dlpractice.errors import DataError, ModelError
from dlpractice.models.classifier import Classifier, Design, build_classifier
from dlpractice.models.precision import computing_in
from dlpractice.progress import Silent
from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.strategies import plan_strategy
from dlpractice.training import features as module
from dlpractice.training.batches.warp import warp_batch
from dlpractice.training.devices.placement import Placement, place
from dlpractice.training.features import FrozenFront, Images
from dlpractice.training.randomness import seed_everything

TURNS = Augmentation(flip="both", rotation=20, brightness=0.1)


class Counter(Silent):
    """How many images each stage announced and computed."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.announced: list[int] = []
        self.computed = 0
        self.stop_after = stop_after

    def stage(self, name: str, total: int, unit: str) -> None:
        assert (name, unit) == ("frozen features", "images")
        self.announced.append(total)

    def advance(self, done: int = 1) -> None:
        self.computed += done
        if self.stop_after is not None and self.computed >= self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_BATCH", {False: 4, True: 4})
    return tmp_path / "cache"


def build(seed: int = 0, pooling: str = "avg") -> Classifier:
    seed_everything(seed)
    return build_classifier(
        BACKBONES["vgg16"],
        plan_strategy("linear@block2", 5, pretrained=False),
        3,
        32,
        Design(weights=None, pooling=pooling),
    )


class DescribedAs(Placement):
    """One device, called otherwise."""

    def __init__(self, devices: tuple[str, ...]) -> None:
        super().__init__(place(1).strategy, devices)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return build()


def make_front(classifier: Classifier, progress: Silent | None = None, **changes: Any) -> FrozenFront:
    return replace(FrozenFront(classifier, "float32", place(1), progress or Silent()), **changes)


def in_memory(pixels: NDArray[np.uint8], origin: str = "made here") -> RowView:
    return RowView(pixels, np.arange(len(pixels)), origin)


def make_images(numbers: range, origin: str = "made here") -> Images:
    pixels = np.stack(
        [np.random.default_rng(n).integers(0, 256, (32, 32, 3), dtype=np.uint8) for n in numbers]
    )
    return Images(in_memory(pixels, origin), [hashlib.sha256(bytes([n])).hexdigest() for n in numbers])


def read(classifier: Classifier, cut: str, images: Images, **changes: Any) -> NDArray[Any]:
    return make_front(classifier, **changes).features([cut], images)[cut][:]


def test_they_are_what_the_front_gives(classifier: Classifier) -> None:
    images = make_images(range(10))
    found = make_front(classifier).features(["pooled2", "block1"], images)
    pixels = np.asarray(images.pixels).astype(np.float32)
    assert set(found) == {"pooled2", "block1"}
    for cut, view in found.items():
        wanted = np.asarray(classifier.front([cut])(pixels))
        assert view.dtype == np.float16 and view.shape == wanted.shape
        np.testing.assert_allclose(view[:], wanted, rtol=1e-3, atol=1e-3 * wanted.max())


def test_the_joined_model_gives_the_logits_of_the_cached_path(classifier: Classifier) -> None:
    images = make_images(range(6))
    pixels = np.asarray(images.pixels).astype(np.float32)
    pooled = read(classifier, "pooled2", images).astype(np.float32)
    classifier.standardise_features([pooled])
    whole = np.asarray(classifier.model(pixels))
    for cut in ("pooled2", "block1"):
        logits = np.asarray(classifier.rest(cut)(read(classifier, cut, images).astype(np.float32)))
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        np.testing.assert_allclose(shares, whole, atol=0.01)
    assert whole.std() > 0.05


def test_they_are_computed_once(classifier: Classifier) -> None:
    images = make_images(range(10))
    first, second = Counter(), Counter()
    computed = read(classifier, "pooled2", images, progress=first)
    assert (first.announced, first.computed) == ([10], 10)
    # Another object, as another run would make it.
    found = read(classifier, "pooled2", images, progress=second)
    assert (second.announced, second.computed) == ([], 0)
    np.testing.assert_array_equal(found, computed)


def test_the_splits_of_a_run_share_one_forward_pass_and_one_look_at_the_weights(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    for name in ("compile_forward", "digest_tensors"):
        original = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *args, name=name, original=original: made.append(name) or original(*args)
        )
    front = make_front(classifier)
    parts = [front.features(["pooled2"], make_images(range(n, n + 4), f"{n}"))["pooled2"][:] for n in (0, 4)]
    assert sorted(made) == ["compile_forward", "digest_tensors"]
    whole = read(classifier, "pooled2", make_images(range(8)))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_new_images_cost_only_themselves(classifier: Classifier) -> None:
    read(classifier, "pooled2", make_images(range(6)))
    counter = Counter()
    found = read(classifier, "pooled2", make_images(range(3, 11)), progress=counter)
    assert (counter.announced, counter.computed) == ([5], 5)
    np.testing.assert_array_equal(found[:3], read(classifier, "pooled2", make_images(range(3, 6))))


def test_order_and_repetition_are_the_callers(classifier: Classifier) -> None:
    images = make_images(range(5))
    order = [3, 1, 1, 4, 0]
    shuffled = Images(images.pixels.select(np.array(order)), [images.sha256[n] for n in order])
    counter = Counter()
    found = read(classifier, "pooled2", shuffled, progress=counter)
    assert counter.computed == 4
    np.testing.assert_array_equal(found, read(classifier, "pooled2", images)[order])


def test_all_cuts_are_computed_in_one_pass(classifier: Classifier) -> None:
    images, counter = make_images(range(6)), Counter()
    make_front(classifier, counter).features(["block1", "pooled1", "pooled2"], images)
    assert counter.computed == 6
    make_front(classifier, counter).features(["pooled1"], images)
    assert counter.computed == 6
    make_front(classifier, counter).features(["pooled1", "block2"], images)
    assert counter.computed == 12


@pytest.mark.parametrize("what", ["weights", "precision", "pixels", "pooling", "devices"])
def test_other_circumstances_have_rows_of_their_own(classifier: Classifier, what: str) -> None:
    images, counter = make_images(range(3)), Counter()
    read(classifier, "pooled2", images)
    changes: dict[str, Any] = {
        "precision": {"precision": "bfloat16"},
        "devices": {"placement": DescribedAs(("GPU:0",))},
    }.get(what, {})
    nets = {"weights": {"seed": 1}, "pooling": {"pooling": "max"}}
    other = build(**nets[what]) if what in nets else classifier
    asked = make_images(range(3), "another store") if what == "pixels" else images
    read(other, "pooled2", asked, progress=counter, **changes)
    assert counter.computed == 3


def test_the_same_net_built_again_finds_its_rows(classifier: Classifier) -> None:
    images, counter = make_images(range(3)), Counter()
    read(classifier, "pooled2", images)
    read(build(), "pooled2", images, progress=counter)
    assert counter.computed == 0


def test_the_head_is_not_part_of_the_front(classifier: Classifier) -> None:
    images, counter = make_images(range(3)), Counter()
    read(classifier, "pooled2", images)
    kernel = classifier.head[-1].kernel
    kernel.assign(kernel + 1.0)
    read(classifier, "pooled2", images, progress=counter)
    assert counter.computed == 0


def test_brain_floats_are_kept_as_they_are(classifier: Classifier) -> None:
    images = make_images(range(3))
    found = make_front(classifier, precision="bfloat16").features(["block2", "pooled2"], images)
    assert found["block2"].dtype == ml_dtypes.bfloat16 and found["pooled2"].dtype == np.float16
    with computing_in(classifier.model, "bfloat16"):
        wanted = np.asarray(classifier.front(["block2"])(np.asarray(images.pixels).astype(np.float32)))
    np.testing.assert_array_equal(found["block2"][:], wanted)
    assert all(layer.compute_dtype == "float32" for layer in classifier.model.layers)


def test_views_are_the_image_and_its_augmented_copies(classifier: Classifier) -> None:
    images = make_images(range(5))
    views = make_front(classifier).features(["block1"], images, TURNS, views=3)["block1"]
    assert views.shape == (15, 16, 16, CHANNELS[0])
    np.testing.assert_array_equal(views[:5], read(classifier, "block1", images))
    for view in (1, 2):
        for number, sha256 in enumerate(images.sha256):
            rng = np.random.default_rng([int(sha256[:16], 16), view])
            drawn = TURNS.draw(rng, 1, 32, mix=False)
            pixels = warp_batch(images.pixels[number : number + 1], drawn.transforms, drawn.colours)
            wanted = np.asarray(classifier.front(["block1"])(pixels))[0]
            found = views[view * 5 + number].astype(np.float32)
            np.testing.assert_allclose(found, wanted, atol=2e-3 * wanted.max())
    assert len({row.tobytes() for row in views[:]}) == 15


def test_views_are_shared_where_they_are_the_same(classifier: Classifier) -> None:
    images, counter = make_images(range(4)), Counter()
    front = make_front(classifier, counter)
    two = front.features(["pooled2"], images, TURNS, views=2)["pooled2"][:]
    three = front.features(["pooled2"], images, TURNS, views=3)["pooled2"][:]
    assert counter.announced == [8, 4]
    np.testing.assert_array_equal(three[:8], two)
    front.features(["pooled2"], images, replace(TURNS, rotation=30), views=2)
    assert counter.announced == [8, 4, 4]


def test_a_computation_that_was_killed_goes_on(classifier: Classifier) -> None:
    images = make_images(range(19))
    with pytest.raises(KeyboardInterrupt):  # batches that are computed by then are still kept
        read(classifier, "pooled2", images, progress=Counter(stop_after=8))
    assert all(layer.compute_dtype == "float32" for layer in classifier.model.layers)
    counter = Counter()
    found = read(classifier, "pooled2", images, progress=counter)
    assert counter.announced == [3]
    pixels = np.asarray(images.pixels).astype(np.float32)
    wanted = np.asarray(classifier.front(["pooled2"])(pixels))
    np.testing.assert_allclose(found, wanted, rtol=2e-3)


def test_a_feature_beyond_half_precision_is_an_error() -> None:
    large = build()
    kernel = next(v for v in large.model.variables if v.path == "block1_conv1/kernel")
    kernel.assign(kernel * 1e5)
    with pytest.raises(ModelError, match=r"pooled1 reach .* beyond what half precision holds") as caught:
        read(large, "pooled1", make_images(range(2)))
    assert "bfloat16" in caught.value.hint


def test_a_disk_too_small_is_found_before_anything_is_computed(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    needed = 2 * 16 * 16 * CHANNELS[0] * 2  # bytes of two images' features, in halves
    usage = module.shutil.disk_usage(own_cache.parent)
    counter = Counter()
    for free, enough in ((needed / 0.9 - 2, False), (needed / 0.9 + 2, True)):
        monkeypatch.setattr(module.shutil, "disk_usage", lambda _, free=free: usage._replace(free=free))
        if enough:
            read(classifier, "block1", make_images(range(2)), progress=counter)
            continue
        with pytest.raises(DataError, match="frozen features need") as caught:
            read(classifier, "block1", make_images(range(2)), progress=counter)
        assert "DLP_CACHE_DIR" in caught.value.hint and counter.announced == []
