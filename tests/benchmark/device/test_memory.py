from pathlib import Path

import psutil
import pytest

from dlpractice.benchmark.device import memory
from dlpractice.benchmark.device.memory import MemoryBudget, container_limit, free_host_bytes

MEBIBYTE = 1 << 20


@pytest.fixture(autouse=True)
def _on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_device_bytes", lambda: None)


def container(folder: Path, limit: str, used: int, cached: int) -> Path:
    (folder / "memory.max").write_text(limit)
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\n")
    return folder


def test_a_container_allows_what_its_limit_leaves(tmp_path: Path) -> None:
    folder = container(tmp_path, f"{100 * MEBIBYTE}\n", 60 * MEBIBYTE, 20 * MEBIBYTE)
    assert container_limit(folder) == 100 * MEBIBYTE
    assert free_host_bytes(folder) == 60 * MEBIBYTE, "pages of files can be given back"


def test_the_first_version_of_cgroups_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    for name, text in (
        ("limit_in_bytes", 50 * MEBIBYTE),
        ("usage_in_bytes", 30 * MEBIBYTE),
        ("stat", f"total_inactive_file {MEBIBYTE}"),
    ):
        (tmp_path / f"memory/memory.{name}").write_text(str(text))
    assert free_host_bytes(tmp_path) == 21 * MEBIBYTE


def test_no_limit_leaves_what_the_system_has(tmp_path: Path) -> None:
    total = psutil.virtual_memory().total
    for folder in (tmp_path, container(tmp_path, "max\n", 1, 0)):
        assert container_limit(folder) is None
        assert 0 < free_host_bytes(folder) <= total
    (tmp_path / "memory.max").write_text(str(4 * total))
    assert container_limit(tmp_path) is None, "more than the machine has is no limit"


def test_a_full_container_has_nothing_left(tmp_path: Path) -> None:
    assert free_host_bytes(container(tmp_path, str(MEBIBYTE), 2 * MEBIBYTE, 0)) == 0


def test_a_budget_is_a_share_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_host_bytes", lambda: 100 * MEBIBYTE)
    budget = MemoryBudget(0.25)
    assert budget.host_bytes() == budget.device_bytes() == 25 * MEBIBYTE
    assert budget.why_not(25 * MEBIBYTE) is None
    assert budget.why_not(26 * MEBIBYTE) == "needs 26 MiB; 25 MiB are allowed, 25% of what is free"


def test_a_device_has_a_budget_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_host_bytes", lambda: 100 * MEBIBYTE)
    monkeypatch.setattr(memory, "free_device_bytes", lambda: 1000 * MEBIBYTE)
    budget = MemoryBudget(0.5)
    assert budget.why_not(400 * MEBIBYTE) is None
    assert budget.why_not(400 * MEBIBYTE, on_host=True) is not None
