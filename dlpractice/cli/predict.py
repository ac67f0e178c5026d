"""`dlp predict`: classify images with a finished run's model."""

from pathlib import Path
from typing import Annotated

import typer

from dlpractice.cli.console import print_json, results
from dlpractice.cli.launch import import_quietly


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Images, and folders of images.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Classify images with a finished run's model.

    An image that cannot be read gets a row with its error.
    """
    from dlpractice.report.tables import predictions_table
    from dlpractice.runs.directory import RunDirectory

    directory = RunDirectory.read(run)
    rows = import_quietly("dlpractice.recipes.predict").run(directory, paths)
    if as_json:
        print_json(rows)
    else:
        results().print(predictions_table(rows))
