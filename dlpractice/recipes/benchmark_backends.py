"""The part `backends` of a benchmark: the same nets on each Keras backend, each in a process of its own.

A process is bound to the backend that it started with, and the threads of two backends in one process would
wait for each other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from dlpractice.config.benchmark_sections import Backends
from dlpractice.hardware.frameworks import RETIRED_FRAMEWORKS
from dlpractice.recipes.benchmark_context import Context, Document

_KINDS = ("inference", "training")


def measure_backends(section: Backends, context: Context) -> Document:
    """Rows backends/BACKEND/NET/inference|training/float32/BATCH in images/s; a backend that is not
    installed, fails or takes too long has rows without a value that say why. `retired`: frameworks of the
    same years that are no longer developed, published.
    """
    context.progress.stage("measuring backends", len(section.names), "backends")
    rows: list[Document] = []
    for name in section.names:
        rows += _measure_backend(name, section, context)
        context.progress.advance()
    return {"rows": rows, "retired": [framework.to_json() for framework in RETIRED_FRAMEWORKS]}


def _measure_backend(name: str, section: Backends, context: Context) -> list[Document]:
    if find_spec(name) is None:
        return _nothing(name, section, f"{name} is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = [*_command(section, context), "--run-dir", f"{folder}/{name}"]
        environment = {**os.environ, "KERAS_BACKEND": name, "TF_CPP_MIN_LOG_LEVEL": "3"}
        try:
            done = subprocess.run(
                command,
                env=environment,
                capture_output=True,
                text=True,
                timeout=section.timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _nothing(name, section, f"it took more than {section.timeout_seconds:.0f} s")
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no message"]
        return _nothing(name, section, next((line for line in said if line.startswith("error")), said[-1]))
    return [_rename(row, name) for row in json.loads(done.stdout)["parts"]["models"]["rows"]]


def _command(section: Backends, context: Context) -> Sequence[str]:
    """`dlp benchmark` of nothing but these nets."""
    return [
        *(sys.executable, "-m", "dlpractice", "benchmark", "--json"),
        "parts=[models]",
        f"models.names=[{','.join(section.models)}]",
        f"models.batch_sizes=[{section.batch_size}]",
        "models.precisions=[float32]",
        f"repetitions={context.sampling.repetitions}",
        f"spread_seconds={context.sampling.spread_seconds}",
        f"seed={context.seed}",
    ]


def _rename(row: dict[str, Any], backend: str) -> Document:
    return {**row, "name": row["name"].replace("models/", f"backends/{backend}/", 1)}


def _nothing(name: str, section: Backends, why: str) -> list[Document]:
    return [
        {
            "name": f"backends/{name}/{net}/{kind}/float32/{section.batch_size}",
            "value": None,
            "unit": "images/s",
            "kind": "measured",
            "why": why,
        }
        for net in section.models
        for kind in _KINDS
    ]
