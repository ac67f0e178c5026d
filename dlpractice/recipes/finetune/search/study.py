"""The trials of a search that have ended, kept by Optuna in a SQLite file; the next one follows from them.

A trial is added in one transaction when it has ended. The one that is under way is in its run directory
alone, so
that a killed search finds it again there: what trial n tries depends on the seed, n and the trials before it.
"""

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from dlpractice.config.search_space import Choices, Range
from dlpractice.errors import RunError

_NAME, _PLAN, _TEXTS = "search", "plan", "setting"


@dataclass(frozen=True)
class EndedTrial:
    """A trial that has ended.

    setting: the text of each key. score: see `score_epochs`; scores: by epoch, counted from 1 over all
    stages.
    is_pruned: whether it was given up.
    """

    number: int
    setting: Mapping[str, str]
    score: float
    scores: Mapping[int, float]
    is_pruned: bool


class Study:
    """Optuna's study of a search."""

    def __init__(self, path: Path, parts: Mapping[str, Range | Choices], seed: int, plan: str) -> None:
        """Opens the study in the file `path`, or begins one.

        Args:
            parts: what is searched.
            seed: of the draws.
            plan: what the search is about; a study of another plan is not gone on with.

        Raises:
            RunError: the file is damaged or cannot be written, or is of another plan.
        """
        self._path, self._seed = path, seed
        self._parts = parts
        self._distributions = {key: _distribute(part) for key, part in parts.items()}
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        _refuse_damaged(path)
        try:
            # By a function and not by an address, in which a ? or # of the path would mean something else.
            storage = optuna.storages.RDBStorage(
                "sqlite://", engine_kwargs={"creator": lambda: sqlite3.connect(path)}
            )
            self._study = optuna.create_study(storage=storage, study_name=_NAME, load_if_exists=True)
            known = self._study.user_attrs.get(_PLAN)
            if known is None:
                self._study.set_user_attr(_PLAN, plan)
        except optuna.exceptions.StorageInternalError as error:
            raise RunError(
                f"{path} cannot be written: {error}", "make room, and go on with --resume"
            ) from error
        if known not in (None, plan):
            raise RunError(
                f"{path.parent} holds a search of another config, or over other ranges",
                "go on with the config, overrides and --over that it began with, or give another --run-dir",
            )

    @property
    def trials(self) -> list[EndedTrial]:
        """The trials that have ended, in their order."""
        return [
            EndedTrial(
                found.number,
                json.loads(found.user_attrs[_TEXTS]),
                found.user_attrs["score"],
                found.intermediate_values,
                found.state == optuna.trial.TrialState.PRUNED,
            )
            for found in self._study.get_trials(deepcopy=False)
        ]

    def suggest(self) -> dict[str, Any]:
        """What the next trial tries: a value for each key."""
        before = self._study.get_trials()
        digest = hashlib.sha256(f"{self._seed}:{len(before)}".encode()).digest()
        sampler = optuna.samplers.TPESampler(seed=int.from_bytes(digest[:4], "big"))
        copy = optuna.create_study(sampler=sampler)
        copy.add_trials(before)
        return dict(copy.ask(self._distributions).params)

    def write(self, values: Mapping[str, Any]) -> dict[str, str]:
        """The values of a trial as overrides write them."""
        parts = self._parts
        return {
            key: part.write(value) if isinstance(part := parts[key], Range) else value
            for key, value in values.items()
        }

    def keep(
        self, values: Mapping[str, Any], score: float, scores: Sequence[float], *, is_pruned: bool
    ) -> None:
        """Adds the trial of `values`, which has ended. scores: after each epoch.

        Raises:
            RunError: the file cannot be written.
        """
        state = optuna.trial.TrialState.PRUNED if is_pruned else optuna.trial.TrialState.COMPLETE
        ended = optuna.trial.create_trial(
            state=state,
            value=None if is_pruned else score,
            params=dict(values),
            distributions=self._distributions,
            user_attrs={_TEXTS: json.dumps(self.write(values)), "score": score},
            intermediate_values=dict(enumerate(scores, 1)),
        )
        try:
            self._study.add_trial(ended)
        except optuna.exceptions.StorageInternalError as error:
            raise RunError(
                f"{self._path} cannot be written: {error}", "make room, and go on with --resume"
            ) from error


def _distribute(part: Range | Choices) -> optuna.distributions.BaseDistribution:
    if not isinstance(part, Range):
        return optuna.distributions.CategoricalDistribution(part)
    if part.is_whole:
        return optuna.distributions.IntDistribution(int(part.low), int(part.high), log=part.is_log)
    return optuna.distributions.FloatDistribution(part.low, part.high, log=part.is_log)


def _refuse_damaged(path: Path) -> None:
    """Raises RunError where the file is there and no SQLite database."""
    try:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA quick_check").fetchall()
    except sqlite3.Error as error:
        raise RunError(
            f"{path} cannot be read as a study: {error}", "restore it from a copy, or give another --run-dir"
        ) from error
    finally:
        connection.close()
