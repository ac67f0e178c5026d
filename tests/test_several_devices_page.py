"""The batch script and the TFJob of docs/several-devices.md: run as they stand, but for what they start."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from dlpractice.cli.main import app
from dlpractice.training.devices.cluster import Cluster, find_cluster

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "several-devices.md").read_text(encoding="utf-8")
# Stands for the program, and shows the words it was given.
DLP = '#!/bin/sh\nprintf "%s\\n" "$@"\n'
SRUN = '#!/bin/sh\nwhile case $1 in -*) true;; *) false;; esac; do shift; done\nexec "$@"\n'


def block(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(block("yaml"))
    return document


@pytest.fixture(scope="module")
def container(job: dict[str, Any]) -> dict[str, Any]:
    (found,) = job["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]["containers"]
    return dict(found)


def words_of(command: list[str], folder: Path) -> list[str]:
    """What `command` gives to `dlp`."""
    (programs := folder / "programs").mkdir(exist_ok=True)
    for name, text in (("dlp", DLP), ("srun", SRUN)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "USER": "somebody"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def parse(words: list[str]) -> dict[str, Any]:
    """What our own command line makes of them; it fails on words that it does not know."""
    command: Any = typer.main.get_command(app)
    name, *rest = words
    context = command.commands[name].make_context(name, rest)
    return dict(context.params)


def check_start_and_restart(command: list[str], run: Path, folder: Path) -> None:
    first = parse(words_of(command, folder))
    assert (first["config"], first["run_dir"], first["resume"]) == ("cats-dogs", run, False)
    assert not first["overrides"]
    run.mkdir(parents=True)
    (run / "config.yaml").touch()
    assert parse(words_of(command, folder)) == first | {"resume": True}


def test_the_batch_script_starts_and_goes_on(tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text(block("bash").replace("/shared", str(tmp_path)))
    check_start_and_restart(["bash", str(script)], tmp_path / "runs" / "cats-dogs", tmp_path)


def test_a_pod_starts_and_goes_on(container: dict[str, Any], tmp_path: Path) -> None:
    (script,) = container["args"]
    command = [*container["command"], script.replace("/runs", f"{tmp_path}/runs")]
    check_start_and_restart(command, tmp_path / "runs" / "cats-dogs", tmp_path)


def test_pods_find_each_other(job: dict[str, Any], container: dict[str, Any]) -> None:
    # As the operator writes TF_CONFIG: a service for each replica, at the port that is called tfjob-port.
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    name, replicas = job["metadata"]["name"], job["spec"]["tfReplicaSpecs"]
    assert list(replicas) == ["Worker"]
    addresses = [
        f"{name}-worker-{index}.default.svc:{ports['tfjob-port']}"
        for index in range(replicas["Worker"]["replicas"])
    ]
    for index in range(len(addresses)):
        task = {"type": "worker", "index": index}
        told = {"cluster": {"worker": addresses}, "task": task, "environment": "cloud"}
        assert find_cluster({"TF_CONFIG": json.dumps(told)}) == Cluster(tuple(addresses), index)


def test_the_job_has_the_fields_that_the_operator_reads(
    job: dict[str, Any], container: dict[str, Any]
) -> None:
    # Kubeflow's training operator, API kubeflow.org/v1; other names it would refuse, or not find.
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v1", "TFJob")
    assert set(job["spec"]) == {"runPolicy", "tfReplicaSpecs"}
    assert set(job["spec"]["runPolicy"]) <= {"cleanPodPolicy", "backoffLimit", "activeDeadlineSeconds"}
    assert job["spec"]["runPolicy"]["cleanPodPolicy"] in {"All", "Running", "None"}
    worker = job["spec"]["tfReplicaSpecs"]["Worker"]
    assert set(worker) == {"replicas", "restartPolicy", "template"}
    # ExitCode would take status 1, which the other workers end with, for a fault that is there to stay.
    assert worker["restartPolicy"] == "OnFailure"
    # Every worker that starts again counts.
    assert job["spec"]["runPolicy"]["backoffLimit"] > worker["replicas"]
    assert container["name"] == "tensorflow"


def test_what_a_pod_mounts_is_there(job: dict[str, Any], container: dict[str, Any]) -> None:
    pod = job["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
    assert {variable["name"] for variable in container["env"]} == {"DLP_DATA_DIR", "DLP_CACHE_DIR"}
    for variable in container["env"]:
        assert variable["value"].startswith(tuple(mounts.values()))
