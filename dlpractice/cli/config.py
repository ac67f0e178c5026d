"""`dlp config`: the configs that ship, and the check of any config."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="List, show, check and copy configs.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file, or a name from `dlp config ls`.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Such as training.epochs=10.")
]


@app.command()
def ls() -> None:
    """List the configs that ship with dlp."""
    from rich.table import Table

    from dlpractice.cli.console import results
    from dlpractice.config.headers import read_summary
    from dlpractice.config.names import shipped_configs

    table = Table("config", "command", "about", box=None, pad_edge=False)
    for config in shipped_configs():
        table.add_row(config.name, f"dlp {config.command}", read_summary(config.path))
    results().print(table)


@app.command()
def show(name: Name, overrides: Overrides = None) -> None:
    """Print a config with every value written out."""
    from dlpractice.config.load import dump_config, load_config

    typer.echo(dump_config(load_config(name, overrides or ())), nl=False)


@app.command()
def check(name: Name, overrides: Overrides = None) -> None:
    """Check a config and its overrides, and name every problem."""
    from dlpractice.config.load import load_config

    config = load_config(name, overrides or ())
    typer.echo(f"ok: {name} is a config for `dlp {config.command}`")


@app.command()
def schema(
    command: Annotated[
        str, typer.Argument(metavar="[COMMAND]", help="The command that the configs are for.")
    ] = "finetune",
) -> None:
    """Print the JSON Schema of configs, for editors."""
    from dlpractice.cli.console import print_json
    from dlpractice.config.schema import json_schema

    print_json(json_schema(command))


@app.command()
def copy(
    name: Name, file: Annotated[Path, typer.Argument(metavar="FILE", help="The new file; it must not exist.")]
) -> None:
    """Copy a config to a file of your own."""
    from dlpractice.config.headers import copy_config

    typer.echo(copy_config(name, file))
