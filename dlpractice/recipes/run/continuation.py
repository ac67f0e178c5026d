"""What must not have changed when a run is taken up again."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path

from dlpractice.config.load import dump_config, load_config
from dlpractice.config.schema import Config, Finetune
from dlpractice.errors import RunError
from dlpractice.paths import is_file
from dlpractice.recipes.run.device_choice import resolve_precision
from dlpractice.runs.comparison_folder import Comparison
from dlpractice.runs.directory import CONFIG, SPLITS, RunDirectory
from dlpractice.training.checkpoints import Arrays, Checkpoints, Position
from dlpractice.training.devices.placement import Devices, Placement, place
from dlpractice.training.devices.precision_choice import Choice

# Columns of splits.csv that every run has.
_TELLING = ("path", "label", "split", "sha256", "group")


def has_config(run: RunDirectory, config: Config) -> bool:
    """Whether the run was started with `config`. A key that its file lacks, because an earlier version did
    not know it, has its default.

    Raises ConfigError where the file has keys or values that this version does not know.
    """
    if isinstance(config, Finetune):
        config = pace_as_begun(config, run)
    return dump_config(load_config(str(run.path / CONFIG))) == dump_config(config)


def pace_as_begun(config: Finetune, run: RunDirectory) -> Finetune:
    """The config with the epochs that it has for the training images of the run; as it is before these are
    known."""
    images = sum(row["split"] == "train" for row in run.splits()) if run.has_splits else 0
    return config.paced(images) if images else config


def refuse_other_config(config: Config, run: RunDirectory) -> None:
    """Raises RunError where the run was started with a config other than `config`."""
    if not has_config(run, config):
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


def refuse_other_weights(digest: str, run: RunDirectory) -> None:
    """Raises RunError where the run was started from pretrained weights with another digest."""
    if run.environment()["weights"]["digest"] != digest:
        raise RunError(
            f"{run.path} was started from other pretrained weights: the file has changed since",
            "restore the file, or start a new run in another --run-dir",
        )


def refuse_other_splits(rows: Iterable[Mapping[str, str]], run: RunDirectory) -> None:
    """Raises RunError where splits.csv is not what the run began with any more: somebody has edited it.

    rows: of what the run goes on with, with the keys of splits.csv.
    """
    nothing: Mapping[str, str] = {}
    for kept, here in zip_longest(run.splits(), rows, fillvalue=nothing):
        if [kept.get(name) for name in _TELLING] != [here.get(name) for name in _TELLING]:
            path = kept.get("path") or here.get("path")
            raise RunError(
                f"{run.path / SPLITS} is not as the run was started with it, from {path} on",
                "restore the file, or start a new run in another --run-dir",
            )


def begun_runs(folders: Sequence[Path]) -> dict[int, RunDirectory]:
    """Those of the runs in `folders` that were begun, by their place among them."""
    begun = [(number, path) for number, path in enumerate(folders) if is_file(path / CONFIG)]
    runs = {number: RunDirectory.read(path) for number, path in begun}
    return {number: run for number, run in runs.items() if run.is_prepared}


def refuse_other_start(config: Config, digest: str, begun: Mapping[int, RunDirectory]) -> None:
    """Raises RunError where one of the runs that were begun would not be gone on with: it was started with
    another config, whose seed counts from the config's own by its place, or on other data."""
    for offset, run in begun.items():
        refuse_other_config(config.model_copy(update={"seed": config.seed + offset}), run)
        if not run.is_finished:
            refuse_other_data(digest, run)


def seconds_before(run: RunDirectory) -> float:
    """Seconds of the epochs that the run has behind it, and of the choice before them, which has those of
    epochs that were taken over from it."""
    choice = run.choice() or {}
    rows = [] if choice.get("run") else run.metrics()
    return float(sum(row["seconds"] for row in rows) + choice.get("seconds", 0.0))


def recorded_precision(run: RunDirectory) -> Choice:
    """The precision that a run was begun in, as its environment says."""
    environment = run.environment()
    return environment["precision"], environment["precision_timings_seconds"]


def open_checkpoints(
    run: RunDirectory, placement: Placement, interval: float
) -> tuple[Checkpoints, Position, Arrays | None]:
    """The checkpoints of a run, and the one to go on from: a new position where there is none. Rows of
    metrics.csv that were written after it are removed, and will be written again.

    interval: seconds between two checkpoints.

    Raises RunError where a worker does not see what the first one sees.
    """
    # The others may come here before the first worker has written what is read for it.
    origin = placement.agree(_identify(run) if placement.is_chief else None)
    checkpoints = Checkpoints(run.checkpoints, interval, origin=origin, writes=placement.is_chief)
    position, saved = checkpoints.read() or (Position(), None)
    here = json.dumps(asdict(position))
    if here != placement.agree(here):
        raise RunError(
            f"this worker does not find in {run.path} the checkpoint that the first worker goes on from",
            "put --run-dir into a folder that all workers share",
        )
    run.truncate_metrics(position.rows)
    return checkpoints, position, saved


def _identify(run: RunDirectory) -> str:
    """What no other run has, unless it ends with the same bits: config, seed, data and precision."""
    environment = run.environment()
    facts = [run.config_tree(), environment["data"].get("digest"), environment["precision"]]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def agree_on_precision(asked: str, devices: Devices, comparison: Comparison) -> Choice:
    """What `auto` is for all runs of a comparison: as in those that were begun, or else found now, once."""
    begun = [run for run in comparison.runs() if run.is_prepared]
    if begun:
        return recorded_precision(begun[0])
    return resolve_precision(asked, place(devices))
