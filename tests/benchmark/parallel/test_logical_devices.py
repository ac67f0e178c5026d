"""The process with logical devices: how it is started, and what is said when it fails."""

import sys
from pathlib import Path

import pytest

from dlpractice.benchmark.parallel.logical_devices import ask
from dlpractice.errors import HardwareError


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A script in the place of Python."""
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


def test_the_request_and_the_environment_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = r"{\"backend\": \"$KERAS_BACKEND\", \"flags\": \"$XLA_FLAGS\"}"
    stand_in(tmp_path, monkeypatch, f'cat > /dev/null; echo noise; echo "{answer}"')
    found = ask({"devices": 3}, "jax")
    assert found == {"backend": "jax", "flags": "--xla_force_host_platform_device_count=3"}


def test_a_failure_in_the_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(
        tmp_path, monkeypatch, "cat > /dev/null; echo first >&2; echo 'ValueError: too wide' >&2; exit 1"
    )
    with pytest.raises(HardwareError, match=r"failed: ValueError: too wide"):
        ask({"devices": 2}, "tensorflow")
