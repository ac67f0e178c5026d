import inspect
import io

import pytest

from dlpractice.progress import Progress, Silent
from dlpractice.report.progress_display.plain import PlainProgress
from dlpractice.report.progress_display.terminal import TerminalProgress

METHODS = [name for name, _ in inspect.getmembers(Progress, inspect.isfunction) if not name.startswith("_")]


def test_the_protocol_has_its_methods() -> None:
    assert sorted(METHODS) == ["advance", "batch", "close", "epoch", "say", "stage", "warn"]


@pytest.mark.parametrize("kind", [Silent, PlainProgress, TerminalProgress])
@pytest.mark.parametrize("name", METHODS)
def test_all_kinds_take_the_same_arguments(kind: type, name: str) -> None:
    assert inspect.signature(getattr(kind, name)) == inspect.signature(getattr(Progress, name))


def test_silent_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    progress: Progress = Silent()
    progress.stage("decoding", 3, "images")
    progress.advance()
    progress.batch(1, 2, 3, 4, 5)
    progress.epoch({}, True)
    progress.say("")
    progress.warn("")
    progress.close()
    progress.close()
    assert capfd.readouterr() == ("", "")


def test_kinds_are_usable_in_place_of_one_another() -> None:
    kinds: list[Progress] = [Silent(), PlainProgress(io.StringIO()), TerminalProgress(io.StringIO())]
    for progress in kinds:
        progress.close()
