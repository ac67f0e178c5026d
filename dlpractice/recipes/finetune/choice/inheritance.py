"""The training of the chosen candidate becomes the run's own, so that nothing is trained twice."""

from collections.abc import Mapping
from typing import Any

from dlpractice.paths import is_folder
from dlpractice.runs.directory import CHECKPOINTS, RunDirectory
from dlpractice.runs.succession import take_over


def inherit(run: RunDirectory, choice: Mapping[str, Any]) -> None:
    """Takes over what the chosen candidate has trained in full, if it has and nothing of the run is trained
    yet, and drops the candidates' checkpoints, which nobody will go on with.

    The run then goes on as one that was killed at the end of its training: it ends with the bits that it
    would have had if it had trained by itself.

    choice: what choice.json has.
    """
    trained = run.path / (choice.get("run") or "")
    if choice.get("run") and is_folder(trained) and not run.is_prepared:
        take_over(run, RunDirectory.read(trained))
    for one in (one for row in choice.get("candidates", []) for one in row["rounds"]):
        if is_folder(run.path / one["run"] / CHECKPOINTS):
            with RunDirectory.resume(run.path / one["run"]) as opened:
                opened.drop_checkpoints()
