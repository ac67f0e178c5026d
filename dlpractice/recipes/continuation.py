"""What must not have changed when a run is taken up again."""

from dlpractice.config.load import dump_config
from dlpractice.config.schema import Config
from dlpractice.errors import RunError
from dlpractice.hardware.precision import Choice
from dlpractice.recipes.setup import resolve_precision
from dlpractice.runs.comparison import Comparison
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.placement import Devices, place


def refuse_other_config(config: Config, run: RunDirectory) -> None:
    """Raises RunError where the run was started with a config other than `config`."""
    if run.config_text() != dump_config(config):
        raise RunError(
            f"{run.path} was started with another config",
            f"use its own: `dlp {config.command} {run.path}/config.yaml --run-dir {run.path} --resume`",
        )


def refuse_other_data(digest: str, run: RunDirectory) -> None:
    """Raises RunError where the run was started on data with another digest."""
    if run.environment()["data"]["digest"] != digest:
        raise RunError(
            f"{run.path} was started on other data: images, labels or splits have changed since",
            "restore the data, or start a new run in another --run-dir",
        )


def seconds_before(run: RunDirectory) -> float:
    """Seconds of the epochs that the run has behind it."""
    return float(sum(row["seconds"] for row in run.metrics()))


def recorded_precision(run: RunDirectory) -> Choice:
    """The precision that a run was begun in, as its environment says."""
    environment = run.environment()
    return environment["precision"], environment["precision_timings_seconds"]


def agree_on_precision(asked: str, devices: Devices, comparison: Comparison) -> Choice:
    """What `auto` is for all runs of a comparison: as in those that were begun, or else found now, once."""
    begun = [run for run in comparison.runs() if run.is_prepared]
    if begun:
        return recorded_precision(begun[0])
    return resolve_precision(asked, place(devices))
