"""The fixture `monkeypatch` of these tests refuses a patch that nobody would notice."""

import importlib.util
import time
from pathlib import Path
from types import ModuleType

import pytest

from dlpractice.runs.directory import RunDirectory

# It imports a name, and reads it in no function: annotations and defaults were read at import.
STAGES = """
from time import monotonic
from dlpractice.training.checkpoints import Checkpoints

LIMIT = 3

def train(checkpoints: Checkpoints, clock=monotonic) -> Checkpoints:
    def limit(value):
        return min(value, LIMIT)
    return limit(checkpoints)
"""


@pytest.fixture
def stages(tmp_path: Path) -> ModuleType:
    file = tmp_path / "stages.py"
    file.write_text(STAGES)
    spec = importlib.util.spec_from_file_location("dlpractice.stages", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["Checkpoints", "monotonic", "train"])
def test_a_name_that_no_function_looks_up_is_refused(
    name: str, stages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = getattr(stages, name)
    with pytest.raises(pytest.fail.Exception, match=f"nobody looks up '{name}'"):
        monkeypatch.setattr(stages, name, None)
    assert getattr(stages, name) is before


def test_a_name_that_an_inner_function_looks_up_is_patched(
    stages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "LIMIT", 1)
    assert stages.train(5) == 1


def test_a_function_is_patched_where_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """`precision_choice` defines it; `device_choice` took it over by `from ... import`."""
    name = "choose_precision"
    with pytest.raises(pytest.fail.Exception, match="nobody looks up"):
        monkeypatch.setattr(f"dlpractice.training.devices.precision_choice.{name}", None)
    monkeypatch.setattr(f"dlpractice.recipes.run.device_choice.{name}", None)


def test_so_are_those_of_other_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package calls `time.monotonic` by that name; `get_close_matches`, it took over."""
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    assert time.monotonic() == 0.0
    importlib.import_module("dlpractice.benchmark.backends.backends")  # it took `find_spec` over
    monkeypatch.setattr("importlib.util.find_spec", None)  # `dlp benchmark` imports it in each call
    with pytest.raises(pytest.fail.Exception, match="nobody looks up"):
        monkeypatch.setattr("difflib.get_close_matches", None)


def test_an_attribute_of_a_class_is_looked_up_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunDirectory, "metrics", None)
    with pytest.raises(pytest.fail.Exception, match="nobody looks up 'nothing'"):
        monkeypatch.setattr(RunDirectory, "nothing", None, raising=False)


def test_a_variable_that_nobody_reads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLP_DATA_DIR", "/data")
    for change in (monkeypatch.delenv, lambda name: monkeypatch.setenv(name, "1")):
        with pytest.raises(pytest.fail.Exception, match=r"nobody reads .* DLP_DATADIR"):
            change("DLP_DATADIR")
