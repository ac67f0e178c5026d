import subprocess
import sys
from pathlib import Path

import pytest

from dlpractice.cli.quiet_import import import_quietly
from dlpractice.errors import DlpError

CHATTER = """
import os, sys, warnings
os.write(2, b"I0000 from C++\\n")
print("W0000 from Python", file=sys.stderr)
warnings.warn("deprecated since yesterday", DeprecationWarning)
"""


@pytest.fixture
def module_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    load = "from dlpractice.cli.quiet_import import import_quietly"
    launch = f"import sys; sys.path.insert(0, {str(folder)!r}); {load}\n"
    return subprocess.run([sys.executable, "-c", launch + code], capture_output=True, text=True, timeout=1200)


def test_chatter_is_kept_from_the_terminal_and_later_messages_are_not(module_folder: Path) -> None:
    (module_folder / "noisy_import.py").write_text(CHATTER + "ANSWER = 42")
    done = run("print(import_quietly('noisy_import').ANSWER); print('mine', file=sys.stderr)", module_folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "42\n", "mine\n")


def test_chatter_is_shown_if_the_import_fails(module_folder: Path) -> None:
    (module_folder / "broken_import.py").write_text(CHATTER + "raise RuntimeError('no luck')")
    done = run("import_quietly('broken_import')", module_folder)
    assert done.returncode == 1
    assert "I0000 from C++" in done.stderr
    assert "W0000 from Python" in done.stderr
    assert "no luck" in done.stderr


def test_a_missing_package_is_explained(module_folder: Path) -> None:
    (module_folder / "needy_import.py").write_text("import no_such_package_at_all")
    with pytest.raises(DlpError, match="no_such_package_at_all") as caught:
        import_quietly("needy_import")
    assert "install" in caught.value.hint


def test_a_missing_module_of_our_own_is_a_bug_and_stays_one() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_quietly("dlpractice.no_such_room")


def test_tensorflow_and_keras_are_silent_and_bring_nothing_that_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What they left out can be imported later."""
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    code = (
        "import_quietly('dlpractice.recipes.oneshot.oneshot'); import_quietly('tensorflow').constant(1)\n"
        "print([name for name in ('jax', 'matplotlib', 'scipy.stats', 'sklearn') if name in sys.modules])\n"
        "import sklearn"
    )
    done = run(code, Path())
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


LATE = "os.write(2, b'I0000 from C++'); print('progress', file=sys.stderr)"


def test_what_is_written_past_python_while_a_command_computes_is_held_back_and_the_rest_is_not() -> None:
    with_it = f"import os, sys\nwith native_chatter_held_back():\n    {LATE}\nprint('after', file=sys.stderr)"
    load = "from dlpractice.cli.quiet_import import native_chatter_held_back\n"
    quiet, debug = (
        subprocess.run([sys.executable, "-c", load + with_it, *options], capture_output=True, text=True)
        for options in ([], ["--debug"])
    )
    assert (quiet.returncode, quiet.stderr) == (0, "progress\nafter\n")
    assert "I0000 from C++" in debug.stderr and "progress\n" in debug.stderr


def test_what_was_held_back_is_shown_where_the_command_fails() -> None:
    code = f"import os, sys\nwith native_chatter_held_back():\n    {LATE}\n    raise ValueError('no luck')"
    load = "from dlpractice.cli.quiet_import import native_chatter_held_back\n"
    done = subprocess.run([sys.executable, "-c", load + code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "I0000 from C++" in done.stderr and "no luck" in done.stderr
