"""What a run records of its surroundings."""

import json
import platform
from importlib import metadata
from pathlib import Path

from dlpractice.recipes.run.environment import describe_environment
from dlpractice.runs.directory import RunDirectory


def test_the_record_of_a_run(finished_run: Path) -> None:
    environment = json.loads((finished_run / "environment.json").read_text())
    assert environment["versions"]["tensorflow"] == metadata.version("tensorflow")
    assert environment["seed"] == 0
    assert environment["precision"] == "float32"
    assert environment["devices"] == ["/CPU:0"]
    assert environment["weights"]["origin"] == "random"
    assert len(environment["data"]["digest"]) == 64


def test_the_record_of_a_one_shot_run(finished_oneshot_run: Path, tiny_alphabets: Path) -> None:
    run = RunDirectory.read(finished_oneshot_run)
    environment = run.environment()
    assert environment["data"]["root"] == str(tiny_alphabets)
    assert environment["weights"] == {"origin": "random", "digest": None}
    assert (environment["seed"], environment["precision"]) == (0, "float32")


def test_what_is_told_is_kept_beside_what_is_found() -> None:
    told = {"data": {"root": "here", "digest": "d"}, "weights": {"origin": "imagenet", "digest": None}}
    found = describe_environment(
        seed=7, devices=("/GPU:0", "/GPU:1"), replicas=4, precision=("bfloat16", {"float32": 2.0}), **told
    )
    assert found["versions"]["python"] == platform.python_version()
    assert {key: found[key] for key in told} == told
    assert (found["seed"], found["devices"], found["replicas"]) == (7, ["/GPU:0", "/GPU:1"], 4)
    assert found["precision"] == "bfloat16"
    assert found["precision_timings_seconds"] == {"float32": 2.0}
    assert json.loads(json.dumps(found)) == found


def test_the_digest_changes_with_a_label(finished_run: Path) -> None:
    import hashlib

    run = RunDirectory.read(finished_run)
    lines = sorted(f"{row['sha256']} {row['label']} {row['split']}\n" for row in run.splits())
    assert run.environment()["data"]["digest"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    lines[0] = lines[0].replace("cold", "warm") if "cold" in lines[0] else lines[0].replace("warm", "cold")
    assert run.environment()["data"]["digest"] != hashlib.sha256("".join(lines).encode()).hexdigest()
