"""Runs checks on several logical CPUs, in a process of their own.

A backend must be told of logical devices before it starts, hence the process. `python -m
dlpractice.benchmark.parallel.logical_devices` reads a request as JSON from stdin and writes the document of
one part to stdout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from dlpractice.errors import HardwareError

Document = dict[str, Any]

_TIMEOUT_SECONDS = 600


def ask(request: Mapping[str, Any], backend: str) -> Document:
    """Runs `answer` in a new process that has `request["devices"]` logical CPUs and no GPU.

    Raises HardwareError where the process fails or takes ten minutes.
    """
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={request['devices']}",
    }
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(request),
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise HardwareError(
            f"logical devices took more than {_TIMEOUT_SECONDS} s", "choose a smaller net or batch"
        ) from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise HardwareError(
            f"the process with logical devices failed: {last}", "choose a smaller net or batch"
        )
    answered: Document = json.loads(done.stdout.splitlines()[-1])
    return answered


def answer(request: Mapping[str, Any]) -> Document:
    """Makes the logical devices and runs the checks of a part.

    request: {"part", "net", "batch", "devices", "seed"}, and "sampling" or "micro_batches".
    """
    devices = _make_devices(request["devices"])
    from dlpractice.benchmark.device.timing import Sampling
    from dlpractice.benchmark.nets import build_net
    from dlpractice.benchmark.parallel.checks import check_data_parallel, check_model_parallel

    net = build_net(request["net"], request["seed"])
    if request["part"] == "data_parallel":
        return check_data_parallel(net, request["batch"], devices, Sampling(**request["sampling"]))
    return check_model_parallel(net, request["batch"], devices, request["micro_batches"])


def _make_devices(count: int) -> list[str]:
    """Makes `count` CPU devices and gives their names.

    PyTorch has only one, which then stands for all: the parts of a divided net are separate all the same, and
    the sums are the same.
    """
    from dlpractice.benchmark.device.backend import backend_name

    if backend_name() == "torch":
        return ["cpu"] * count
    if backend_name() == "tensorflow":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
        return [f"CPU:{index}" for index in range(count)]
    return [f"cpu:{index}" for index in range(count)]


if __name__ == "__main__":
    print(json.dumps(answer(json.load(sys.stdin))))
