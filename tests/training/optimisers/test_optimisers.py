"""Steps of the optimisers, by hand."""

from typing import Any

import keras
import numpy as np
import pytest

from dlpractice.training.optimisers.optimisers import Group, build_groups

VALUES = {"kernel": np.array([[1.0, -2.0]]), "bias": np.array([3.0, 4.0]), "base": np.array([[5.0], [6.0]])}
GRADIENTS = {
    "kernel": np.array([[0.5, 0.1]]),
    "bias": np.array([-2.0, 1.0]),
    "base": np.array([[1.0], [-4.0]]),
}


def make_groups(kind: Any, weight_decay: float) -> tuple[dict[str, Any], tuple[Group, ...]]:
    variables = {name: keras.Variable(value, dtype="float32", name=name) for name, value in VALUES.items()}
    groups = build_groups(
        list(variables.values()),
        kind=kind,
        weight_decay=weight_decay,
        is_pretrained=lambda variable: variable is variables["base"],
        pretrained_rate=0.1,
    )
    return variables, groups


def step(groups: tuple[Group, ...], rate: float) -> None:
    for group in groups:
        group.optimiser.learning_rate.assign(rate * group.factor)
        gradients = [keras.ops.convert_to_tensor(GRADIENTS[v.name], "float32") for v in group.variables]
        group.optimiser.apply(gradients, group.variables)


def test_what_is_pretrained_has_its_own_smaller_rate() -> None:
    _, (fresh, pretrained) = make_groups("adamw", 0.0)
    assert [variable.name for variable in fresh.variables] == ["kernel", "bias"]
    assert [variable.name for variable in pretrained.variables] == ["base"]
    assert (fresh.factor, pretrained.factor) == (1.0, 0.1)
    assert fresh.optimiser is not pretrained.optimiser


def test_an_empty_group_is_left_out() -> None:
    variable = keras.Variable(np.ones((2, 2)))
    for is_pretrained, factor in ((True, 0.5), (False, 1.0)):
        groups = build_groups(
            [variable],
            kind="sgd",
            weight_decay=0.0,
            is_pretrained=lambda _, answer=is_pretrained: answer,  # type: ignore[misc]
            pretrained_rate=0.5,
        )
        assert [group.factor for group in groups] == [factor]


@pytest.mark.parametrize("weight_decay", [0.0, 0.2])
def test_two_steps_of_adamw(weight_decay: float) -> None:
    variables, groups = make_groups("adamw", weight_decay)
    for _ in range(2):
        step(groups, 0.01)
    for name, value in VALUES.items():
        rate = 0.001 if name == "base" else 0.01
        decay = 0.0 if name == "bias" else weight_decay
        wanted, gradient = value.copy(), GRADIENTS[name]
        first = second = np.zeros_like(value)
        for t in (1, 2):
            first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
            wanted -= rate * decay * wanted
            wanted -= rate * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-7)
        np.testing.assert_allclose(variables[name].numpy(), wanted, rtol=1e-5)


def test_two_steps_of_sgd_with_nesterov_momentum() -> None:
    variables, groups = make_groups("sgd", 0.2)
    for _ in range(2):
        step(groups, 0.01)
    for name, value in VALUES.items():
        rate = 0.001 if name == "base" else 0.01
        decay = 0.0 if name == "bias" else 0.2
        wanted, velocity = value.copy(), np.zeros_like(value)
        for _ in range(2):
            wanted -= rate * decay * wanted
            velocity = 0.9 * velocity - rate * GRADIENTS[name]
            wanted += 0.9 * velocity - rate * GRADIENTS[name]
        np.testing.assert_allclose(variables[name].numpy(), wanted, rtol=1e-5)
