import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dlpractice import __version__
from dlpractice.cli import main as cli
from dlpractice.errors import RunError

COMMANDS = tuple(cli.find_commands())


def dlp(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dlpractice", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=1200, env={**os.environ, "COLUMNS": "80"}
    )


def test_the_files_of_the_folder_are_the_commands() -> None:
    assert {"finetune", "oneshot", "diagnose", "benchmark", "predict", "config"} < set(COMMANDS)
    assert {"main", "console", "quiet_import", "training_session"} & set(COMMANDS) == set()


def test_a_new_command_is_listed_after_those_that_have_a_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "aardvark.py").write_text("def aardvark(): ...")
    monkeypatch.setattr(cli.cli, "__path__", [*cli.cli.__path__, str(tmp_path)])
    assert tuple(cli.find_commands()) == (*COMMANDS, "aardvark")
    monkeypatch.delitem(sys.modules, "dlpractice.cli.aardvark")


def test_help_names_every_command_in_80_columns() -> None:
    done = dlp("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = dlp(command, "-h")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: dlp {command} ")
    assert done.stderr == ""


@pytest.mark.parametrize(("arguments", "seconds"), [(("--help",), 0.3), (("config", "check", "digits"), 0.6)])
def test_the_doorway_is_quick(arguments: tuple[str, ...], seconds: float) -> None:
    def processor_seconds() -> float:
        before = os.times()
        assert dlp(*arguments).returncode == 0
        after = os.times()
        return after.children_user - before.children_user + after.children_system - before.children_system

    # The first start compiles; and of the rest the fastest, as other processes slow each other down.
    assert min(processor_seconds() for _ in range(4)) < seconds


def test_the_doorway_imports_nothing_heavy() -> None:
    heavy = {
        "tensorflow",
        "keras",
        "numpy",
        "PIL",
        "matplotlib",
        "sklearn",
        "scipy",
        "pydantic.main",
        "rich.console",
    }
    code = f"import sys, dlpractice.cli.main; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_version() -> None:
    assert dlp("--version").stdout == f"dlp {__version__}\n"


def test_no_arguments_show_help() -> None:
    done = dlp()
    assert done.returncode == 2
    assert "Usage: dlp" in done.stdout + done.stderr


def test_an_error_is_two_lines_and_status_1() -> None:
    done = dlp("config", "check", "digit")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "error: there is no config digit, here or in the package",
        "hint: did you mean digits? `dlp config ls` lists what ships",
    ]


@pytest.mark.parametrize(
    "arguments", [("--debug", "config", "check", "digit"), ("config", "check", "digit", "--debug")]
)
def test_debug_adds_the_traceback_wherever_it_stands(arguments: tuple[str, ...]) -> None:
    done = dlp(*arguments)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-2].startswith("error: ")


def test_a_misspelt_command_is_a_matter_of_usage() -> None:
    done = dlp("config", "chek")
    assert done.returncode == 2
    assert "'check'" in done.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m dlpractice config schema | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=1200)
    assert done.stdout.startswith("{\n")
    assert done.stderr == ""


@pytest.fixture(autouse=True)
def keep_signals(kept_signals: None) -> None:
    """`main` gives them up when it ends."""


def run_main(monkeypatch: pytest.MonkeyPatch, outcome: BaseException, *arguments: str) -> int:
    def command() -> None:
        raise outcome

    app = cli.typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(command)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["dlp", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.parametrize(
    ("outcome", "status", "text"),
    [
        (
            RunError("runs/x holds a run already", "add --resume"),
            1,
            "error: runs/x holds a run already\nhint: add --resume\n",
        ),
        (RunError("no hint"), 1, "error: no hint\n"),
        (
            ValueError("bug\nwith detail"),
            1,
            "error: internal: ValueError: bug\nhint: add --debug to see where\n",
        ),
        (
            OSError(errno.ENAMETOOLONG, "File name too long", "x" * 300),
            1,
            f"error: {'x' * 300}: File name too long\n"
            "hint: check the path, its permissions and the room on its disk; add --debug to see where\n",
        ),
        (OSError("bug"), 1, "error: internal: OSError: bug\nhint: add --debug to see where\n"),
        (cli.typer.Exit(3), 3, ""),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_exit_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    outcome: BaseException,
    status: int,
    text: str,
) -> None:
    assert run_main(monkeypatch, outcome) == status
    assert capsys.readouterr().err == text


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("command", "said"),
    [
        *((f"{reader} run", "interrupted\n") for reader in ("diagnose", "runs ls", "data check")),
        *((f"{reader} run images", "interrupted\n") for reader in ("predict", "evaluate", "runs compare")),
        ("export run --format onnx", "interrupted\n"),
        ("finetune digits --run-dir run", "interrupted; go on with --resume --run-dir run\n"),
    ],
)
def test_a_signal_is_told_in_one_line_whatever_the_command_does(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: str,
    said: str,
    sent: signal.Signals,
) -> None:
    """It comes when the command looks at what it was given; of SIGTERM, a library makes another error."""
    stat = os.stat

    def interrupted(path: object, **options: bool) -> os.stat_result:
        if str(path).startswith("run") and sys._getframe(1).f_globals["__name__"] == "dlpractice.paths":
            try:
                signal.raise_signal(sent)
            except KeyboardInterrupt as interrupt:
                if sent is signal.SIGINT:
                    raise
                raise RuntimeError("as libraries do") from interrupt
        return stat(path, **options)  # type: ignore[arg-type]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dlp", *command.split()])
    monkeypatch.setattr(os, "stat", interrupted)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 130
    assert capsys.readouterr().err == said


def test_an_internal_error_with_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, ValueError("bug"), "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_python_m_dlpractice_is_dlp(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dlpractice", "--version"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=1200,
    )
    assert done.stdout == f"dlp {__version__}\n"
