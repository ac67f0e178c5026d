"""One face for the Keras backend that runs, whichever it is: compiling, waiting, devices, memory.

Each function asks `backend_name()` and imports that one package, so that a machine without TensorFlow can be
measured with JAX or PyTorch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import keras

from dlpractice.errors import HardwareError

_DISTRIBUTIONS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


@dataclass(frozen=True)
class Device:
    """A device of the backend.

    name: what the backend calls it.
    kind: `cpu` or `gpu`.
    model: such as "NVIDIA A100-SXM4-80GB"; empty where it is not known.
    """

    name: str
    kind: str
    model: str


@dataclass(frozen=True)
class Compiled:
    """A function that is ready to be called often.

    how: the way it was compiled, `tf.function`, `jax.jit` or `eager`.
    """

    function: Callable[..., Any]
    how: str

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)


def backend_name() -> str:
    """The name of the backend that Keras runs on: tensorflow, jax or torch.

    Raises:
        HardwareError: Keras runs on something else.
    """
    name = str(keras.backend.backend())
    if name not in _DISTRIBUTIONS:
        raise HardwareError(
            f"Keras runs on {name}", f"set KERAS_BACKEND to one of {', '.join(_DISTRIBUTIONS)}"
        )
    return name


def versions() -> dict[str, str]:
    """Versions of the backend's package, of Keras and of NumPy."""
    packages = (_DISTRIBUTIONS[backend_name()], "keras", "numpy")
    return {package: metadata.version(package) for package in packages}


def compile_call(
    function: Callable[..., Any], shapes: Sequence[tuple[int | None, ...]] | None = None, *, xla: bool = False
) -> Compiled:
    """`function` of tensors, compiled as the backend does by default.

    PyTorch runs it as it stands, as Keras does there, without keeping gradients. JAX compiles it anew for
    each shape that it is called with.

    shapes: those of its arguments, which are then float32. TensorFlow traces the function once for all sizes
        that they leave open.
    xla: whether TensorFlow hands it to XLA; JAX always does, PyTorch never.
    """
    name = backend_name()
    if name == "tensorflow":
        import tensorflow as tf

        signature = None if shapes is None else [tf.TensorSpec(shape, "float32") for shape in shapes]
        compiled = tf.function(function, input_signature=signature, autograph=False, jit_compile=xla or None)
        return Compiled(compiled, "tf.function, XLA" if xla else "tf.function")
    if name == "jax":
        import jax

        return Compiled(jax.jit(function), "jax.jit")
    import torch

    return Compiled(torch.no_grad()(function), "eager")


def compile_scaled_sum(scale: float) -> Compiled:
    """`first + scale * second` as one kernel, which passes over memory once."""
    name = backend_name()
    if name == "torch":
        import torch

        return Compiled(lambda first, second: torch.add(first, second, alpha=scale), "eager")
    # Without XLA TensorFlow would write the scaled values to memory and read them again.
    return compile_call(lambda first, second: first + scale * second, xla=True)


def synchronise(value: object) -> None:
    """Wait until the device has computed `value`, a tensor or a nest of tensors."""
    name = backend_name()
    if name == "tensorflow":
        import tensorflow as tf

        tf.test.experimental.sync_devices()
    elif name == "jax":
        import jax

        jax.block_until_ready(value)
    else:
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()


def thread_count() -> int | None:
    """How many threads one operation on the CPU may use; None where the backend uses all usable cores."""
    name = backend_name()
    if name == "tensorflow":
        import tensorflow as tf

        return int(tf.config.threading.get_intra_op_parallelism_threads()) or None
    if name == "torch":
        import torch

        return int(torch.get_num_threads())
    return None


def list_devices() -> tuple[Device, ...]:
    """The devices of the backend: its GPUs; where it sees none, the CPU."""
    name = backend_name()
    if name == "tensorflow":
        return _list_tensorflow_devices()
    if name == "jax":
        import jax

        return tuple(
            Device(str(device), "cpu" if device.platform == "cpu" else "gpu", str(device.device_kind))
            for device in jax.devices()
        )
    import torch

    gpus = [
        Device(f"cuda:{index}", "gpu", torch.cuda.get_device_name(index))
        for index in range(torch.cuda.device_count())
    ]
    return tuple(gpus) or (Device("cpu", "cpu", ""),)


def _list_tensorflow_devices() -> tuple[Device, ...]:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return (Device("CPU:0", "cpu", ""),)
    return tuple(
        Device(
            f"GPU:{index}", "gpu", str(tf.config.experimental.get_device_details(gpu).get("device_name", ""))
        )
        for index, gpu in enumerate(gpus)
    )


def to_device(array: Any) -> Any:
    """Copies a NumPy array to the first device, as a tensor."""
    name = backend_name()
    if name == "tensorflow":
        import tensorflow as tf

        with tf.device(list_devices()[0].name):
            return tf.identity(tf.convert_to_tensor(array))
    if name == "jax":
        import jax

        return jax.device_put(array, jax.devices()[0])
    import torch

    return torch.as_tensor(array).to(list_devices()[0].name, copy=True)


def grow_memory_as_needed() -> None:
    """Keeps the backend from reserving a whole GPU at its start.

    Other processes need memory too, and this one's memory budget has to see how much is free. Call this
    before anything is computed.
    """
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if backend_name() == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)


def free_memory() -> int | None:
    """How many bytes of the first GPU the backend can still hand out; None where TensorFlow cannot tell."""
    name = backend_name()
    if name == "jax":
        import jax

        known = jax.devices()[0].memory_stats() or {}
        return int(known["bytes_limit"] - known["bytes_in_use"]) if "bytes_limit" in known else None
    if name == "torch":
        import torch

        if torch.cuda.is_available():
            held = torch.cuda.memory_reserved(0) - torch.cuda.memory_allocated(0)
            return int(torch.cuda.mem_get_info(0)[0] + held)
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` is the way in which a backend, or Python, says that memory has run out."""
    if isinstance(error, MemoryError):
        return True
    text = f"{type(error).__name__}: {error}"
    return any(sign in text for sign in ("RESOURCE_EXHAUSTED", "ResourceExhausted", "OutOfMemory"))


@contextmanager
def double_precision() -> Iterator[None]:
    """Lets JAX compute in float64 within the block, which it does not do by itself."""
    if backend_name() != "jax":
        yield
        return
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)
