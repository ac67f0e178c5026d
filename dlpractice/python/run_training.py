"""`dlp finetune` and `dlp oneshot` as functions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlpractice.errors import ConfigError
from dlpractice.python.quiet import bring, showing

if TYPE_CHECKING:
    from dlpractice.python.trained_nets import Classifier, Comparer

Source = str | PathLike[str]


def finetune(
    source: Source | None = None,
    *,
    config: Source | None = None,
    run_dir: Source | None = None,
    resume: bool = False,
    progress: bool = True,
    **settings: Any,
) -> Classifier:
    """Trains an image classifier from a pretrained one, and gives it back, scored and loaded.

    Args:
        source: a labelled folder, CSV or zip, or the name of a known data set; `data.source` of the config.
        config: a config file, or the name of one that ships; without, all that is not given has its default.
        run_dir: the run's folder; without, a new one below runs/finetune.
        resume: whether to go on with the run in `run_dir`.
        progress: whether to show what is being done.
        settings: the config's keys, those of a section as a dictionary:
            `strategy="head", training={"epochs": 5}`.

    Raises:
        ConfigError: the settings have problems; all are listed.
        DlpError: whatever else the command would end with.
    """
    folder = _train("finetune", source, config, run_dir, resume, progress, settings)
    found: Classifier = bring("python.trained_nets").load(folder)
    return found


def oneshot(
    source: Source | None = None,
    *,
    config: Source | None = None,
    run_dir: Source | None = None,
    resume: bool = False,
    progress: bool = True,
    **settings: Any,
) -> Comparer:
    """Trains a net to compare images, and gives it back, tested and loaded.

    Arguments are as in `finetune`.
    """
    folder = _train("oneshot", source, config, run_dir, resume, progress, settings)
    found: Comparer = bring("python.trained_nets").load(folder)
    return found


def _train(
    command: str,
    source: Source | None,
    config: Source | None,
    run_dir: Source | None,
    resume: bool,
    progress: bool,
    settings: Mapping[str, Any],
) -> Path:
    """Trains, and gives the run's folder."""
    from dlpractice.config.load import assume_config, load_config
    from dlpractice.runs.directory import RunDirectory

    named = {} if source is None else {"data": {"source": fspath(source)}}
    overrides = [f"{key}={value}" for part in (named, settings) for key, value in _flatten(part)]
    if config is None and not any(override.startswith("data.source=") for override in overrides):
        raise ConfigError(
            f"{command} needs data: neither a source nor a config is given",
            f'name a folder of images, as in dlp.{command}("photos")',
        )
    if resume and run_dir is None:
        raise ConfigError("resume=True needs run_dir", "name the run to go on with")
    loaded: Any = (
        assume_config(command, overrides)
        if config is None
        else load_config(fspath(config), overrides, command)
    )
    if command == "finetune":
        loaded = loaded.for_strategy(loaded.strategy)
    folder = Path(run_dir or _name_folder(command, source or config or command))
    opened = RunDirectory.resume if resume else RunDirectory.create
    with showing(progress) as shown, opened(folder) as run:
        bring(f"recipes.{command}.{command}").run(loaded, run, shown)
    return folder


def _name_folder(command: str, named: Source) -> Path:
    return Path("runs", command, f"{Path(named).stem}-{datetime.now():%Y%m%d-%H%M%S}")


def _flatten(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Each key, with dots between its parts, and its value as YAML, of which JSON is a part.

    Raises ConfigError for a value that no config holds.
    """
    for name, value in tree.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{key}.")
            continue
        try:
            yield key, json.dumps(fspath(value) if isinstance(value, PathLike) else value)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"{key} cannot be {value!r}", "give a text, a number, a truth value, or a list of them"
            ) from error
