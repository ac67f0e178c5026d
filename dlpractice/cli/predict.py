"""`dlp predict`: what a finished run's model says about images."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypedDict

import typer

from dlpractice.cli.console import messages, print_json, results
from dlpractice.cli.queries.answer_rows import Form, print_rows
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
from dlpractice.cli.queries.named_images import Seen
from dlpractice.cli.quiet_import import import_quietly
from dlpractice.errors import RunError
from dlpractice.runs.comparison_folder import find_model

_SUPPORT = "One-shot runs: a folder with an example of each class, or with a folder of examples for each."
_INDEX = "One-shot runs: examples that --save-index has kept, in place of --support."
_SAVE_INDEX = "Keep the examples of --support in this file, ready to compare with."
_PATHS = "Images, folders and zips of images, patterns such as 'new/*.jpg'; - for a list on standard input."
_SORT_INTO = "Copy each image into a folder below this, named after its answer; nothing is overwritten."
_SAME = "One-shot runs: say whether two images are of the same class."


class Examples(TypedDict):
    """Where a one-shot run's examples come from, and where they are kept."""

    support: Path | None
    index: Path | None
    save_index: Path | None


def predict(
    model: Annotated[Path, typer.Argument(metavar="RUN", help=MODEL)],
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH", help=_PATHS)] = None,
    support: Annotated[Path | None, typer.Option(metavar="DIR", help=_SUPPORT)] = None,
    index: Annotated[Path | None, typer.Option(metavar="FILE", help=_INDEX)] = None,
    save_index: Annotated[Path | None, typer.Option(metavar="FILE", help=_SAVE_INDEX)] = None,
    same: Annotated[bool, typer.Option("--same", help=_SAME)] = False,
    top: Annotated[
        int | None, typer.Option(min=1, metavar="K", help="How many of the likeliest classes.")
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option(min=0, max=1, metavar="P", help=MIN_CONFIDENCE)
    ] = None,
    coverage: Annotated[float | None, typer.Option(metavar="C", help=COVERAGE)] = None,
    sort_into: Annotated[Path | None, typer.Option(metavar="DIR", help=_SORT_INTO)] = None,
    providers: Annotated[str, typer.Option(metavar="NAME,...", help=PROVIDERS)] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a line for each image.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Classify images with a finished run's model.

    Each image gets a row, one that cannot be read with its error. The exit status is 1 if none can be read,
    or if a PATH leads to no image at all. A one-shot run takes one example of each class, or more, with
    --support.
    """
    named = paths or []
    if not named and save_index is None:
        raise typer.BadParameter("name an image, or a folder of images", param_hint="PATH")
    form = choose_form(as_csv, as_json)
    check_selection(min_confidence, coverage)
    model = find_model(model)
    examples: Examples = {"support": support, "index": index, "save_index": save_index}
    load = partial(_load_net, model, split_names(providers))
    directory = find_run(model)
    exported = load() if directory is None else None
    if hasattr(exported, "class_names") or not (exported or is_oneshot(directory)):
        _refuse_examples(model, given=same or any(examples.values()))
        chosen = Choice(min_confidence, coverage, sort_into, top or (1 if form != "json" else 5))
        _classify(exported or load(), named, form, chosen)
        return
    _refuse_settings(model, given=any((min_confidence, coverage, sort_into, top, as_csv)))
    if same:
        _refuse_enrolment(named, given=any(examples.values()))
        _compare(exported or load(), named, as_json)
    else:
        _refuse_two_sources(model, **examples)
        _identify(exported or load(), named, as_json, **examples)


class Choice(NamedTuple):
    """What is wanted of a classifier's answers."""

    min_confidence: float | None
    coverage: float | None
    sort_into: Path | None
    top: int


def _load_net(model: Path, providers: list[str]) -> Any:
    return import_quietly("dlpractice.recipes.inference.finished_net").load_net(model, providers)


def _classify(classifier: Any, named: list[str], form: Form, chosen: Choice) -> None:
    from dlpractice.report.prediction_tables import PredictionsTable, describe_abstention

    choosing = import_quietly("dlpractice.recipes.inference.abstention")
    note_calibration(classifier.calibration is not None)
    abstention = choosing.choose_abstention(classifier, chosen.min_confidence, chosen.coverage)
    recipe = import_quietly("dlpractice.recipes.predict.classification")
    seen = Seen(named)
    rows = recipe.run(classifier, seen.list_paths(sys.stdin.buffer), chosen.top, abstention, chosen.sort_into)
    print_rows(seen.watch(rows), form, PredictionsTable(chosen.top).draw, chosen.top)
    if abstention is not None:
        selection = abstention.selection.model_dump() if abstention.selection else None
        messages().print(describe_abstention(abstention.threshold, selection), soft_wrap=True)
    seen.report()


def _identify(net: Any, images: list[str], as_json: bool, **examples: Path | None) -> None:
    from dlpractice.report.oneshot_tables import identification_table

    rows = import_quietly("dlpractice.recipes.predict.identification").identify(net, images, **examples)
    saved = examples["save_index"]
    if as_json:
        print_json(rows)
    else:
        if rows:
            results().print(identification_table(rows))
        if saved:
            results().print(f"index: {saved}", soft_wrap=True)
    seen = Seen(images)
    for _ in seen.watch(rows):
        pass
    seen.report()


def _compare(net: Any, images: list[str], as_json: bool) -> None:
    from dlpractice.report.oneshot_tables import verdict_text

    verdict: dict[str, Any] = import_quietly("dlpractice.recipes.predict.identification").compare(
        net, *images
    )
    if as_json:
        print_json(verdict)
    else:
        results().print(verdict_text(verdict), soft_wrap=True)


def _refuse_examples(run: Path, given: bool) -> None:
    if given:
        raise RunError(
            f"{run} is a classifier, which knows its classes: it takes no examples",
            "leave out --support, --index, --save-index and --same, or name a run of `dlp oneshot`",
        )


def _refuse_settings(run: Path, given: bool) -> None:
    if given:
        raise RunError(
            f"{run} compares images, and has a threshold of its own",
            "leave out --min-confidence, --coverage, --sort-into, --top and --csv",
        )


def _refuse_enrolment(images: list[str], given: bool) -> None:
    if given or len(images) != 2:
        raise RunError(
            "--same compares two images with each other"
            + (", and takes no examples" if given else f"; got {len(images)}"),
            "use it as `dlp predict RUN a.png b.png --same`",
        )


def _refuse_two_sources(run: Path, support: Path | None, index: Path | None, save_index: Path | None) -> None:
    if support is None and index is None:
        raise RunError(
            f"{run} has learned to compare images, and needs examples to compare with",
            "name a folder with --support, a saved index with --index, or compare two images with --same",
        )
    if index is not None and (support is not None or save_index is not None):
        raise RunError(
            "--index has its examples already, and takes neither --support nor --save-index",
            "enrol all examples at once with --support, and keep them with --save-index",
        )
