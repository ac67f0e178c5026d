"""What tests of a finished one-shot run change about it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlpractice.runs.directory import RunDirectory


@pytest.fixture
def with_verdict(
    finished_oneshot_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., RunDirectory]:
    """Makes copies of the finished one-shot run, the net with another verdict."""

    def change(**verdict: Any) -> RunDirectory:
        from dlpractice.models.siamese import Verdict, build_siamese
        from dlpractice.recipes.oneshot.saved_siamese import load_siamese

        parts = load_siamese(RunDirectory.read(finished_oneshot_run)).siamese
        noted = {"slope": parts.verdict.slope, "intercept": parts.verdict.intercept, "side": 16} | verdict
        folder = tmp_path_factory.mktemp("changed") / "run"
        shutil.copytree(finished_oneshot_run, folder)
        whole = build_siamese(parts.encoder, parts.similarity, Verdict(**noted))
        whole.model.save(folder / "model.keras")
        return RunDirectory.read(folder)

    return change
