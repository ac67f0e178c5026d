"""`dlp predict`: what a finished run's model says about images."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from dlpractice.cli.console import messages, print_json, results
from dlpractice.cli.quiet_import import import_quietly
from dlpractice.errors import DataError, RunError
from dlpractice.paths import Kind, try_look
from dlpractice.runs.directory import RunDirectory

_SUPPORT = "One-shot runs: a folder with an example of each class, or with a folder of examples for each."
_INDEX = "One-shot runs: examples that --save-index has kept, in place of --support."
_SAVE_INDEX = "Keep the examples of --support in this file, ready to compare with."
_NAMED = 3
_NO_IMAGE = (Kind.ABSENT, Kind.FOLDER, Kind.UNKNOWN, Kind.OTHER)
_SAME = "One-shot runs: say whether two images are of the same class."


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH", help="Images, and folders of images.")
    ] = None,
    support: Annotated[Path | None, typer.Option(metavar="DIR", help=_SUPPORT)] = None,
    index: Annotated[Path | None, typer.Option(metavar="FILE", help=_INDEX)] = None,
    save_index: Annotated[Path | None, typer.Option(metavar="FILE", help=_SAVE_INDEX)] = None,
    same: Annotated[bool, typer.Option("--same", help=_SAME)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Classify images with a finished run's model.

    Each image gets a row, one that cannot be read with its error. The exit status is 1 if none can be read,
    or if a PATH leads to no image at all. A one-shot run takes one example of each class, or more, with
    --support.
    """
    images = paths or []
    if not images and save_index is None:
        raise typer.BadParameter("name an image, or a folder of images", param_hint="PATH")
    directory = RunDirectory.read(run)
    is_oneshot = directory.config_tree().get("command") == "oneshot"
    if not is_oneshot:
        _refuse_examples(run, given=same or any((support, index, save_index)))
        _classify(directory, images, as_json)
    elif same:
        _refuse_enrolment(images, given=any((support, index, save_index)))
        _compare(directory, images, as_json)
    else:
        _refuse_two_sources(run, support, index, save_index)
        _identify(directory, images, as_json, support=support, index=index, save_index=save_index)


def _classify(run: RunDirectory, images: list[str], as_json: bool) -> None:
    from dlpractice.report.result_tables import predictions_table

    rows = import_quietly("dlpractice.recipes.predict.classification").run(run, images)
    if as_json:
        print_json(rows)
    else:
        results().print(predictions_table(rows))
    _report_failures(rows, images)


def _identify(run: RunDirectory, images: list[str], as_json: bool, **examples: Path | None) -> None:
    from dlpractice.report.oneshot_tables import identification_table

    rows = import_quietly("dlpractice.recipes.predict.identification").identify(run, images, **examples)
    saved = examples["save_index"]
    if as_json:
        print_json(rows)
    else:
        if rows:
            results().print(identification_table(rows))
        if saved:
            results().print(f"index: {saved}", soft_wrap=True)
    _report_failures(rows, images)


def _compare(run: RunDirectory, images: list[str], as_json: bool) -> None:
    from dlpractice.report.oneshot_tables import verdict_text

    verdict: dict[str, Any] = import_quietly("dlpractice.recipes.predict.identification").compare(
        run, *images
    )
    if as_json:
        print_json(verdict)
    else:
        results().print(verdict_text(verdict), soft_wrap=True)


def _report_failures(rows: list[dict[str, Any]], named: list[str]) -> None:
    """Says which files were passed over; refuses paths that were named in vain, and rows of errors alone."""
    _warn_of_other_files(named, {row["path"] for row in rows})
    failed = [row["path"] for row in rows if "error" in row]
    if failed and len(failed) == len(rows):
        raise DataError(
            "the image cannot be read" if len(rows) == 1 else f"none of the {len(rows)} images can be read",
            "see its error above" if len(rows) == 1 else "see their errors above",
        )
    # What lies in a folder has a row of its own, so a folder in a row has no image.
    vain = [path for path in failed if path in named and try_look(path) in _NO_IMAGE]
    if vain:
        raise DataError(
            f"{len(vain)} of the {len(named)} paths lead to no image: {', '.join(map(repr, vain[:_NAMED]))}"
            + (f" and {len(vain) - _NAMED} more" if len(vain) > _NAMED else ""),
            "check their spelling; the other images were classified, see above",
        )


def _warn_of_other_files(named: list[str], shown: Collection[str]) -> None:
    """Names what has no row: `shown` are the paths of the rows."""
    from dlpractice.data.files.folder_walk import Walk, may_be_meant
    from dlpractice.data.naming.file_endings import count_endings

    for folder in (path for path in named if try_look(path) is Kind.FOLDER):
        walk = Walk(Path(folder))
        others = [path for path in walk.files(walk.root) if str(walk.root / path) not in shown]
        hidden = [path for path in walk.clutter if may_be_meant(path)]
        for what, paths in ((count_endings(others), others), (f"{len(hidden)} hidden", hidden)):
            if paths:
                text = f"warning: {what} in {folder} passed over, no images by name, such as {paths[0]}"
                messages().print(text, soft_wrap=True)


def _refuse_examples(run: Path, given: bool) -> None:
    if given:
        raise RunError(
            f"{run} is a classifier, which knows its classes: it takes no examples",
            "leave out --support, --index, --save-index and --same, or name a run of `dlp oneshot`",
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
