from types import SimpleNamespace
from typing import Any

import pytest

from dlpractice.benchmark.device import tensor_float_32 as module
from dlpractice.benchmark.device.tensor_float_32 import arithmetic_of, tensor_float_32


@pytest.mark.parametrize("wanted", [True, False])
def test_tensor_float_32_is_as_wanted_inside_and_as_before_after(wanted: bool) -> None:
    import tensorflow as tf

    enabled = tf.config.experimental.tensor_float_32_execution_enabled
    before = enabled()
    with pytest.raises(ValueError, match="stop"), tensor_float_32(wanted):
        assert enabled() is wanted
        raise ValueError("stop")
    assert enabled() is before


@pytest.mark.parametrize(
    ("capability", "allowed", "arithmetic"),
    [((9, 0), True, "tf32"), ((8, 0), True, "tf32"), ((9, 0), False, "float32"), ((7, 5), True, "float32")],
)
def test_float32_is_tf32_where_the_card_can_and_tensorflow_lets_it(
    capability: tuple[int, int], allowed: bool, arithmetic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    gpu = SimpleNamespace(name="GPU:0")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [gpu] if kind == "GPU" else [])
    details = {"compute_capability": capability}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: details)
    with tensor_float_32(allowed):
        assert arithmetic_of("float32") == arithmetic
        assert arithmetic_of("bfloat16") == "bfloat16"


def test_a_cpu_has_no_tf32() -> None:
    with tensor_float_32(True):
        assert arithmetic_of("float32") == "float32"


@pytest.mark.parametrize(
    ("capability", "precision", "arithmetic"),
    [
        ("9.0", None, "tf32"),
        ("9.0", "tensorfloat32", "tf32"),
        ("9.0", "highest", "float32"),
        ("9.0", "float32", "float32"),
        ("7.5", None, "float32"),
        ("gfx942", None, "float32"),
        (None, None, "float32"),
    ],
)
def test_jax_rounds_unless_it_is_told_not_to(
    capability: str | None, precision: str | None, arithmetic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jax = pytest.importorskip("jax")
    monkeypatch.setattr(module, "backend_name", lambda: "jax")
    told: dict[str, Any] = {} if capability is None else {"compute_capability": capability}
    monkeypatch.setattr(jax, "devices", lambda: [SimpleNamespace(**told)])
    with jax.default_matmul_precision(precision):
        assert arithmetic_of("float32") == arithmetic


@pytest.mark.parametrize(("allowed", "arithmetic"), [(True, "tf32"), (False, "float32")])
def test_in_pytorch_the_switch_of_convolutions_counts(
    allowed: bool, arithmetic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda = SimpleNamespace(is_available=lambda: True, get_device_capability=lambda _: (8, 9))
    cudnn = SimpleNamespace(cudnn=SimpleNamespace(allow_tf32=allowed))
    torch = SimpleNamespace(cuda=cuda, backends=cudnn, version=SimpleNamespace(cuda="13.0"))
    monkeypatch.setattr(module, "backend_name", lambda: "torch")
    monkeypatch.setitem(__import__("sys").modules, "torch", torch)
    assert arithmetic_of("float32") == arithmetic
