"""Feeds of episodes, and the loss over all pairs of a batch on one device and on two.

Two logical CPUs are made in a process of their own: see tests/training/devices/test_placement.py.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from dlpractice.data.examples import Examples
from dlpractice.data.oneshot.distortion import Distortion
from dlpractice.data.oneshot.episodes import EpisodeSampler
from dlpractice.registry.objectives import find_objective
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.batches.views import view_batch
from dlpractice.training.devices.placement import place
from dlpractice.training.optimisers.optimisers import build_groups
from dlpractice.training.pairs import EpisodeFeed, pairs_loss
from dlpractice.training.steps import compile_train_step


def make_feed(seed: int = 1, steps: int = 3, elastic: float = 0.05) -> EpisodeFeed:
    """Three alphabets of four classes, drawn by three each."""
    rng = np.random.default_rng(0)
    classes, drawers = np.repeat(np.arange(12), 3), np.tile(np.arange(3), 12)
    pixels = rng.integers(0, 256, (36, 8, 8, 1), np.uint8)
    names = tuple(map(str, range(36)))
    examples = Examples(pixels, classes // 4, classes, drawers, names[:3], names[:12], names, names)
    sampler = EpisodeSampler(examples, alphabets=2, classes=3, drawings=2, turns=range(4))
    return EpisodeFeed(Streamed(pixels), sampler, Distortion(elastic=elastic), 6, steps, seed)


def test_a_batch_is_images_moves_and_labels_of_equal_length() -> None:
    images, transforms, pens, fields, labels = next(iter(make_feed().batches(0)))
    assert (images.shape, images.dtype) == ((12, 8, 8, 1), np.uint8)
    assert (transforms.shape, pens.shape, fields.shape) == ((12, 8), (12,), (12, 5, 5, 2))
    assert labels.dtype == np.int32
    assert np.unique(labels, return_counts=True)[1].tolist() == [2] * 6


def test_a_feed_can_start_at_any_step() -> None:
    whole = list(make_feed().batches(2))
    assert len(whole) == 3
    for start in range(4):
        rest = list(make_feed().batches(2, start))
        assert len(rest) == 3 - start
        for ours, theirs in zip(rest, whole[start:], strict=True):
            for array, other in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(array, other)


def test_no_two_batches_are_the_same() -> None:
    seen = [
        batch[0].tobytes()
        for seed in range(3)
        for epoch in range(3)
        for batch in make_feed(seed).batches(epoch)
    ]
    assert len(set(seen)) == 27


def test_the_loss_is_that_of_the_objective_on_what_is_seen() -> None:
    feed = make_feed()
    batch = next(iter(feed.batches(0)))
    inputs = keras.Input((6, 6, 1))
    encoder = keras.Model(inputs, keras.layers.Dense(5)(keras.layers.Flatten()(inputs)))
    row = find_objective("supcon")
    similarity = row.build_similarity({"temperature": 0.1})
    loss = pairs_loss(encoder, lambda embeddings, labels: row.loss(embeddings, labels, similarity))
    embeddings = encoder(view_batch(*batch[:4], 6)).numpy()
    scores = similarity.pairs(embeddings, embeddings).numpy().astype(np.float64)
    labels, terms = batch[4], []
    for i in range(12):
        others = [j for j in range(12) if j != i]
        total = np.log(np.exp(scores[i, others]).sum())
        terms.append(np.mean([total - scores[i, j] for j in others if labels[j] == labels[i]]))
    groups = build_groups(
        encoder.trainable_variables,
        kind="sgd",
        weight_decay=0.0,
        is_pretrained=lambda _: False,
        pretrained_rate=1.0,
    )
    found = compile_train_step(loss, groups, place(1), prepare=feed.prepare)(batch, 0.0)
    assert float(found) == pytest.approx(np.mean(terms), rel=1e-4)


DEVICES = """
import json
import numpy as np
import keras
from dlpractice.data.oneshot.distortion import see_plain
from dlpractice.registry.objectives import find_objective
from dlpractice.models.siamese import Verdict, build_siamese
from dlpractice.training.optimisers.optimisers import build_groups
from dlpractice.training.pairs import pairs_loss
from dlpractice.training.batches.views import view_batch
from dlpractice.training.devices.placement import place
from dlpractice.training.steps import compile_train_step

SETTINGS = {"temperature": 0.1, "margin": 0.5}

def train(devices, name, sizes, compiled=False):
    placement, row = place(devices), find_objective(name)
    keras.utils.set_random_seed(1)
    with placement.strategy.scope():
        inputs = keras.Input((6, 6, 1))
        x = keras.layers.Conv2D(4, 3, activation="tanh")(keras.layers.Rescaling(1 / 255)(inputs))
        encoder = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
        similarity = row.build_similarity(SETTINGS)
        model = build_siamese(encoder, similarity, Verdict()).model
        groups = build_groups(
            model.trainable_variables, kind="sgd", weight_decay=0.0,
            is_pretrained=lambda variable: False, pretrained_rate=1.0,
        )
    settings = {key: SETTINGS[key] for key in row.loss_settings}
    loss = pairs_loss(encoder, lambda e, labels: row.loss(e, labels, similarity, **settings))
    def prepare(*batch):
        return view_batch(*batch[:4], 6), batch[4]

    step = compile_train_step(loss, groups, placement, prepare=prepare, compiled=compiled)
    rng, losses = np.random.default_rng(0), []
    for size in sizes:
        images = rng.integers(0, 256, (size, 6, 6, 1)).astype(np.uint8)
        # Classes in order: half of them lie on one device alone, and some across the border.
        labels = (1 + np.arange(size) // 3).astype(np.int32)
        moves = see_plain(rng.integers(4, size=size), 6, 6)
        losses.append(float(step((images, *moves, labels), 0.01)))
    return losses, model.get_weights()

found = {}
for name in ("verification", "prototypical", "supcon"):
    wanted, others = train(1, name, [13, 2, 13])
    start = train(1, name, [])[1]
    ways = ((3, False), (3, True), (1, True))
    for devices, compiled in ways if name == "prototypical" else ways[:1]:
        ours, weights = train(devices, name, [13, 2, 13], compiled)
        found[f"{name} {devices} {compiled}"] = {
            "weights": max(float(np.abs(a - b).max()) for a, b in zip(weights, others)),
            "moved": max(float(np.abs(a - b).max()) for a, b in zip(others, start)),
            "losses": float(np.abs(np.subtract(ours, wanted)).max()),
        }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def several_devices(run_on_devices: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return run_on_devices(3, DEVICES)


@pytest.mark.parametrize(
    "name",
    [
        *("verification 3 False", "prototypical 3 False", "supcon 3 False"),
        *("prototypical 3 True", "prototypical 1 True"),
    ],
)
def test_several_devices_and_xla_learn_what_one_does_from_all_pairs(
    several_devices: dict[str, Any], name: str
) -> None:
    # With negatives of each device's own part alone, losses and weights would be others. One of the
    # batches is of two images: the third device's, which only fills up, is no example.
    assert several_devices[name]["losses"] < 1e-5
    assert several_devices[name]["weights"] < 1e-5
    assert several_devices[name]["moved"] > 1e-3
