"""`dlp evaluate`: score a finished run's model on labelled images."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dlpractice.cli.console import print_json, results
from dlpractice.cli.quiet_import import import_quietly


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

    Accuracy with its 95 % interval, per class, and what is taken for what. A one-shot run answers one-shot
    tasks that are drawn from the folder's classes, which may be new to it.
    """
    from dlpractice.report.progress_display.plain import make_progress
    from dlpractice.runs.directory import RunDirectory

    directory = RunDirectory.read(run)
    is_oneshot = directory.config_tree().get("command") == "oneshot"
    recipe = (
        "dlpractice.recipes.evaluate.new_classes"
        if is_oneshot
        else "dlpractice.recipes.evaluate.labelled_images"
    )
    progress = make_progress(sys.stderr)
    try:
        document: dict[str, Any] = import_quietly(recipe).run(directory, data, progress)
    finally:
        progress.close()
    if as_json:
        print_json(document)
    elif is_oneshot:
        from dlpractice.report.oneshot_tables import tasks_table

        results().print(tasks_table(document))
    else:
        from dlpractice.report.result_tables import evaluate_table

        results().print(evaluate_table(document, document["class_names"]))
