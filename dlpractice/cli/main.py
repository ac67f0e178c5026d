"""`dlp`: finds the commands, and is the one place where an error becomes text and an exit status."""

import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Annotated, NoReturn

import typer

from dlpractice import __version__, cli
from dlpractice.cli.output import streams
from dlpractice.cli.quiet_import import native_chatter_held_back
from dlpractice.errors import DlpError
from dlpractice.printable import printable
from dlpractice.refusals import refuse_unspeakable
from dlpractice.training.interruption import interruptible, let_signals_kill

# The order in `dlp --help`: what trains, what judges, what is at hand. Others follow in alphabetical order.
_FIRST = (
    "finetune",
    "oneshot",
    "diagnose",
    "benchmark",
    "predict",
    "evaluate",
    "export",
    "serve",
    "data",
    "config",
    "runs",
)

_FAILED, _INTERRUPTED = 3, 130

# Plain help: Typer's boxes would double the time that `dlp --help` takes.
app = typer.Typer(
    help="Small image data: transfer learning, and learning from one example; measured and explained.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dlp {__version__}")
        raise typer.Exit()


@app.callback()
def _global_options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every command; `main` itself looks for --debug, which may stand anywhere."""


def find_commands() -> dict[str, ModuleType]:
    """The commands by name, in the order in which they are listed.

    A command is a module of this folder that defines a function of its own name, or `app`, a Typer with
    commands below it.
    """
    found = {info.name: f"{cli.__name__}.{info.name}" for info in iter_modules(cli.__path__)}
    modules = {name: import_module(path) for name, path in found.items() if path != __name__}
    commands = {name: module for name, module in modules.items() if {name, "app"} & vars(module).keys()}
    return {name: commands[name] for name in sorted(commands, key=_place)}


def _place(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


for _name, _module in find_commands().items():
    if hasattr(_module, "app"):
        app.add_typer(_module.app, name=_name)
    else:
        app.command()(getattr(_module, _name))


def main() -> None:
    """Run `dlp` with the process's arguments and end the process.

    Exit status: 0 done, 1 an error, 2 usage, 3 a check that failed, 130 interrupted.
    """
    streams.steady()
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    if not sys.warnoptions and not debug:
        warnings.simplefilter("ignore")  # of libraries, about what only their programmers can change
    try:
        _run([argument for argument in arguments if argument != "--debug"], debug)
    except KeyboardInterrupt as interrupt:
        print("; ".join(map(printable, ["interrupted", *_notes(interrupt)])), file=sys.stderr)
        sys.exit(_INTERRUPTED)
    finally:
        let_signals_kill()


def _run(arguments: list[str], debug: bool) -> None:
    try:
        for argument in arguments:
            refuse_unspeakable(argument)
        with interruptible():
            _call(arguments)
    except DlpError as error:
        _end(error.message, error.hint, debug, error.details)
    except OSError as error:
        # Names that no disk can hold, a full disk, a folder that may not be written: no fault of the program.
        if error.strerror is None:
            _end_internal(error, debug)
        _end(
            error.strerror if error.filename is None else f"{error.filename}: {error.strerror}",
            "check the path, its permissions and the room on its disk; add --debug to see where",
            debug,
        )
    except Exception as error:
        _end_internal(error, debug)


def _call(arguments: list[str]) -> None:
    """Calls the command. Raises KeyboardInterrupt where it was interrupted, of which Typer makes a status."""
    try:
        with native_chatter_held_back():
            app(arguments, prog_name="dlp")
    except SystemExit as end:
        if end.code in (None, 0, _FAILED):
            streams.require_output("the result", whoever_reads=False)
        cause: BaseException | None = end
        while cause is not None and end.code == _INTERRUPTED:
            if isinstance(cause, KeyboardInterrupt):
                raise cause from None
            cause = cause.__context__
        raise


def _notes(interrupt: KeyboardInterrupt) -> list[str]:
    """What the command that was interrupted has to say about going on."""
    notes: list[str] = getattr(interrupt, "__notes__", [])
    return notes


def _end_internal(error: Exception, debug: bool) -> NoReturn:
    first_line = str(error).partition("\n")[0]
    _end(f"internal: {type(error).__name__}: {first_line}", "add --debug to see where", debug)


def _end(message: str, hint: str, debug: bool, details: Sequence[str] = ()) -> NoReturn:
    if debug:
        traceback.print_exc()
    for line in details:
        print(f"  {printable(line)}", file=sys.stderr)
    print(f"error: {printable(message)}", file=sys.stderr)
    if hint:
        print(f"hint: {printable(hint)}", file=sys.stderr)
    sys.exit(1)
