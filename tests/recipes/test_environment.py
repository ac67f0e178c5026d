"""What a run records of its surroundings."""

import json
from importlib import metadata
from pathlib import Path

from dlpractice.runs.directory import RunDirectory


def test_the_record_of_a_run(finished_run: Path) -> None:
    environment = json.loads((finished_run / "environment.json").read_text())
    assert environment["versions"]["tensorflow"] == metadata.version("tensorflow")
    assert environment["seed"] == 0
    assert environment["precision"] == "float32"
    assert environment["devices"] == ["/CPU:0"]
    assert environment["weights"]["origin"] == "random"
    assert len(environment["data"]["digest"]) == 64


def test_the_digest_changes_with_a_label(finished_run: Path) -> None:
    import hashlib

    run = RunDirectory.read(finished_run)
    lines = sorted(f"{row['sha256']} {row['label']} {row['split']}\n" for row in run.splits())
    assert run.environment()["data"]["digest"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    lines[0] = lines[0].replace("cold", "warm") if "cold" in lines[0] else lines[0].replace("warm", "cold")
    assert run.environment()["data"]["digest"] != hashlib.sha256("".join(lines).encode()).hexdigest()
