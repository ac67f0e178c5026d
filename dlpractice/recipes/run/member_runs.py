"""The runs of a folder of several: each variant of a config, with each seed.

Comparisons, sweeps, searches, folds and trials of remedies all train here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.progress import Progress
from dlpractice.runs.comparison_folder import Comparison
from dlpractice.runs.directory import RunDirectory

TrainedT = TypeVar("TrainedT", bound=Finetune | Oneshot)


def train_members(
    variants: Mapping[str, TrainedT],
    seeds: Sequence[int],
    folder: Comparison,
    train: Callable[[TrainedT, RunDirectory], object],
    progress: Progress,
) -> None:
    """Trains each of `variants`, by the names of their folders, with each of `seeds`.

    Args:
        train: trains a config in a run directory; it goes on with a run that was killed, and leaves one that
            has finished as it is.
    """
    for name, config in variants.items():
        for seed in seeds:
            progress.say(f"{name}, seed {seed}")
            seeded = cast("TrainedT", config.model_copy(update={"seed": seed}))
            with RunDirectory.resume_or_create(folder.run_path(name, seed)) as run:
                train(seeded, run)
