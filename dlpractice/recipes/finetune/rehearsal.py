"""`dlp finetune --dry-run`: all that comes before the first step of training, and no step."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlpractice.config.schema import Finetune
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.finetune.choice.settlement import list_backbones, refuse_workers
from dlpractice.recipes.finetune.idle_settings import list_idle_settings
from dlpractice.recipes.finetune.setup import (
    Setup,
    prepare_setup,
    require_space,
    whole_batch,
)
from dlpractice.recipes.run.batch_scaling import refuse_other_replicas
from dlpractice.recipes.run.continuation import begun_runs, recorded_precision, refuse_other_start


def run(
    variants: Mapping[str, Finetune],
    folders: Mapping[str, Sequence[Path]],
    progress: Progress | None = None,
) -> dict[str, dict[str, Any]]:
    """Prepares each of `variants` as training would, and says what it would begin with; where a config leaves
    something open, with its cheapest candidate, `head`.

    Args:
        variants: a config by the name of each.
        folders: where the runs of each variant go, one for each seed from the config's on.

    Returns:
        for each variant the images of each split, its classes, parameters, weights, devices, precision and
        batch.

    Raises:
        DlpError: training would refuse to begin.
    """
    progress = progress or Silent()
    begun = {name: begun_runs(paths) for name, paths in folders.items()}
    auto = next((recorded_precision(run) for runs in begun.values() for run in runs.values()), None)
    found = {}
    for name, config in variants.items():
        progress.say(f"preparing {name}")
        as_begun = config
        if config.is_open:
            refuse_workers()
            config = config.as_head(list_backbones(config)[0][0])
        setup = prepare_setup(config, progress, auto)
        auto = auto or (setup.precision, setup.timings)
        refuse_other_start(as_begun, setup.dataset.digest, begun[name])
        for started in begun[name].values():
            refuse_other_replicas(config.hardware.scaling, setup.placement.replicas, started)
        require_space(config, setup)
        config = config.paced(len(setup.dataset.train))
        for warning in list_idle_settings(config, setup):
            progress.warn(warning)
        found[name] = _describe(config, setup) | ({"open": True} if as_begun.is_open else {})
    return found


def _describe(config: Finetune, setup: Setup) -> dict[str, Any]:
    classifier = setup.classifier
    classifier.freeze(setup.strategy.stages[-1].cut)
    trained = classifier.rest(setup.strategy.stages[-1].cut).trainable_variables
    return {
        "sizes": {name: len(split) for name, split in setup.dataset.splits.items()},
        "classes": len(setup.dataset.class_names),
        "trainable_parameters": int(sum(np.prod(variable.shape) for variable in trained)),
        "parameters": int(classifier.model.count_params()),
        "weights": classifier.weights.origin,
        "devices": list(setup.placement.devices),
        "precision": setup.precision,
        "batch": whole_batch(config, setup.placement),
        "epochs": config.training.passes(),
    }
