"""`dlp`: the commands, and the one place where an error becomes text and an exit status."""

import os
import sys
import traceback
from typing import Annotated

import typer

from dlpractice import __version__
from dlpractice.cli import benchmark, config, data, diagnose, evaluate, finetune, oneshot, predict, runs
from dlpractice.errors import DlpError

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


app.command()(finetune.finetune)
app.command()(oneshot.oneshot)
app.command()(diagnose.diagnose)
app.command()(benchmark.benchmark)
app.command()(predict.predict)
app.command()(evaluate.evaluate)
app.add_typer(data.app, name="data")
app.add_typer(config.app, name="config")
app.add_typer(runs.app, name="runs")


def main() -> None:
    """Run `dlp` with the process's arguments and end the process.

    Exit status: 0 done, 1 an error, 2 usage, 3 a check that failed, 130 interrupted.
    """
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    try:
        app([argument for argument in arguments if argument != "--debug"], prog_name="dlp")
    except DlpError as error:
        _end(error.message, error.hint, debug)
    except Exception as error:
        first_line = str(error).partition("\n")[0]
        _end(f"internal: {type(error).__name__}: {first_line}", "add --debug to see where", debug)
    finally:
        _flush()


def _end(message: str, hint: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
    sys.exit(1)


def _flush() -> None:
    """Send what is buffered; a reader that has left, as `head` does, is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
