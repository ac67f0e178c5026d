import json
import os
from pathlib import Path

import pytest

from dlpractice.benchmark.device import machine
from dlpractice.benchmark.device.machine import describe_machine, last_level_cache, list_gpus, usable_cores


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 5, 6}, raising=False)


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 4.0),
        ({"cpu.max": "max 100000\n"}, 4.0),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "1600000 100000\n"}, 4.0),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2.0),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 4.0),
    ],
)
def test_cores_are_those_that_affinity_and_container_leave(
    files: dict[str, str], cores: float, tmp_path: Path
) -> None:
    for name, text in files.items():
        write(tmp_path / "fs/cgroup" / name, text)
    assert usable_cores(tmp_path) == cores


def test_the_largest_cache_is_the_last(tmp_path: Path) -> None:
    for index, size in enumerate(("48K", "1024K", "32M")):
        write(tmp_path / f"devices/system/cpu/cpu0/cache/index{index}/size", size)
    assert last_level_cache(tmp_path) == 32 << 20
    assert last_level_cache(tmp_path / "nothing") is None


def test_what_the_driver_does_not_tell_is_null() -> None:
    asked: list[list[str]] = []

    def ask(command: list[str]) -> str:
        asked.append(command)
        return (
            "NVIDIA H200, 550.90.07, 143771, 1980, 3201, 700.00, Enabled, 5, 16, Disabled\n"
            "NVIDIA L4, 550.90.07, 23034, [N/A], 6251, [Unknown Error], Enabled, 4, 16, [N/A]\n"
        )

    first, second = list_gpus(ask)
    assert asked[0][0] == "nvidia-smi"
    assert (first["name"], first["driver"], first["memory_mib"]) == ("NVIDIA H200", "550.90.07", 143771)
    assert (first["clock_max_mhz"], first["pcie_generation"], first["mig"]) == (1980, 5, "Disabled")
    assert (second["clock_max_mhz"], second["power_limit_w"], second["mig"]) == (None, None, None)


@pytest.mark.parametrize("answer", [None, "", "NVIDIA-SMI has failed\n"])
def test_without_a_driver_there_are_no_gpus(answer: str | None) -> None:
    assert list_gpus(lambda command: answer) == []


def test_a_missing_program_is_no_error() -> None:
    assert machine._ask(["no-such-program-anywhere"]) is None


def test_this_machine_can_be_described() -> None:
    found = describe_machine()
    host = found["host"]
    assert 0 < host["usable_cores"] <= host["logical_cores"]
    assert host["threads"] >= 1
    assert host["memory_bytes"] > 1 << 28
    assert host["processor"]
    assert found["devices"]
    assert {"python", "keras", "numpy", found["backend"]} <= set(found["versions"])
    json.dumps(found)
