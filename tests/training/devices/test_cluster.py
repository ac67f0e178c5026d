"""What TF_CONFIG and SLURM say of who trains together, and what is refused."""

import json
from typing import Any

import pytest

from dlpractice.errors import HardwareError
from dlpractice.training.devices.cluster import (
    Cluster,
    expand_nodes,
    expand_tasks,
    find_cluster,
    refuse_cluster,
    reporting_lost_workers,
)

WORKERS = ["a:1", "b:1", "c:1"]
STEP = {
    "SLURM_JOB_ID": "18005",
    "SLURM_PROCID": "2",
    "SLURM_STEP_NUM_TASKS": "3",
    "SLURM_STEP_NODELIST": "gpu[08-09]",
    "SLURM_STEP_TASKS_PER_NODE": "2,1",
}


def read(cluster: Any, task: Any) -> Cluster | None:
    return find_cluster({"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})})


def test_a_process_without_variables_trains_alone() -> None:
    assert find_cluster({}) is None
    assert find_cluster({"TF_CONFIG": " "}) is None
    assert read({"worker": ["a:1"]}, {"type": "worker", "index": 0}) is None
    # In a batch script, outside of a step, these are set too.
    assert find_cluster({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}) is None


def test_the_first_worker_is_the_chief() -> None:
    first = read({"worker": WORKERS}, {"type": "worker", "index": 0})
    assert first == Cluster(("a:1", "b:1", "c:1"), 0)
    assert first is not None and first.is_chief
    last = read({"worker": WORKERS}, {"type": "worker", "index": 2})
    assert last is not None and last.index == 2 and not last.is_chief


def test_a_chief_comes_before_the_workers() -> None:
    jobs = {"worker": ["b:1", "c:1"], "chief": ["a:1"]}
    assert read(jobs, {"type": "chief", "index": 0}) == Cluster(("a:1", "b:1", "c:1"), 0)
    assert read(jobs, {"type": "worker", "index": 1}) == Cluster(("a:1", "b:1", "c:1"), 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "TF_CONFIG is not JSON"),
        ("[]", "TF_CONFIG lacks cluster"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}}', "TF_CONFIG lacks task"),
        ('{"task": {"type": "worker", "index": 0}}', "TF_CONFIG lacks cluster"),
    ],
)
def test_a_damaged_tf_config_is_refused(text: str, message: str) -> None:
    with pytest.raises(HardwareError, match=message):
        find_cluster({"TF_CONFIG": text})


@pytest.mark.parametrize(
    ("cluster", "task", "message"),
    [
        ({"worker": WORKERS}, {"type": "worker", "index": 3}, "task 'worker' 3 is none.*worker 0 to 2"),
        ({"worker": WORKERS}, {"type": "worker", "index": "1"}, "task 'worker' '1' is none"),
        ({"worker": WORKERS}, {"type": "chief", "index": 0}, "task 'chief' 0 is none"),
        ({"worker": WORKERS}, {"type": "worker"}, "task 'worker' None is none"),
        ({"worker": "a:1"}, {"type": "worker", "index": 0}, "must be a list of host:port"),
        ({"worker": ["a", "b"]}, {"type": "worker", "index": 0}, "must be a list of host:port"),
        ({"worker": ["a:1", "b:65536"]}, {"type": "worker", "index": 0}, "ports from 1 to 65535.*b:65536"),
        ({"worker": ["a:1", "b:0"]}, {"type": "worker", "index": 0}, "ports from 1 to 65535"),
        ({"worker": ["a:1", "b:" + "9" * 5000]}, {"type": "worker", "index": 0}, "ports from 1 to 65535"),
        ({"worker": WORKERS}, {"type": ["worker"], "index": 0}, "is none of the cluster's"),
        ({"worker": [f"a:{n}" for n in range(1, 10_002)]}, {"type": "worker", "index": 0}, "10,001 workers"),
        ({"worker": ["a:1", "a:1"]}, {"type": "worker", "index": 0}, "two workers have the address a:1"),
        ({"worker": WORKERS, "ps": ["d:1"]}, {"type": "worker", "index": 0}, "has the job ps"),
    ],
)
def test_a_tf_config_that_does_not_fit_is_refused(cluster: Any, task: Any, message: str) -> None:
    with pytest.raises(HardwareError, match=message):
        read(cluster, task)


def test_a_step_of_slurm_is_a_cluster() -> None:
    # Two tasks on the first node have a port each; both nodes count from the same.
    assert find_cluster(STEP) == Cluster(("gpu08:12005", "gpu08:12006", "gpu09:12005"), 2)
    assert (
        find_cluster(
            STEP
            | {
                "SLURM_STEP_NUM_TASKS": "1",
                "SLURM_PROCID": "0",
                "SLURM_STEP_NODELIST": "n1",
                "SLURM_STEP_TASKS_PER_NODE": "1",
            }
        )
        is None
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SLURM_PROCID", "", "without SLURM_PROCID"),
        ("SLURM_PROCID", "3", "do not fit"),
        ("SLURM_STEP_NUM_TASKS", "4", "do not fit"),
        ("SLURM_STEP_TASKS_PER_NODE", "3", "do not fit"),
        ("SLURM_STEP_TASKS_PER_NODE", "2,x", "'x' is no number of tasks"),
        ("SLURM_STEP_NODELIST", "gpu[08-09", "is no list of nodes"),
        ("SLURM_STEP_NODELIST", "gpu[0-999999999]", "more than 10,000 nodes"),
        ("SLURM_STEP_NODELIST", "n[0-9999],m[0-9999]", "more than 10,000 nodes"),
        ("SLURM_STEP_NODELIST", "n" + "[0-9]" * 5, "more than 10,000 nodes"),
        ("SLURM_STEP_NODELIST", "n" + "[1]" * 3000, "do not fit"),
        ("SLURM_STEP_NODELIST", f"n[{'1' * 5000}]", "is no range of numbers"),
        ("SLURM_STEP_TASKS_PER_NODE", "1(x999999999999)", "more than 10,000 nodes"),
        ("SLURM_STEP_TASKS_PER_NODE", "999999999999,1", "more than 10,000 tasks"),
    ],
)
def test_a_half_set_step_is_refused(name: str, value: str, message: str) -> None:
    with pytest.raises(HardwareError, match=message):
        find_cluster(STEP | {name: value})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("n1", ["n1"]),
        ("n[1-2],m5,o[3-4,6]", ["n1", "n2", "m5", "o3", "o4", "o6"]),
        ("gpu[098-101]", ["gpu098", "gpu099", "gpu100", "gpu101"]),
        ("r[1-2]n[1-2]x", ["r1n1x", "r1n2x", "r2n1x", "r2n2x"]),
    ],
)
def test_names_of_nodes_are_written_out(text: str, names: list[str]) -> None:
    assert expand_nodes(text) == names


def test_tasks_per_node_are_written_out() -> None:
    assert expand_tasks("2(x3),1") == [2, 2, 2, 1]


def test_several_runs_are_no_job_for_several_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    refuse_cluster("a comparison")
    job = {"cluster": {"worker": WORKERS}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(job))
    with pytest.raises(HardwareError, match="a comparison trains runs"):
        refuse_cluster("a comparison")


def test_a_lost_worker_is_an_error_that_names_it() -> None:
    class UnavailableError(Exception):
        pass

    cluster = Cluster(("a:1", "b:1", "c:1"), 0)
    with (
        pytest.raises(HardwareError, match="worker 2 of 3 has gone, and worker 0"),
        reporting_lost_workers(cluster),
    ):
        raise UnavailableError("from /job:worker/replica:0/task:0: remote /job:worker/replica:0/task:2 reset")
    with pytest.raises(ZeroDivisionError), reporting_lost_workers(cluster):
        raise ZeroDivisionError
    with pytest.raises(UnavailableError), reporting_lost_workers(None):
        raise UnavailableError
