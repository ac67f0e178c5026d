"""What the shell can do to the streams of `dlp`, in this process and in a few of their own."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dlpractice.cli import main
from dlpractice.cli.console import print_json
from dlpractice.cli.output import streams
from dlpractice.errors import WriteError

LONG = "x" * 300_000


def write_through(descriptor: int, text: str, encoding: str = "utf-8") -> io.TextIOWrapper:
    stream = streams.open_text(descriptor, encoding, line_buffering=False)
    assert isinstance(stream, io.TextIOWrapper)
    stream.write(text)
    stream.flush()
    return stream


def open_full() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def open_broken_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def open_nothing() -> int:
    return os.open(os.devnull, os.O_RDONLY)  # as a closed one: it takes no byte


def test_a_reader_may_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    with write_through(open_broken_pipe(), LONG) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        print("a last line", flush=True)
        streams.require_output("the table")
        print_json({"a": 1})


@pytest.mark.parametrize(
    ("broken", "reason", "is_wanted"),
    [(open_full, "No space left on device", True), (open_nothing, "it is closed", False)],
)
def test_what_cannot_be_written_raises_nothing_until_it_is_asked_for(
    broken: Callable[[], int], reason: str, is_wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with write_through(broken(), LONG) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        print("a last line", flush=True)
        message = f"the table could not be written to stdout: {reason}"
        with pytest.raises(WriteError, match=message):
            streams.require_output("the table")
        with pytest.raises(WriteError, match=f"the JSON document could not be written to stdout: {reason}"):
            print_json({"a": 1})
        if is_wanted:
            with pytest.raises(WriteError, match=message):
                streams.require_output("the table", whoever_reads=False)
        else:
            streams.require_output("the table", whoever_reads=False)


def test_a_pipe_that_waits_for_nobody_gets_all(tmp_path: Path) -> None:
    """As a terminal does that another program has left so."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    command = [sys.executable, "-c", "import sys; print(len(sys.stdin.read()))"]
    with subprocess.Popen(command, stdin=reading, stdout=subprocess.PIPE, text=True) as reader:
        os.close(reading)
        write_through(writing, LONG).close()
        assert reader.communicate()[0] == f"{len(LONG)}\n"


def test_a_character_that_the_encoding_lacks_is_an_escape(tmp_path: Path) -> None:
    file = tmp_path / "out"
    write_through(os.open(file, os.O_WRONLY | os.O_CREAT), "é ─ ok\n", "ascii").close()
    assert file.read_text() == "\\xe9 \\u2500 ok\n"


@pytest.mark.parametrize(
    ("shell", "status", "errors"),
    [
        ("config show digits >&-", 0, ""),
        ("config show digits 2>&-", 0, ""),
        ("data ls <&- >&- 2>&-", 0, ""),
        ("data ls --json >&-", 1, "error: the JSON document could not be written to stdout: it is closed"),
        ("runs ls . >/dev/full 2>&1", 0, ""),  # which says on stderr that there are none
        ("config schema >/dev/full", 1, "error: the JSON document could not be written to stdout: No space"),
        ("--help >/dev/full", 1, "error: the result could not be written to stdout: No space left on device"),
        ("config check nosuch >/dev/full", 1, "error: there is no config nosuch"),
        ("config check nosuch 2>/dev/full", 1, ""),
    ],
)
def test_one_policy_holds_for_every_command(shell: str, status: int, errors: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m dlpractice {shell}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=1200,
        check=False,
    )
    assert done.returncode == status
    assert done.stderr.startswith(errors)
    assert len(done.stderr.splitlines()) == (2 if errors else 0)
    assert list(tmp_path.iterdir()) == []


def test_a_file_never_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom dlpractice.cli.output.streams import steady\nsteady()\n"
        f"file = open({str(tmp_path / 'data')!r}, 'w')\n"
        "print('to stdout', flush=True); print('to stderr', file=sys.stderr)\n"
        "os.write(1, b'from C'); os.write(2, b'from C')\nassert sys.stdin.read() == ''\nfile.close()"
    )
    command = f"{sys.executable} -c {chr(34)}$0{chr(34)} <&- >&- 2>&-"
    assert subprocess.run(["bash", "-c", command, code], check=False).returncode == 0
    assert (tmp_path / "data").read_text() == ""


def test_stand_ins_for_the_streams_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kept_signals: None
) -> None:
    before = sys.stdout, sys.stderr
    streams.steady()
    assert (sys.stdout, sys.stderr) == before
    monkeypatch.setattr(sys, "argv", ["dlp", "--version"])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("dlp ")
