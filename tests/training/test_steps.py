"""A training step against gradients taken by hand, and the forward pass against one big batch."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from scipy.special import log_softmax

from dlpractice.data.augmentation import Augmentation
from dlpractice.training.batches.feed import Feed, weigh_classes
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.devices.placement import place
from dlpractice.training.forward import (
    Forward,
    compile_forward,
    forward_all,
    forward_each,
    losses_and_predictions,
)
from dlpractice.training.optimisers.loss_scale import scale_for
from dlpractice.training.optimisers.optimisers import Group, build_groups
from dlpractice.training.steps import classification_loss, compile_train_step, cross_entropy

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(10, 4)).astype(np.float32)
TARGETS = RNG.dirichlet(np.ones(3), 10).astype(np.float32)
WEIGHTS = RNG.uniform(0.5, 2, 10).astype(np.float32)
KERNEL, BIAS = RNG.normal(size=(4, 3)), RNG.normal(size=3)


def make_linear() -> keras.Model:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    model.set_weights([KERNEL, BIAS])
    return model


def make_groups(model: keras.Model) -> tuple[Group, ...]:
    return build_groups(
        model.trainable_variables,
        kind="sgd",
        weight_decay=0.0,
        is_pretrained=lambda _: False,
        pretrained_rate=1.0,
    )


def one_step(model: keras.Model, batch: tuple[Any, ...], precision: str = "float32") -> float:
    scale = scale_for(precision)
    step = compile_train_step(classification_loss(model), make_groups(model), place(1), scale=scale)
    return float(step(batch, 0.1))


def gradient_by_hand() -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    logits = INPUTS @ KERNEL + BIAS
    losses = -(TARGETS * log_softmax(logits, axis=1)).sum(1)
    errors = (np.exp(log_softmax(logits, axis=1)) - TARGETS) * WEIGHTS[:, None] / len(WEIGHTS)
    return float((losses * WEIGHTS).sum() / WEIGHTS.sum()), INPUTS.T @ errors, errors.sum(0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_step_is_that_of_the_gradient_by_hand(precision: str) -> None:
    # In float16 the loss is scaled and the gradients are scaled back: the step stays the same.
    model = make_linear()
    loss, kernel, bias = gradient_by_hand()
    assert one_step(model, (INPUTS, TARGETS, WEIGHTS), precision) == pytest.approx(loss, rel=1e-5)
    found = model.get_weights()
    # Nesterov's first step is 1.9 times the plain one.
    np.testing.assert_allclose(found[0], KERNEL - 0.1 * 1.9 * kernel, atol=1e-6)
    np.testing.assert_allclose(found[1], BIAS - 0.1 * 1.9 * bias, atol=1e-6)


def half_precision_chain() -> keras.Model:
    """In float16, gradients of the first layer are near 1e-8 and vanish unless the loss is scaled."""
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(3, use_bias=False, dtype="mixed_float16")(inputs)
    logits = keras.layers.Dense(3, use_bias=False, dtype="mixed_float16")(hidden)
    model = keras.Model(inputs, logits)
    model.set_weights([KERNEL, np.full((3, 3), 1e-7) * np.arange(1, 4)])
    return model


def test_compiling_leaves_no_files_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # TensorFlow's AutoGraph writes each function that it rewrites into a temporary file, and forgets it.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = make_linear()
    one_step(model, (INPUTS, TARGETS, WEIGHTS))
    compile_forward(model, place(1))(INPUTS)
    assert not list(tmp_path.iterdir())


def test_scaling_keeps_gradients_that_float16_would_lose() -> None:
    moved = []
    for precision in ("float32", "float16"):
        model = half_precision_chain()
        groups = make_groups(model)
        compile_train_step(classification_loss(model), groups, place(1), scale=scale_for(precision))(
            (INPUTS, TARGETS, WEIGHTS), 1e6
        )
        moved.append(not np.array_equal(model.get_weights()[0], KERNEL.astype(np.float32)))
    assert moved == [False, True]


def test_a_gradient_that_overflows_is_skipped() -> None:
    model = make_linear()
    batch = (INPUTS.copy(), TARGETS, WEIGHTS)
    batch[0][0, 0] = np.inf
    one_step(model, batch, "float16")
    for found, before in zip(model.get_weights(), (KERNEL, BIAS), strict=True):
        np.testing.assert_array_equal(found, before.astype(np.float32))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_gradient_that_is_not_finite_shows_where_no_loss_is_scaled(precision: str) -> None:
    model = make_linear()
    batch = (INPUTS.copy(), TARGETS, WEIGHTS)
    batch[0][0, 0] = np.inf
    one_step(model, batch, precision)
    assert np.isnan(model.get_weights()[0]).any()


def share_of_the_rare_class(
    batch_size: int, parts: int = 1, augmentation: Augmentation | None = None, epochs: int = 1
) -> float:
    """What of the gradient of some epochs comes from the targets of B: of 240 images 20 are of B, 220 of A.

    The net sees nothing but its bias, and its logits stay equal: each unit of target pulls the bias to its
    class as hard as any other, so the way that the bias has gone says how many units were on either side.
    """
    labels = np.repeat([0, 1], [220, 20])
    pixels = np.zeros((240, 2, 2, 3), np.uint8)
    weights = weigh_classes(labels, 2, balanced=True)
    feed = Feed(
        Streamed(pixels), labels, weights, batch_size, seed=0, augmentation=augmentation, divided=parts > 1
    )
    inputs = keras.Input((2, 2, 3))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    groups = (Group(keras.optimizers.SGD(), tuple(model.trainable_variables), 1.0),)
    step = compile_train_step(classification_loss(model), groups, place(1), parts, prepare=feed.prepare)
    rate = 1e-6
    for epoch in range(epochs):
        for batch in feed.batches(epoch):
            step(batch, rate)
    return float(0.5 + model.get_weights()[1][1] / (rate * epochs * feed.steps))


@pytest.mark.parametrize(("batch_size", "parts"), [(1, 1), (8, 1), (32, 1), (32, 5), (7, 9), (500, 1)])
def test_balanced_classes_share_the_gradient_whatever_the_batch(batch_size: int, parts: int) -> None:
    assert share_of_the_rare_class(batch_size, parts) == pytest.approx(0.5, abs=0.005)


def test_a_rare_class_keeps_its_share_where_images_are_mixed() -> None:
    # Of the shares that are drawn, the standard deviation is 0.03.
    mixed = share_of_the_rare_class(8, augmentation=Augmentation(mixup=0.4), epochs=6)
    assert mixed == pytest.approx(0.5, abs=0.09)


def test_the_loss_of_a_batch_does_not_depend_on_its_classes() -> None:
    model = make_linear()
    model.set_weights([np.zeros((4, 3)), np.zeros(3)])
    loss = classification_loss(model)
    for weight in (0.2, 9.0):
        weights = np.full(10, weight, np.float32)
        assert float(loss(INPUTS, TARGETS, weights)) == pytest.approx(np.log(3), rel=1e-6)


def test_dropout_is_at_work_in_training_only() -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Dropout(0.9, seed=1)(inputs)))
    model.set_weights([KERNEL, BIAS, *model.get_weights()[2:]])
    logits = compile_forward(model, place(1))(INPUTS)
    np.testing.assert_allclose(logits, INPUTS @ KERNEL + BIAS, rtol=1e-4, atol=1e-5)
    assert one_step(model, (INPUTS, TARGETS, WEIGHTS)) != pytest.approx(gradient_by_hand()[0], rel=1e-3)


def test_cross_entropy_of_soft_targets() -> None:
    logits = RNG.normal(size=(10, 3)).astype(np.float16)
    wanted = -(TARGETS * log_softmax(logits.astype(np.float64), axis=1)).sum(1)
    found = cross_entropy(tf.constant(logits), TARGETS)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_forward_over_all_rows_is_one_big_batch() -> None:
    model = make_linear()
    rows = RNG.normal(size=(37, 4)).astype(np.float32)
    wanted = rows @ KERNEL + BIAS
    for batch_size in (1, 10, 37, 100):
        found = forward_all(compile_forward(model, place(1)), Streamed(rows), batch_size)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("shape", "largest"), [((8,), 256), ((100, 100, 3), 69), ((400, 400, 3), 32)])
def test_batches_of_large_rows_have_fewer_of_them(shape: tuple[int, ...], largest: int) -> None:
    """Otherwise scoring takes the more memory the larger images are, on a CPU for nothing."""
    sizes: list[int] = []

    def begin(sent: Sequence[np.ndarray], _: object) -> Callable[[], np.ndarray]:
        sizes.append(len(sent[0]))
        return lambda: sent[0].reshape(len(sent[0]), -1)[:, :1]

    rows = np.zeros((2 * largest, *shape), np.uint8)
    assert len(forward_all(Forward(begin), Streamed(rows))) == len(rows)
    assert sizes == [largest, largest]


def test_devices_do_not_wait_between_two_sets_of_rows() -> None:
    """The first batch of the second is begun before the last one of the first is fetched."""
    order: list[str] = []

    def begin(sent: Sequence[np.ndarray], _: object) -> Callable[[], np.ndarray]:
        name = f"{sent[0][0, 0]:.0f}"
        order.append(f"begin {name}")
        return lambda: (order.append(f"fetch {name}"), sent[0] + 0.5)[1]

    first, second = (np.arange(start, start + 5, dtype=np.float32)[:, None] for start in (0, 10))
    found = forward_each(Forward(begin), [Streamed(first), Streamed(second)], 3)
    for rows, outputs in zip((first, second), found, strict=True):
        np.testing.assert_array_equal(outputs, rows + 0.5)
    assert order.index("begin 10") < order.index("fetch 3")
    assert order.index("fetch 0") < order.index("begin 10")  # no more than two are under way


def test_forward_of_bytes_and_of_several_outputs() -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, [inputs * 2.0, inputs + 1.0])
    pixels = np.arange(8, dtype=np.uint8).reshape(2, 4)
    doubled, next_ones = compile_forward(model, place(1))(pixels)
    np.testing.assert_array_equal(doubled, pixels * 2.0)
    np.testing.assert_array_equal(next_ones, pixels + 1.0)


def test_losses_and_predictions_of_large_logits() -> None:
    logits = np.array([[1000.0, 0, -1000], [0, 1, 0], [2, 2, 2]], np.float32)
    labels = np.array([0, 0, 2])
    losses, predicted = losses_and_predictions(logits, labels)
    np.testing.assert_allclose(losses, -log_softmax(logits.astype(np.float64), axis=1)[np.arange(3), labels])
    np.testing.assert_array_equal(predicted, [0, 1, 0])


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
@pytest.mark.parametrize("parts", [2, 3, 10])
def test_accumulated_parts_step_as_the_whole_batch(kind: Any, parts: int) -> None:
    # Ten examples of different weights in parts of uneven size; a second step sees the optimiser's state.
    found = []
    for number in (1, parts):
        model = make_linear()
        groups = build_groups(
            model.trainable_variables,
            kind=kind,
            weight_decay=0.1,
            is_pretrained=lambda _: False,
            pretrained_rate=1.0,
        )
        step = compile_train_step(classification_loss(model), groups, place(1), number)
        losses = [float(step((INPUTS, TARGETS, WEIGHTS), 0.1)) for _ in range(2)]
        found.append((losses, model.get_weights(), int(groups[0].optimiser.iterations.numpy())))
    (losses, weights, steps), (accumulated, others, counted) = found
    assert accumulated == pytest.approx(losses, abs=1e-6)
    for wanted, got in zip(weights, others, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)
    assert counted == steps == 2


@pytest.mark.parametrize(("parts", "sizes"), [(1, {10}), (3, {3, 4})])
def test_only_a_part_of_the_batch_is_computed_at_once(parts: int, sizes: set[int]) -> None:
    model = make_linear()
    loss, seen = classification_loss(model), set()

    def watched(inputs: Any, targets: Any, weights: Any, compiler: Any) -> Any:
        seen.add(int(inputs.shape[0]))
        return loss(inputs, targets, weights)

    compile_train_step(watched, make_groups(model), place(1), parts)((INPUTS, TARGETS, WEIGHTS), 0.1)
    assert seen == sizes


def test_more_parts_than_examples_change_nothing() -> None:
    batch = (INPUTS[:2], TARGETS[:2], WEIGHTS[:2])
    weights = []
    for parts in (1, 4):
        model = make_linear()
        compile_train_step(classification_loss(model), make_groups(model), place(1), parts)(batch, 0.1)
        weights.append(model.get_weights())
    for wanted, got in zip(*weights, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)
