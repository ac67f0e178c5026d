"""The nets that are benchmarked."""

import numpy as np
import pytest

from dlpractice.benchmark.nets import build_net


@pytest.mark.parametrize(("name", "parameters"), [("resnet50", 25_636_712), ("siamese", None)])
def test_nets_take_one_image_tensor_and_give_one_vector(name: str, parameters: int | None) -> None:
    net = build_net(name)
    assert len(net.inputs) == len(net.outputs) == 1
    assert len(net.inputs[0].shape) == 4
    assert len(net.outputs[0].shape) == 2
    assert parameters in (None, net.count_params())


def test_the_seed_decides_the_weights() -> None:
    first, same, other = (build_net("siamese", seed).get_weights() for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
