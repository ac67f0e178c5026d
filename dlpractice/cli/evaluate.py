"""`dlp evaluate`: score a finished run's model on labelled images."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from dlpractice.cli.console import print_json, results
from dlpractice.cli.launch import import_quietly


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="A labelled folder, CSV or zip, or the name of a known data set."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Score a finished run's model on labelled images.

    Accuracy with its 95 % interval, per class, and what is taken for what.
    """
    from dlpractice.report.progress import make_progress
    from dlpractice.report.tables import evaluate_table
    from dlpractice.runs.directory import RunDirectory

    directory = RunDirectory.read(run)
    progress = make_progress(sys.stderr)
    try:
        document = import_quietly("dlpractice.recipes.evaluate").run(directory, data, progress)
    finally:
        progress.close()
    if as_json:
        print_json(document)
    else:
        results().print(evaluate_table(document, document["class_names"]))
