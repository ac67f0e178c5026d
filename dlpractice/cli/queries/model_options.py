"""Options of the commands that put a trained model to work: which of them are for which, and go together."""

from pathlib import Path

import typer

from dlpractice.cli.console import messages
from dlpractice.cli.queries.answer_rows import Form
from dlpractice.paths import Kind, try_look
from dlpractice.runs.directory import RunDirectory

MODEL = "A finished run, or a file of `dlp export`."
PROVIDERS = (
    "Of an .onnx file: where ONNX Runtime computes, such as CUDAExecutionProvider,CPUExecutionProvider."
)
MIN_CONFIDENCE = "Answer `unsure` where the likeliest class is less likely than this."
COVERAGE = "Answer so many of the validation images, such as 0.9, and `unsure` for the others."
_NOT_CALIBRATED = "note: confidence is the plain softmax: the model was made before its calibration was kept"


def split_names(providers: str) -> list[str]:
    """The names in the text of --providers, in which commas separate them."""
    return [name.strip() for name in providers.split(",") if name.strip()]


def choose_form(as_csv: bool, as_json: bool) -> Form:
    """The form of what is printed.

    Raises:
        BadParameter: two forms are asked for.
    """
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json are two forms of one answer", param_hint="--csv")
    return "json" if as_json else "csv" if as_csv else "table"


def check_selection(min_confidence: float | None, coverage: float | None) -> None:
    """Raises BadParameter where what is answered is said twice, or is no share of images."""
    if min_confidence is not None and coverage is not None:
        raise typer.BadParameter("either --coverage or --min-confidence says when", param_hint="--coverage")
    if coverage is not None and not 0 < coverage <= 1:
        raise typer.BadParameter("a share above 0 and at most 1", param_hint="--coverage")


def find_run(model: Path) -> RunDirectory | None:
    """The run in the folder `model`; None where it is a file, or the folder of a SavedModel.

    Raises:
        RunError: a folder is neither.
    """
    if try_look(model / "saved_model.pb") is Kind.FILE or try_look(model) is Kind.FILE:
        return None
    return RunDirectory.read(model)


def is_oneshot(run: RunDirectory | None) -> bool:
    """Whether it is a run of `dlp oneshot`."""
    return run is not None and run.config_tree().get("command") == "oneshot"


def note_calibration(is_calibrated: bool) -> None:
    """Says so where confidence is the net's own."""
    if not is_calibrated:
        messages().print(_NOT_CALIBRATED, soft_wrap=True)
