"""`dlp oneshot --dry-run`: all that comes before the first step of training, and no step."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlpractice.config.schema import Oneshot
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.oneshot.idle_settings import list_idle_settings
from dlpractice.recipes.oneshot.oneshot import make_feed, plan_tasks
from dlpractice.recipes.oneshot.results import plan_protocols
from dlpractice.recipes.oneshot.setup import OneshotSetup, prepare_oneshot, read_classes
from dlpractice.recipes.run.continuation import begun_runs, recorded_precision, refuse_other_start


def run(
    config: Oneshot,
    methods: Mapping[str, Oneshot | None],
    folders: Mapping[str, Sequence[Path]],
    progress: Progress | None = None,
) -> dict[str, dict[str, Any]]:
    """Prepares each of `methods` as training would, and says what it would begin with.

    Args:
        config: the whole config, by which methods that are not trained read the classes.
        methods: the config of each by its name; None for one that is not trained.
        folders: where the runs of each method go, one for each seed from the config's on.

    Returns:
        for each method that is trained the classes of each part, its parameters, weights, devices, precision
        and the drawings of a batch.

    Raises:
        DlpError: training would refuse to begin.
    """
    progress = progress or Silent()
    trained = {name: method for name, method in methods.items() if method is not None}
    begun = {name: begun_runs(folders[name]) for name in trained}
    auto = next((recorded_precision(run) for runs in begun.values() for run in runs.values()), None)
    found = {}
    for name, method in trained.items():
        progress.say(f"preparing {name}")
        setup = prepare_oneshot(method, progress, auto)
        auto = auto or (setup.precision, setup.timings)
        refuse_other_start(method, setup.class_split.digest, begun[name])
        plan_tasks(method, setup.class_split)
        for warning in list_idle_settings(method, setup):
            progress.warn(warning)
        found[name] = _describe(method, setup)
    if len(trained) < len(methods):
        plan_protocols(read_classes(config, progress))
    return found


def _describe(config: Oneshot, setup: OneshotSetup) -> dict[str, Any]:
    model = setup.siamese.model
    episode = next(iter(make_feed(config, setup).batches(0)))
    return {
        "sizes": {name: len(part.by_class()) for name, part in setup.class_split.parts.items()},
        "classes": sum(len(part.by_class()) for part in setup.class_split.parts.values()),
        "trainable_parameters": int(sum(np.prod(variable.shape) for variable in model.trainable_variables)),
        "parameters": int(model.count_params()),
        "weights": config.encoder.weights or "random",
        "devices": list(setup.placement.devices),
        "precision": setup.precision,
        "batch": len(episode[0]),
    }
