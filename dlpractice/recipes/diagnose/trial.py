"""`dlp diagnose --try`: the top remedy, retrained against another one that was drawn at random.

Advice has to beat chance at equal cost: of repairs that tools propose, random ones often help as much
(arXiv:2301.11568). Both arms take as many optimiser steps and seeds as one another and are judged on the
validation images that the run was judged on. The test split is not looked at.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlpractice.config.load import dump_config, load_config
from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.diagnosis.logs.formats.own.run_directory import read_run
from dlpractice.diagnosis.remedies import list_remedies
from dlpractice.errors import RunError
from dlpractice.paths import is_file
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.diagnose.budget import count_steps, match_steps
from dlpractice.recipes.diagnose.next_config import top_remedy
from dlpractice.recipes.diagnose.validation_answers import (
    compare_answers,
    describe_answers,
    refuse_changed_data,
    rescore,
)
from dlpractice.recipes.finetune import finetune
from dlpractice.recipes.oneshot import oneshot
from dlpractice.recipes.run.continuation import has_config, recorded_precision
from dlpractice.recipes.run.member_runs import train_members
from dlpractice.runs.answers import read_answers, read_mean_answers
from dlpractice.runs.comparison_folder import Trial
from dlpractice.runs.directory import CONFIG, RunDirectory

Trained = Finetune | Oneshot
REMEDY, RANDOM = "remedy", "random"


@dataclass(frozen=True)
class Arm:
    """One of the changes that are tried. overrides: what was advised; config: the run's with them, and for
    the random arm with as many epochs as make the steps equal."""

    name: str
    remedy: str
    overrides: tuple[str, ...]
    config: Trained


def run(
    path: Path,
    findings: Sequence[Mapping[str, Any]],
    trial: Trial,
    *,
    seeds: int = 1,
    draw: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Trains the run in `path` anew with the top remedy of `findings` and with a random other one.

    Args:
        path: a finished run directory, which is only read.
        findings: those of `dlp diagnose --json` on it, the worst first.
        trial: where the new runs go; those that are finished in there are kept.
        seeds: how many each arm is trained with, from the run's own on.
        draw: the seed by which the random remedy is drawn.

    Returns what trial.json holds. Raises RunError where the run is no finished one of ours, no finding has a
    remedy to be tried, or the data have changed, and DlpError as the recipes do.
    """
    progress = progress or Silent()
    source = _require_finished(path)
    top, arms = plan_arms(source, findings, draw)
    _refuse_other_trial(trial, arms, seeds)
    config = _load(path)
    refuse_changed_data(config, source, progress)
    train_arms(arms, range(config.seed, config.seed + seeds), source, trial, progress)
    document = {
        "run": str(path),
        "folder": str(trial.path),
        "command": config.command,
        "finding": top["name"],
        "seeds": [config.seed + number for number in range(seeds)],
        "draw": draw,
        **_tabulate(config, source, arms, seeds, trial),
    }
    trial.write_table(document)
    return document


def _require_finished(path: Path) -> RunDirectory:
    if not is_file(path / CONFIG):
        raise RunError(
            f"{path} is no run of `dlp`: a log tells of a training, but cannot repeat it",
            "--try needs a run directory of `dlp finetune` or `dlp oneshot`",
        )
    source = RunDirectory.read(path)
    if not source.is_finished:
        raise RunError(f"{path} has not finished", "finish it with --resume, then try remedies")
    return source


def plan_arms(
    source: RunDirectory, findings: Sequence[Mapping[str, Any]], draw: int
) -> tuple[Mapping[str, Any], list[Arm]]:
    """The finding that is acted upon, and the arms: the remedy, and the random one if there is another.

    Raises RunError where no finding has a remedy to be tried.
    """
    path = source.path
    top = top_remedy(findings, str(path))
    arm = Arm(REMEDY, top["remedy"], tuple(top["overrides"]), _load(path, top["overrides"]))
    others = list_others(source, arm.config)
    return top, [arm, random.Random(draw).choice(others)] if others else [arm]


def list_others(source: RunDirectory, remedy: Trained) -> list[Arm]:
    """What else could be changed in the config of a run, at the steps of the config `remedy`."""
    facts, steps = read_run(source.path).run, count_steps(remedy, source)
    assert facts is not None
    # At equal steps `more epochs` is the run as it was, or the remedy itself.
    known = [dump_config(remedy), dump_config(match_steps(_load(source.path), steps, source))]
    arms = [
        Arm(RANDOM, name, overrides, match_steps(_load(source.path, overrides), steps, source))
        for name, overrides in list_remedies(facts).items()
    ]
    return [arm for arm in arms if dump_config(arm.config) not in known]


def _load(path: Path, overrides: Sequence[str] = ()) -> Trained:
    config = load_config(str(path / CONFIG), overrides)
    assert isinstance(config, Finetune | Oneshot)  # the commands whose runs keep a config
    return config


def _refuse_other_trial(trial: Trial, arms: Sequence[Arm], seeds: int) -> None:
    """Raises RunError where runs of other remedies stand in the way."""
    for arm in arms:
        for seed in range(arm.config.seed, arm.config.seed + seeds):
            path = trial.run_path(arm.name, seed)
            own = arm.config.model_copy(update={"seed": seed})
            if is_file(path / CONFIG) and not has_config(RunDirectory.read(path), own):
                raise RunError(
                    f"{path} was trained to try another remedy", "give a --run-dir that is not used yet"
                )


def train_arms(
    arms: Sequence[Arm], seeds: Sequence[int], source: RunDirectory, trial: Trial, progress: Progress
) -> None:
    """The runs of all arms, in the precision of the run that they are compared with."""
    auto = recorded_precision(source)

    def train(config: Trained, run: RunDirectory) -> None:
        if isinstance(config, Finetune):
            finetune.run(config, run, progress, auto, score_test=False)
        else:
            oneshot.run(config, run, progress, auto, score_test=False)

    for arm in arms:
        progress.say(f"{arm.name}: {' '.join(arm.overrides)}")
    train_members({arm.name: arm.config for arm in arms}, seeds, trial, train, progress)


def _tabulate(
    config: Trained, source: RunDirectory, arms: Sequence[Arm], seeds: int, trial: Trial
) -> dict[str, Any]:
    """The rows of the run as it was and of the arms, and the paired differences of the remedy to both."""
    # A one-shot run kept its answers on test, and not those on validation.
    before = read_answers(source, "validation") if isinstance(config, Finetune) else rescore(config, source)
    rows = {"before": {"overrides": [], **_describe_runs([source]), **describe_answers(before)}}
    answers = {}
    for arm in arms:
        runs = trial.members(arm.name, range(config.seed, config.seed + seeds))
        answers[arm.name] = read_mean_answers(runs, "validation")
        rows[arm.name] = {
            "remedy": arm.remedy,
            "overrides": list(arm.overrides),
            "epochs": arm.config.training.epochs,
            **_describe_runs(runs),
            **describe_answers(answers[arm.name]),
            "runs": [str(member.path.relative_to(trial.path)) for member in runs],
        }
    other = answers.get(RANDOM)
    return {
        **rows,
        RANDOM: rows.get(RANDOM),
        "to_before": compare_answers(answers[REMEDY], before),
        "to_random": None if other is None else compare_answers(answers[REMEDY], other),
    }


def _describe_runs(runs: Sequence[RunDirectory]) -> dict[str, Any]:
    """Optimiser steps and seconds of a run, on the average."""
    steps = [sum({row["stage"]: row["step"] for row in run.metrics()}.values()) for run in runs]
    seconds = [run.summary()["seconds"] for run in runs]
    return {"steps": round(sum(steps) / len(runs)), "seconds": sum(seconds) / len(runs)}
