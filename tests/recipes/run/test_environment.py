"""What a run records of its surroundings."""

import json
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from dlpractice.recipes.run import environment
from dlpractice.recipes.run.environment import describe_environment
from dlpractice.runs.directory import RunDirectory


def test_the_record_of_a_run(finished_run: Path) -> None:
    recorded = json.loads((finished_run / "environment.json").read_text())
    assert recorded["versions"]["tensorflow"] == metadata.version("tensorflow")
    assert recorded["seed"] == 0
    assert recorded["precision"] == "float32"
    assert recorded["devices"] == ["/CPU:0"]
    assert recorded["weights"]["origin"] == "random"
    assert len(recorded["data"]["digest"]) == 64


def test_the_record_of_a_one_shot_run(finished_oneshot_run: Path, tiny_alphabets: Path) -> None:
    run = RunDirectory.read(finished_oneshot_run)
    recorded = run.environment()
    assert recorded["data"]["root"] == str(tiny_alphabets)
    assert recorded["weights"] == {"origin": "random", "digest": None}
    assert (recorded["seed"], recorded["precision"]) == (0, "float32")


def test_what_is_told_is_kept_beside_what_is_found() -> None:
    told: dict[str, Any] = {"data": {"root": "here", "digest": "d"}, "deterministic": False}
    told["weights"] = {"origin": "imagenet", "digest": None}
    found = describe_environment(
        seed=7, devices=("/GPU:0", "/GPU:1"), replicas=4, precision=("bfloat16", {"float32": 2.0}), **told
    )
    assert found["versions"]["python"] == platform.python_version()
    assert {key: found[key] for key in told} == told
    assert (found["seed"], found["devices"], found["replicas"]) == (7, ["/GPU:0", "/GPU:1"], 4)
    assert found["precision"] == "bfloat16"
    assert found["precision_timings_seconds"] == {"float32": 2.0}
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("failure", [OSError("no /proc"), KeyError("Version"), UnicodeError("half a name")])
def test_what_cannot_be_found_out_is_null(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise failure

    for module, name in (
        (metadata, "version"),
        (platform, "platform"),
        (platform, "processor"),
        (platform, "machine"),
        (environment, "describe_commit"),
    ):
        monkeypatch.setattr(module, name, fail)
    monkeypatch.setitem(sys.modules, "sklearn", None)  # type: ignore[arg-type]
    told: dict[str, Any] = {"deterministic": True, "data": {}, "weights": {}}
    found = describe_environment(seed=0, devices=(), replicas=1, precision=("float32", {}), **told)
    assert (found["platform"], found["processor"], found["git"]) == (None, None, None)
    assert found["versions"]["scikit-learn"] is None
    # A build that is installed by another name, such as `tensorflow-cpu`, says its version itself.
    assert found["versions"]["numpy"] == np.__version__
    assert json.loads(json.dumps(found)) == found


def test_the_digest_changes_with_a_label(finished_run: Path) -> None:
    import hashlib

    run = RunDirectory.read(finished_run)
    lines = sorted(f"{row['sha256']} {row['label']} {row['split']}\n" for row in run.splits())
    assert run.environment()["data"]["digest"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    lines[0] = lines[0].replace("cold", "warm") if "cold" in lines[0] else lines[0].replace("warm", "cold")
    assert run.environment()["data"]["digest"] != hashlib.sha256("".join(lines).encode()).hexdigest()
