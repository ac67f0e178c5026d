"""What one run has trained becomes another's."""

from dlpractice.paths import is_folder
from dlpractice.runs import atomic_files
from dlpractice.runs.directory import (
    AUDIT,
    CHECKPOINTS,
    CONFIG,
    ENVIRONMENT,
    METRICS,
    SPLITS,
    TENSORBOARD,
    RunDirectory,
)
from dlpractice.runs.training_folder import DIAGNOSTICS
from dlpractice.whole_files import move


def take_over(run: RunDirectory, other: RunDirectory) -> None:
    """Lets `run`, which has trained nothing yet, begin where `other`, a run of the same config, has ended its
    training. What only `--resume` needs is moved, the rest is copied; killed on the way, it can be done
    again."""
    for name in (CHECKPOINTS, TENSORBOARD):
        if is_folder(other.path / name):
            move(other.path / name, run.writable(name))
    for name in (CONFIG, SPLITS, AUDIT, METRICS, DIAGNOSTICS, ENVIRONMENT):  # the last makes it a run begun
        if atomic_files.is_there(other.path / name):
            atomic_files.write_text(run.writable(name), atomic_files.read_text(other.path / name))
