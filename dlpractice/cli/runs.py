"""`dlp runs`: the runs under a folder, and several of them side by side."""

from pathlib import Path
from typing import Annotated

import typer

from dlpractice.cli.console import messages, print_json, results

app = typer.Typer(help="List runs and compare them.", no_args_is_help=True, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def ls(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to look, and below it.")] = Path(
        "runs"
    ),
    as_json: AsJson = False,
) -> None:
    """List the runs under a folder, the one written last at the end."""
    from dlpractice.runs.listing import find_runs

    rows = [run.to_json() for run in find_runs(folder)]
    if as_json:
        print_json(rows)
    elif rows:
        from dlpractice.report.result_tables import runs_table

        results().print(runs_table(rows))
    else:
        messages().print(f"there are no runs in {folder}", soft_wrap=True)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories, two or more.")],
    as_json: AsJson = False,
) -> None:
    """Show where the configs of runs differ, and what came of it; differences are to the first run."""
    from dlpractice.recipes.runs import compare_runs

    document = compare_runs.run(runs)
    for damaged in document["unreadable"]:
        messages().print(f"warning: left out: {damaged['problem']}", soft_wrap=True)
    if as_json:
        print_json(document)
        return
    from dlpractice.report.result_tables import runs_comparison_table

    results().print(runs_comparison_table(document))
    if document["passed_over"]:
        named = ", ".join(document["passed_over"])
        messages().print(f"passed over, because they are no runs: {named}", soft_wrap=True)
