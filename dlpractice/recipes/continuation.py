"""What must not have changed when a run is taken up again."""

from dlpractice.config.load import dump_config
from dlpractice.config.schema import Config
from dlpractice.errors import RunError
from dlpractice.hardware.precision import Choice
from dlpractice.runs.directory import RunDirectory


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


def recorded_precision(run: RunDirectory) -> Choice:
    """The precision that a run was begun in, as its environment says."""
    environment = run.environment()
    return environment["precision"], environment["precision_timings_seconds"]
