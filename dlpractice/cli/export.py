"""`dlp export`: a finished run as a file that others use without this package."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from dlpractice.cli.console import messages, print_json, results
from dlpractice.cli.quiet_import import import_quietly

_FAILED = 3
_SUPPORT = "One-shot runs: a folder with an example of each class that the encoder is to know."
_INDEX = "One-shot runs: classes that `dlp predict --save-index` has kept, in place of --support."


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    kind: Annotated[
        Literal["onnx", "litert", "savedmodel", "keras"], typer.Option("--format", help="What to write.")
    ],
    quantize: Annotated[
        Literal["dynamic", "float16", "int8"] | None,
        typer.Option(help="Smaller numbers."),
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write it.")] = None,
    support: Annotated[Path | None, typer.Option(metavar="DIR", help=_SUPPORT)] = None,
    index: Annotated[Path | None, typer.Option(metavar="FILE", help=_INDEX)] = None,
    most_lost: Annotated[
        float, typer.Option("--max-loss", min=0, max=1, help="Accuracy that a quantised net may lose.")
    ] = 0.01,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write a run's net as ONNX, LiteRT, SavedModel or Keras, proven on its validation images.

    Of a one-shot run it is the encoder, and beside it the index of the classes of --support or --index. A
    README with code that uses it is written beside it. The exit status is 3, and no file is left, where
    probabilities differ from Keras's, or a quantised net loses more accuracy than --max-loss.
    """
    if support is not None and index is not None:
        raise typer.BadParameter("--support and --index are two sources of one index", param_hint="--index")
    from dlpractice.report.export_tables import export_table
    from dlpractice.report.progress_display.plain import make_progress
    from dlpractice.runs.directory import RunDirectory

    recipe: Any = import_quietly("dlpractice.recipes.export.export")
    progress = make_progress(sys.stderr)
    reason = ""
    try:
        document = recipe.run(
            RunDirectory.read(run), kind, quantize, output, most_lost, progress, support=support, index=index
        )
    except recipe.ExportRefused as refused:
        document, reason = refused.document, refused.reason
    finally:
        progress.close()
    document["passed"] = not reason
    if as_json:
        print_json(document)
    else:
        results().print(export_table(document))
    if reason:
        messages().print(f"not exported: {reason}, and no file is left", soft_wrap=True)
        raise typer.Exit(_FAILED)
