"""`dlp`: the commands, and the one place where an error becomes text and an exit status."""

import os
import sys
import traceback
from importlib import import_module
from typing import Annotated

import typer

from dlpractice import __version__
from dlpractice.errors import DlpError

# Plain help: Typer's boxes would double the time that `dlp --help` takes.
app = typer.Typer(
    help="Small image data sets: transfer learning from the command line, measured and explained.",
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
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    context.ensure_object(dict)["debug"] = debug


def _register() -> None:
    for name in ("finetune", "predict", "evaluate"):
        try:
            module = import_module(f"dlpractice.cli.{name}")
        except ModuleNotFoundError:
            continue
        app.command(name)(getattr(module, name))
    for name in ("data", "config", "runs"):
        try:
            module = import_module(f"dlpractice.cli.{name}")
        except ModuleNotFoundError:
            continue
        app.add_typer(module.app, name=name)


_register()


def main() -> None:
    """Run `dlp`. Exit status: 0 done, 1 an error, 2 usage, 3 a check that failed, 130 interrupted."""
    session: dict[str, bool] = {}
    try:
        app(obj=session)
    except DlpError as error:
        _explain(error.message, error.hint, session)
    except BrokenPipeError:
        # The reader left, as `head` does; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        _explain(f"internal: {type(error).__name__}: {error}", "run `dlp --debug ...` to see where", session)


def _explain(message: str, hint: str, session: dict[str, bool]) -> None:
    if session.get("debug"):
        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
    sys.exit(1)
