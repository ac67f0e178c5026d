"""The commit that the package runs from."""

import subprocess

import pytest

from dlpractice.runs import commit


@pytest.mark.parametrize("failure", [FileNotFoundError("git"), subprocess.TimeoutExpired("git", 5)])
def test_without_git_there_is_no_commit(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise failure

    monkeypatch.setattr(commit.subprocess, "run", fail)
    assert commit.describe_commit() is None
