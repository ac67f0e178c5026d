"""`dlp finetune --search`: trials of settings that Optuna draws, and the best of them trained and tested."""

import json
from collections.abc import Mapping
from typing import Any

from dlpractice.config.load import dump_config
from dlpractice.config.schema import Finetune
from dlpractice.config.search_space import SearchSpace
from dlpractice.errors import RunError
from dlpractice.paths import exists
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.finetune import finetune
from dlpractice.recipes.finetune.comparison import share_features, tabulate
from dlpractice.recipes.finetune.search.halving import Validation, is_beaten, is_rung, score_epochs
from dlpractice.recipes.finetune.search.study import EndedTrial, Study
from dlpractice.recipes.run.continuation import agree_on_precision
from dlpractice.recipes.run.member_runs import train_members
from dlpractice.runs.comparison_folder import Search
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.shares import wilson
from dlpractice.training.devices.precision_choice import Choice

CHOSEN = "chosen"


class Beaten(Exception):
    """A trial is given up. It leaves a run that has not finished."""


def run(
    space: SearchSpace, budget: int, seeds: int, search: Search, progress: Progress | None = None
) -> dict[str, Any]:
    """Tries settings until `budget` trials have ended, then trains and tests the best one.

    seeds: how many the best one is trained with, from the config's on.

    Trials see training and validation images alone, and have the config's seed. What has ended is kept, and
    a trial that was killed goes on.

    Returns what search.json holds. Raises RunError where the folder is of another search, or has ended with
    fewer trials, and DlpError as `finetune.run` does.
    """
    progress = progress or Silent()
    study = Study(search.study_path, space.parts, space.base.seed, _describe_plan(space))
    _refuse_longer(search, space.base.seed, len(study.trials), budget)
    auto = agree_on_precision(space.base.hardware.precision, space.base.hardware.devices, search)
    share_features(space.corners(), auto, progress)
    while len(study.trials) < budget:
        _try_next(space, study, search, auto, progress)
    best = min((trial for trial in study.trials if not trial.is_pruned), key=lambda trial: trial.score)
    chosen = {CHOSEN: space.config(best.setting)}
    span = range(space.base.seed, space.base.seed + seeds)
    train_members(
        chosen, span, search, lambda config, run: finetune.run(config, run, progress, auto), progress
    )
    document = {
        "command": "finetune",
        "data": space.base.data.source,
        "key": ",".join(space.parts),
        "rows": [_tabulate_trial(trial, study.trials, space, search) for trial in study.trials],
        "chosen": tabulate(chosen, span, search)[0]
        | {"name": name_trial(best.number), "value": dict(best.setting)},
    }
    search.write_table(document)
    return document


def name_trial(number: int) -> str:
    """The folder of a trial's run."""
    return f"trial-{number:03d}"


def _describe_plan(space: SearchSpace) -> str:
    """What must not change between two sittings of a search."""
    ranges = {key: repr(part) for key, part in space.parts.items()}
    return json.dumps({"config": dump_config(space.base), "over": ranges}, sort_keys=True)


def _refuse_longer(search: Search, seed: int, count: int, budget: int) -> None:
    """Raises RunError where a search that chose by `count` trials is to try more: the test has been seen."""
    if budget > count and exists(search.run_path(CHOSEN, seed)):
        raise RunError(
            f"{search.path} has ended: by {count} trials it chose what was scored on the test",
            "begin another search in a new --run-dir",
        )


def _try_next(space: SearchSpace, study: Study, search: Search, auto: Choice, progress: Progress) -> None:
    """Trains the next trial, or goes on with it, and adds it to the study.

    A setting that was tried is not trained again.
    """
    trials, values = study.trials, study.suggest()
    setting = study.write(values)
    if known := _find_equal(trials, setting):
        study.keep(values, known.score, list(known.scores.values()), is_pruned=known.is_pruned)
        return
    name, config = name_trial(len(trials)), space.config(setting)
    progress.say(f"{name}: {' '.join(f'{key}={text}' for key, text in setting.items())}")
    is_pruned = False

    def watch(run: RunDirectory) -> None:
        rows = run.metrics()
        if is_rung(len(rows)):
            others = [trial.scores[len(rows)] for trial in trials if len(rows) in trial.scores]
            validation = _read_validation(run)
            if is_beaten(score_epochs(rows, validation.images), others, validation):
                raise Beaten

    def train(config: Finetune, run: RunDirectory) -> None:
        nonlocal is_pruned
        try:
            finetune.run(config, run, progress, auto, score_test=False, watch=watch)
        except Beaten:
            is_pruned = True
            progress.say(f"{name}: given up after {len(run.metrics())} epochs")

    train_members({name: config}, [config.seed], search, train, progress)
    scores = _list_scores(search.members(name, [config.seed])[0])
    study.keep(values, scores[-1], scores, is_pruned=is_pruned)


def _find_equal(trials: list[EndedTrial], setting: Mapping[str, str]) -> EndedTrial | None:
    return next((trial for trial in trials if trial.setting == setting), None)


def _list_scores(run: RunDirectory) -> list[float]:
    """What the run would have scored if it had ended after each of its epochs, over all stages."""
    rows, images = run.metrics(), _read_validation(run).images
    return [score_epochs(rows[: end + 1], images) for end in range(len(rows))]


def _read_validation(run: RunDirectory) -> Validation:
    bound = [row["bound"] for row in run.splits() if row["split"] == "validation"]
    return Validation(len(bound), len(set(bound)))


def _tabulate_trial(
    trial: EndedTrial, trials: list[EndedTrial], space: SearchSpace, search: Search
) -> dict[str, Any]:
    first = _find_equal(trials, trial.setting)
    run = search.members(name_trial((first or trial).number), [space.base.seed])[0]
    validation = _read_validation(run)
    accuracy = 1 - int(trial.score) / validation.images
    measure = Measure(accuracy, wilson(accuracy, validation.trials), validation.images)
    return {
        "name": name_trial(trial.number),
        "value": dict(trial.setting),
        "strategy": run.config_tree()["strategy"],
        "seeds": [space.base.seed],
        "state": "given up" if trial.is_pruned else "finished",
        "epochs": len(trial.scores),
        "val_accuracy": measure.to_json(),
        "seconds": sum(row["seconds"] for row in run.metrics()),
        "runs": [str(run.path.relative_to(search.path))],
    }
