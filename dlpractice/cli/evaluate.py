"""`dlp evaluate`: how right a trained model is on labelled images."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from dlpractice.cli.console import print_json, results
from dlpractice.cli.queries.answer_rows import Form
from dlpractice.cli.queries.model_options import (
    COVERAGE,
    MIN_CONFIDENCE,
    MODEL,
    PROVIDERS,
    check_selection,
    choose_form,
    find_run,
    is_oneshot,
    note_calibration,
    split_names,
)
from dlpractice.cli.quiet_import import import_quietly
from dlpractice.errors import DataError, RunError
from dlpractice.paths import exists, is_folder
from dlpractice.progress import Progress
from dlpractice.runs.comparison_folder import find_model
from dlpractice.runs.directory import RunDirectory

_DATA = "A labelled folder, CSV or zip, or the name of a known data set."
_OUTPUT = "Draw confusion.png, reliability.png and mistakes.png, the surest wrong answers, in this folder."
_SAVE_WRONG = "Copy each image with a wrong answer to DIR/CLASS/ANSWER/; nothing is overwritten."
_FIGURES = ("confusion", "reliability", "mistakes")


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="RUN", help=MODEL)],
    data: Annotated[str, typer.Argument(metavar="DATA", help=_DATA)],
    output: Annotated[Path | None, typer.Option(metavar="DIR", help=_OUTPUT)] = None,
    save_wrong: Annotated[Path | None, typer.Option(metavar="DIR", help=_SAVE_WRONG)] = None,
    min_confidence: Annotated[
        float | None, typer.Option(min=0, max=1, metavar="P", help=MIN_CONFIDENCE)
    ] = None,
    coverage: Annotated[float | None, typer.Option(metavar="C", help=COVERAGE)] = None,
    providers: Annotated[str, typer.Option(metavar="NAME,...", help=PROVIDERS)] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a line for each class.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Score a trained model on labelled images.

    Accuracy, and precision, recall and F1 of each class, with 95 % intervals; what is taken for what; how far
    confidence can be trusted. A one-shot run answers one-shot tasks that are drawn from the folder's classes,
    which may be new to it.
    """
    form = choose_form(as_csv, as_json)
    check_selection(min_confidence, coverage)
    model = find_model(model)
    directory = find_run(model)
    if directory is not None and is_oneshot(directory):
        given = (output, save_wrong, min_confidence, coverage, providers or None, as_csv or None)
        _ask(directory, data, form, refused=any(one is not None for one in given))
        return
    _refuse_taken(output)
    loading = import_quietly("dlpractice.recipes.inference.trained_classifier")
    choosing = import_quietly("dlpractice.recipes.inference.abstention")
    classifier = loading.load_classifier(model, split_names(providers))
    note_calibration(classifier.calibration is not None)
    abstention = choosing.choose_abstention(classifier, min_confidence, coverage)
    recipe = import_quietly("dlpractice.recipes.evaluate.labelled_images")
    with _showing_progress() as progress:
        found = recipe.run(
            classifier, data, progress, made_by=directory, abstention=abstention, save_wrong=save_wrong
        )
    if output is not None:
        _draw(found, output)
    _show(found.document, form)


@contextmanager
def _showing_progress() -> Iterator[Progress]:
    from dlpractice.report.progress_display.plain import make_progress

    progress = make_progress(sys.stderr)
    try:
        yield progress
    finally:
        progress.close()


def _ask(run: RunDirectory, data: str, form: Form, refused: bool) -> None:
    """Has a one-shot run answer one-shot tasks; `refused`: whether options were given that it has not."""
    from dlpractice.report.oneshot_tables import tasks_table

    if refused:
        raise RunError(
            f"{run.path} compares images, and is asked one-shot tasks",
            "leave out --output, --save-wrong, --min-confidence, --coverage, --providers and --csv",
        )
    with _showing_progress() as progress:
        document: dict[str, Any] = import_quietly("dlpractice.recipes.evaluate.new_classes").run(
            run, data, progress
        )
    if form == "json":
        print_json(document)
    else:
        results().print(tasks_table(document))


def _refuse_taken(output: Path | None) -> None:
    """Raises DataError where the figures' folder is a file, or holds one of them."""
    if output is None:
        return
    if exists(output) and not is_folder(output):
        raise DataError(f"{output} is a file, and no folder for figures", "name a folder")
    for path in (output / f"{name}.png" for name in _FIGURES):
        if exists(path):
            raise DataError(f"{path} is there already, and is kept", "give another --output, or remove it")


def _draw(found: Any, output: Path) -> None:
    from dlpractice.report.classifier_figures import confusion_figure, evaluation_figure, mistakes_figure
    from dlpractice.whole_files import make_folder

    make_folder(output)
    confusion, reliability, mistakes = (output / f"{name}.png" for name in _FIGURES)
    confusion_figure(found.document, confusion)
    evaluation_figure(found.document["calibration"], reliability)
    if len(found.pictures):
        mistakes_figure(found.document["mistakes"], found.pictures, mistakes)


def _show(document: dict[str, Any], form: Form) -> None:
    from dlpractice.report.evaluation_tables import evaluation_table, list_class_cells

    if form == "json":
        print_json(document)
    elif form == "csv":
        import csv

        csv.writer(sys.stdout).writerows(list_class_cells(document))
    else:
        results().print(evaluation_table(document))
