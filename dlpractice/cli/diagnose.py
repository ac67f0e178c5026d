"""`dlp diagnose`: what is wrong with a training, how sure that is, and what to change."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dlpractice.cli.console import messages, print_json, results
from dlpractice.cli.quiet_import import import_quietly
from dlpractice.errors import RunError
from dlpractice.paths import resolve


class FailOn(StrEnum):
    """The severities that --fail-on takes."""

    warning = "warning"
    error = "error"


_RUN = (
    "A run directory, a folder of runs, or a training log of another library; docs/diagnosis.md lists the "
    "formats."
)
_COLUMN = (
    "Which column of somebody else's log is which curve, such as val_loss=holdout_loss; may be repeated."
)
_TARGET = "The error that could be reached, a share in [0, 1]; else the best known for the data set is used."
_CLASSES = (
    "How many classes somebody else's log is about: what guessing costs; else it is seen from the curves."
)
_WRITE = "Write the run's config with the top remedy applied to this new file, the reasons as comments."
_TRY = (
    "Retrain with the top remedy and with a random other one, at equal steps, and compare on validation; the "
    "test is not looked at."
)
_SEEDS = "With --try: seeds to train each of the two with; 1 if not given."
_TRIAL_DIR = (
    "With --try: where the new runs go; RUN-trial beside the run if not given. Finished ones are kept."
)
_FAIL = "Exit with 3 if there is a finding of this severity, or a worse one."


def diagnose(
    run: Annotated[Path, typer.Argument(metavar="RUN", help=_RUN)],
    column: Annotated[list[str] | None, typer.Option(metavar="CURVE=COLUMN", help=_COLUMN)] = None,
    target_error: Annotated[float | None, typer.Option(min=0, max=1, help=_TARGET)] = None,
    classes: Annotated[int | None, typer.Option(min=2, help=_CLASSES)] = None,
    write_config: Annotated[Path | None, typer.Option(metavar="FILE", help=_WRITE)] = None,
    try_remedy: Annotated[bool, typer.Option("--try", help=_TRY)] = False,
    seeds: Annotated[int | None, typer.Option(min=1, max=100, help=_SEEDS)] = None,
    run_dir: Annotated[Path | None, typer.Option(help=_TRIAL_DIR)] = None,
    fail_on: Annotated[FailOn | None, typer.Option(help=_FAIL)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what is wrong with a training run, how sure that is, and what to change.

    Reads finished and running runs, comparisons, sweeps, and logs that others wrote. What cannot be judged
    from what is there is listed, not guessed.
    """
    from dlpractice.diagnosis.logs.reading import holds_several

    for option, value in (("--seeds", seeds), ("--run-dir", run_dir)):
        if value is not None and not try_remedy:
            raise typer.BadParameter("it belongs to --try", param_hint=option)
    if holds_several(run):
        if column or classes or write_config or try_remedy:
            raise RunError(
                f"{run} holds several runs; --column, --classes, --write-config and --try are for one",
                "name one of the runs in it",
            )
        document = _diagnose_group(run, target_error)
    else:
        document = _diagnose_one(run, target_error, classes, column)
    if not as_json:
        _print(document)
    if try_remedy:
        document["trial"] = _try(document, seeds or 1, run_dir)
        if not as_json:
            from dlpractice.report.sweep_tables import trial_table

            results().print("", trial_table(document["trial"]), sep="\n")
    if as_json:
        print_json(document)
    if write_config is not None:
        from dlpractice.recipes.diagnose.next_config import write_next_config

        write_next_config(Path(document["run"]), document, write_config)
        messages().print(f"written: {write_config}", soft_wrap=True)
    if fail_on is not None and _reaches(document, fail_on):
        raise typer.Exit(3)


def _diagnose_one(
    run: Path, target_error: float | None, classes: int | None, column: list[str] | None
) -> dict[str, Any]:
    from dlpractice.diagnosis.logs.reading import read_log
    from dlpractice.diagnosis.verdict import diagnose as judge

    return judge(read_log(run, _parse_columns(column or [])), target_error, classes).to_json()


def _diagnose_group(folder: Path, target_error: float | None) -> dict[str, Any]:
    from dlpractice.diagnosis.several_runs import diagnose_group

    return diagnose_group(folder, target_error).to_json()


def _print(document: dict[str, Any]) -> None:
    from dlpractice.report import diagnosis_text as report

    show = report.group_text if "runs" in document else report.diagnosis_text
    results().print(show(document))


def _try(document: dict[str, Any], seeds: int, folder: Path | None) -> dict[str, Any]:
    """Trains with the top remedy, and with a random one, and says what came of each.

    document: the diagnosis; the run that it is about is the one to be improved.
    """
    from dlpractice.cli.training_session import reporting
    from dlpractice.runs.comparison_folder import Trial

    run = Path(document["run"])
    whole = resolve(run)
    with reporting("the same command goes on with what was trained", every_epoch=False) as progress:
        recipe = import_quietly("dlpractice.recipes.diagnose.trial")
        with Trial.resume_or_create(folder or whole.with_name(f"{whole.name}-trial")) as trial:
            found: dict[str, Any] = recipe.run(
                run, document["findings"], trial, seeds=seeds, progress=progress
            )
    return found


def _parse_columns(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        curve, equals, name = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r} is not of the form CURVE=COLUMN", param_hint="--column")
        mapping[curve] = name
    return mapping


def _reaches(document: dict[str, Any], severity: FailOn) -> bool:
    """Whether a finding on the runs together, or on any one of them, is at least as severe as `severity`."""
    reaching = {"error"} if severity is FailOn.error else {"error", "warning"}
    documents = [document, *document.get("runs", [])]
    return any(finding["severity"] in reaching for part in documents for finding in part["findings"])
