"""TF32: whether float32 products are rounded to ten bits of fraction, as GPUs from Ampere on can do.

Such a product reads and writes float32 and takes an eighth of the time, so a net in float32 that computes in
TF32 has to be set against another peak than one that does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dlpractice.benchmark.device.backend import backend_name

# NVIDIA Ampere, the first with TF32 (NVIDIA A100 tensor core GPU architecture, white paper, 2020).
_FIRST_CAPABILITY = (8, 0)

# Names of JAX's precisions under which a GPU may round products of float32 to TF32; None is the default.
_ROUNDED_IN_JAX = (None, "default", "fastest", "bfloat16", "high", "tensorfloat32")


def arithmetic_of(precision: str) -> str:
    """What nets of `precision` compute their products in on the first device: `tf32`, or the precision."""
    if precision != "float32":
        return precision
    capability = _capability()
    return (
        "tf32" if capability is not None and capability >= _FIRST_CAPABILITY and _is_allowed() else "float32"
    )


def _capability() -> tuple[int, int] | None:
    """The compute capability of the first device; None where it is no GPU of NVIDIA's."""
    name = backend_name()
    if name == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
        return details.get("compute_capability")
    if name == "jax":
        import jax

        major, _, minor = str(getattr(jax.devices()[0], "compute_capability", "")).partition(".")
        # Other makers' devices have names there, such as gfx942.
        return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None
    import torch

    if not torch.cuda.is_available() or torch.version.cuda is None:
        return None
    found: tuple[int, int] = torch.cuda.get_device_capability(0)
    return found


def _is_allowed() -> bool:
    """Whether the backend lets a device that can round the products of a net to TF32.

    PyTorch has two switches. That of convolutions counts here, which do nearly all of a net's operations.
    """
    name = backend_name()
    if name == "jax":
        import jax

        return jax.config.jax_default_matmul_precision in _ROUNDED_IN_JAX
    if name == "torch":
        import torch

        return bool(torch.backends.cudnn.allow_tf32)
    get, _ = _tensor_float_32_switch(name)
    return bool(get())


@contextmanager
def tensor_float_32(wanted: bool) -> Iterator[None]:
    """Sets whether a GPU that can may round float32 products to TF32, which has ten bits of fraction.

    The setting holds within the block, and a function that was compiled in the block keeps it.
    """
    name = backend_name()
    if name == "jax":
        import jax

        with jax.default_matmul_precision("tensorfloat32" if wanted else "highest"):
            yield
        return
    get, put = _tensor_float_32_switch(name)
    before = get()
    put(wanted)
    try:
        yield
    finally:
        put(before)


def _tensor_float_32_switch(name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    if name == "tensorflow":
        import tensorflow as tf

        experimental = tf.config.experimental
        return (
            experimental.tensor_float_32_execution_enabled,
            experimental.enable_tensor_float_32_execution,
        )
    import torch

    return (
        lambda: torch.get_float32_matmul_precision() != "highest",
        lambda wanted: torch.set_float32_matmul_precision("high" if wanted else "highest"),
    )
