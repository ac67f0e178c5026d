"""Modules are found by lying in a package."""

from pathlib import Path
from types import ModuleType

import pytest

from dlpractice.diagnosis.discovery import import_modules


def test_every_module_is_found_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "found_by_lying_there"
    (folder / "inner").mkdir(parents=True)
    for name in ("__init__", "later", "earlier", "inner/__init__", "inner/module"):
        (folder / f"{name}.py").write_text(f"NAME = {name!r}")
    monkeypatch.syspath_prepend(tmp_path)
    package = ModuleType(folder.name)
    package.__path__ = [str(folder)]
    assert [module.NAME for module in import_modules(package)] == ["earlier", "inner/module", "later"]
