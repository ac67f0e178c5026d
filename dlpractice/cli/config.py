"""`dlp config`: the configs that ship, and the check of one's own."""

from typing import Annotated

import typer

app = typer.Typer(help="List, show, check and copy configs.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file, or a name from `dlp config ls`.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Such as training.epochs=10.")
]


@app.command()
def check(name: Name, overrides: Overrides = None) -> None:
    """Check a config and its overrides, and name every problem."""
    from dlpractice.config.load import load_config

    config = load_config(name, overrides or ())
    typer.echo(f"ok: {name} is a config for `dlp {config.command}`")


@app.command()
def show(name: Name, overrides: Overrides = None) -> None:
    """Print a config with every value written out."""
    from dlpractice.config.load import dump_config, load_config

    typer.echo(dump_config(load_config(name, overrides or ())), nl=False)
