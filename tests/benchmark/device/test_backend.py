from typing import Any

import keras
import numpy as np
import pytest

from dlpractice.benchmark.device import backend
from dlpractice.errors import HardwareError


def test_the_backend_is_the_one_that_keras_runs_on() -> None:
    assert backend.backend_name() == keras.backend.backend() == "tensorflow"
    assert set(backend.versions()) == {"tensorflow", "keras", "numpy"}


def test_an_unknown_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with pytest.raises(HardwareError, match="openvino") as caught:
        backend.backend_name()
    assert "KERAS_BACKEND" in caught.value.hint


def test_a_compiled_call_computes_the_same_and_says_how() -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    call = backend.compile_call(lambda x, y: keras.ops.matmul(x, y) + 1)
    result = call(backend.to_device(values), backend.to_device(values.T))
    backend.synchronise(result)
    assert np.array_equal(keras.ops.convert_to_numpy(result), values @ values.T + 1)
    assert call.how == "tf.function"


def test_a_compiled_call_is_traced_once() -> None:
    traces = []

    def twice(x: object) -> object:
        traces.append(1)
        return x * 2  # type: ignore[operator]

    call = backend.compile_call(twice)
    tensor = backend.to_device(np.ones(3, np.float32))
    for _ in range(3):
        call(tensor)
    assert len(traces) == 1


@pytest.mark.parametrize("xla", [False, True])
def test_a_function_of_open_shapes_is_traced_once_for_all_sizes(xla: bool) -> None:
    traces: list[object] = []

    def call(images: Any) -> Any:
        traces.append(images)
        return 2.0 * images

    compiled = backend.compile_call(call, [(None, 3)], xla=xla)
    for batch in (1, 2, 5):
        result = compiled(backend.to_device(np.ones((batch, 3), np.float32)))
        assert keras.ops.convert_to_numpy(result).tolist() == [[2.0] * 3] * batch
    assert len(traces) == 1
    assert compiled.how == ("tf.function, XLA" if xla else "tf.function")


def test_the_scaled_sum() -> None:
    first, second = np.array([1.0, 2.0], np.float32), np.array([10.0, 20.0], np.float32)
    result = backend.compile_scaled_sum(3.0)(backend.to_device(first), backend.to_device(second))
    assert keras.ops.convert_to_numpy(result).tolist() == [31.0, 62.0]


def test_a_tensor_on_the_device_is_a_copy() -> None:
    values = np.zeros(4, np.float32)
    tensor = backend.to_device(values)
    values[:] = 7
    assert keras.ops.convert_to_numpy(tensor).tolist() == [0.0] * 4


def test_a_machine_without_gpu_has_one_cpu() -> None:
    devices = backend.list_devices()
    assert devices
    assert {device.kind for device in devices} <= {"cpu", "gpu"}


def test_running_out_of_memory_is_told_from_other_errors() -> None:
    import tensorflow as tf

    assert backend.is_out_of_memory(MemoryError())
    assert backend.is_out_of_memory(tf.errors.ResourceExhaustedError(None, None, "OOM"))
    assert backend.is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 5 bytes"))
    assert not backend.is_out_of_memory(ValueError("shapes differ"))
