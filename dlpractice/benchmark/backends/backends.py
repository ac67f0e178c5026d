"""The part `backends` of a benchmark: the same nets on each Keras backend and in ONNX Runtime.

Each of them runs in a process of its own: a process is bound to the backend that it started with, and the
threads of two backends in one process would wait for each other.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import product
from typing import Any

from dlpractice.benchmark.backends.retired_frameworks import RETIRED_FRAMEWORKS
from dlpractice.benchmark.context import Context, Document
from dlpractice.benchmark.device.measurement import NetRow, missing_row
from dlpractice.benchmark.device.time_limit import NO_TIME
from dlpractice.config.sections.benchmark import Backends
from dlpractice.whole_files import scratch_folder

# A backend's process is not begun for less: it takes as long to import one.
_LEAST_SECONDS = 5.0
# What a process may plan with of the time after which it is ended; it also has to begin and end.
_OF_THE_LIMIT = 0.7


def measure_backends(section: Backends, context: Context) -> Document:
    """Rows backends/BACKEND/NET/WORK/float32/BATCH in images/s.

    Each row also has the parts of its name as fields, and `threads` and `versions`. TensorFlow has a second
    row with XLA, whose name ends in `/xla`. ONNX Runtime is measured in inference only, and its row names the
    `provider` that ran it. A backend that is not installed, fails or takes too long has rows without a value,
    which say why. `retired` lists frameworks of the same years that are no longer developed, as published.
    """
    context.progress.stage("measuring backends", len(section.names), "backends")
    rows: list[Document] = []
    for name in section.names:
        # Each may take all that is left: a process that is cut short has nothing to show.
        rows += _measure_backend(name, section, context)
        context.progress.advance()
    return {"rows": rows, "retired": [framework.to_json() for framework in RETIRED_FRAMEWORKS]}


def _measure_backend(name: str, section: Backends, context: Context) -> list[Document]:
    runner = _RUNNERS[name]
    if absent := [package for package in runner.packages if find_spec(package) is None]:
        why = f"{', '.join(absent)} not installed; pip install '{runner.distribution}' brings it"
        return _nothing(name, section, why)
    seconds = _seconds(section, context)
    if context.time.why_not(_LEAST_SECONDS):
        return _nothing(name, section, NO_TIME)
    with scratch_folder() as folder:
        try:
            done = subprocess.run(
                runner.command(section, context, f"{folder}/{name}"),
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **runner.environment},
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            late = f"it took more than {section.timeout_seconds:.0f} s"
            return _nothing(name, section, late if seconds == section.timeout_seconds else NO_TIME)
    if done.returncode != 0:
        return _nothing(name, section, _say_why(done.returncode, done.stderr))
    document = json.loads(done.stdout)
    return [_adopt(row, name, document["environment"]) for row in document["parts"]["models"]["rows"]]


def _seconds(section: Backends, context: Context) -> float:
    """How long a backend's process may take."""
    return min(section.timeout_seconds, context.time.left())


def _say_why(status: int, said: str) -> str:
    if status < 0:  # the system ends in this way what takes more memory than there is
        return f"its process was ended by {signal.Signals(-status).name}"
    lines = said.strip().splitlines() or ["no message"]
    return next((line for line in lines if line.startswith("error")), lines[-1])


def _benchmark_command(section: Backends, context: Context, folder: str) -> list[str]:
    """The command that runs `dlp benchmark` on these nets alone."""
    return [
        *(sys.executable, "-m", "dlpractice", "benchmark", "--json", "--run-dir", folder),
        "parts=[models]",
        f"models.names=[{','.join(section.models)}]",
        f"models.batch_sizes=[{section.batch_size}]",
        "models.precisions=[float32]",
        "models.compilers=[default, xla]",
        f"repetitions={context.sampling.repetitions}",
        f"spread_seconds={context.sampling.spread_seconds}",
        f"memory_share={context.memory.share}",
        f"time_limit_seconds={_OF_THE_LIMIT * _seconds(section, context):.1f}",
        f"seed={context.seed}",
    ]


def _onnx_command(section: Backends, context: Context, folder: str) -> list[str]:
    request = {
        "nets": section.models,
        "batch_size": section.batch_size,
        "seed": context.seed,
        "sampling": asdict(context.sampling),
        "memory_share": context.memory.share,
    }
    return [sys.executable, "-m", "dlpractice.benchmark.backends.onnx_process", json.dumps(request)]


@dataclass(frozen=True)
class _Runner:
    """How the nets of one backend are run in a process of their own.

    packages: the packages that the process imports.
    distribution: what pip installs to bring them.
    environment: variables that are set for the process.
    command: takes the section, the context and a folder that does not exist yet, and gives the command line
        of the process, which prints a result as JSON.
    works: the kinds of work that are measured, `inference` and `training`.
    compilers: the ways to compile a net that are measured.
    """

    packages: tuple[str, ...]
    distribution: str
    environment: dict[str, str]
    command: Callable[[Backends, Context, str], Sequence[str]] = _benchmark_command
    works: tuple[str, ...] = ("inference", "training")
    compilers: tuple[str, ...] = ("default",)


_RUNNERS = {
    "tensorflow": _Runner(
        ("tensorflow",), "dlpractice", {"KERAS_BACKEND": "tensorflow"}, compilers=("default", "xla")
    ),
    "jax": _Runner(("jax",), "dlpractice[backends]", {"KERAS_BACKEND": "jax"}),
    "torch": _Runner(("torch",), "dlpractice[backends]", {"KERAS_BACKEND": "torch"}),
    "onnxruntime": _Runner(
        ("tensorflow", "onnxruntime", "onnx", "tf2onnx"),
        "dlpractice[onnx]",
        # The session computes on the CPU; the net that its outputs are compared with has to do so too.
        {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"},
        _onnx_command,
        ("inference",),
    ),
}


def _adopt(row: Document, backend: str, environment: dict[str, Any]) -> Document:
    """A row that a backend's own process measured, renamed after that backend."""
    label = NetRow(row["net"], row["work"], row["precision"], row["compiler"]).label(row["batch"])
    known = {key: environment[key] for key in ("threads", "versions")}
    return {**row, "name": f"backends/{backend}/{label}", "backend": backend, **known}


def _nothing(name: str, section: Backends, why: str) -> list[Document]:
    batch = section.batch_size
    runner = _RUNNERS[name]
    kinds = product(section.models, runner.works, runner.compilers)
    rows = [NetRow(net, work, compiler=compiler) for net, work, compiler in kinds]
    return [
        missing_row(
            f"backends/{name}/{row.label(batch)}", "images/s", why, {"backend": name, **row.fields(batch)}
        )
        for row in rows
    ]
