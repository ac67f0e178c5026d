"""Which processes train together, as Kubeflow and Vertex (by `TF_CONFIG`) or SLURM tell each of them.

All processes run the same command. The first is the chief: only the chief writes the run directory and prints
messages. SLURM's variables are read here, and not by TensorFlow's `SlurmClusterResolver`, because that one
needs TensorFlow before it is known which process may write, hands out GPUs by itself, and fixes the port.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dlpractice.errors import HardwareError

# It kills only the process that started it. If that one has ended, its number may belong to another process.
_WATCH = """
import os, signal, sys, time
time.sleep(float(sys.argv[2]))
if os.getppid() == int(sys.argv[1]):
    sys.stderr.write(sys.argv[3])
    sys.stderr.flush()
    os.kill(int(sys.argv[1]), signal.SIGKILL)
"""
_HINT = "see docs/several-devices.md; unset TF_CONFIG to train on this machine alone"
_SLURM_HINT = "start it with `srun`, one task for each worker; see docs/several-devices.md"
_LOST = {
    "AbortedError",
    "CancelledError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "UnavailableError",
}
# These lie below the range from which systems hand out ports by themselves.
_FIRST_PORT, _PORTS = 12_000, 18_000
_LAST_PORT = 65_535
# A short form such as n[0-999999999] stands for more names than memory holds.
_MOST = 10_000


@dataclass(frozen=True)
class Cluster:
    """Processes that train together.

    Args:
        addresses: the `host:port` of each process, the chief's first.
        index: the place of this process among them.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run directory and prints messages."""
        return self.index == 0


def find_cluster(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """The cluster that this process belongs to, by `TF_CONFIG` or else by a step of SLURM; None if it trains
    alone.

    Raises:
        HardwareError: the variables are damaged or incomplete, or ask for what cannot be done here.
    """
    if environment.get("TF_CONFIG", "").strip():
        return _at_least_two(_read_tf_config(environment["TF_CONFIG"]))
    if "SLURM_STEP_NUM_TASKS" in environment:
        return _at_least_two(_read_slurm(environment))
    return None


def refuse_cluster(asked: str) -> None:
    """Refuses several runs in one command if this process is one of several workers.

    Args:
        asked: what the user asked for, as the message names it.

    Raises:
        HardwareError: this process is one of several workers.
    """
    if find_cluster() is not None:
        raise HardwareError(
            f"{asked} trains runs that know nothing of each other, and this job has several workers",
            "start each run as a job of its own, or the comparison on one machine",
        )


@contextmanager
def reporting_lost_workers(cluster: Cluster | None) -> Iterator[None]:
    """Inside the block, an error by which TensorFlow says that another worker is lost becomes a
    HardwareError."""
    if cluster is None:
        yield
        return
    try:
        yield
    except Exception as error:
        # The errors are known by name, because TensorFlow may not be imported here.
        if type(error).__name__ not in _LOST:
            raise
        told = re.findall(r"/task:(\d+)", str(error))
        others = [number for number in told if int(number) != cluster.index]
        who = f"worker {others[-1]}" if others else "another worker"
        raise HardwareError(
            f"{who} of {len(cluster.addresses)} has gone, and worker {cluster.index} cannot go on alone",
            "see what that worker said; then start the whole job again with --resume",
        ) from error


@contextmanager
def giving_up_after(seconds: float, cluster: Cluster) -> Iterator[None]:
    """Kills this process, with a message, if the block takes longer than `seconds` to join the other workers.

    TensorFlow waits for them in a call that blocks Python's other threads and its signals, and TensorFlow's
    own timeout was not seen to end it. So another process counts the seconds.
    """
    message = (
        f"error: worker {cluster.index} of {len(cluster.addresses)} has waited {seconds:.0f} s for the rest\n"
        "hint: see what they said; all of them must be started and reach each other at "
        f"{', '.join(cluster.addresses)}\n"
    )
    arguments = [sys.executable, "-c", _WATCH, str(os.getpid()), str(seconds), message]
    watchdog = subprocess.Popen(arguments, stderr=_terminal())
    try:
        yield
    finally:
        watchdog.kill()
        watchdog.wait()


def _terminal() -> int | None:
    """What Python's own messages go to; file descriptor 2, which is None here, may be held back meanwhile."""
    try:
        return sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _at_least_two(cluster: Cluster) -> Cluster | None:
    return cluster if len(cluster.addresses) > 1 else None


def _read_tf_config(text: str) -> Cluster:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise HardwareError(f"TF_CONFIG is not JSON: {error.msg} at character {error.pos}", _HINT) from None
    except (ValueError, RecursionError):
        raise HardwareError("TF_CONFIG nests too deeply, or has numbers too long", _HINT) from None
    jobs, task = _member(document, "cluster"), _member(document, "task")
    if unknown := sorted(set(jobs) - {"chief", "worker"}):
        raise HardwareError(
            f"TF_CONFIG's cluster has the job {unknown[0]}; jobs may be chief and worker",
            "start only workers, one of which may be called chief: there are no parameter servers here, and "
            "the workers evaluate",
        )
    for name, members in jobs.items():
        if not isinstance(members, list):
            raise HardwareError(f"TF_CONFIG: cluster.{name} must be a list of host:port", _HINT)
        if wrong := next((one for one in members if not _is_address(one)), None):
            raise HardwareError(
                f"TF_CONFIG: cluster.{name} must be a list of host:port, with ports from 1 to {_LAST_PORT}; "
                f"got {str(wrong)[:80]!r}",
                _HINT,
            )
    kind, index = task.get("type"), task.get("index")
    if (
        not isinstance(kind, str)
        or kind not in jobs
        or type(index) is not int
        or not 0 <= index < len(jobs[kind])
    ):
        raise HardwareError(
            f"TF_CONFIG: task {kind!r} {index!r} is none of the cluster's: "
            + ", ".join(f"{name} 0 to {len(members) - 1}" for name, members in jobs.items()),
            _HINT,
        )
    addresses = [*jobs.get("chief", []), *jobs.get("worker", [])]
    before = len(jobs.get("chief", [])) if kind == "worker" else 0
    return _checked(addresses, before + index)


def _member(document: Any, key: str) -> dict[str, Any]:
    value = document.get(key) if isinstance(document, dict) else None
    if not isinstance(value, dict) or not value:
        raise HardwareError(f"TF_CONFIG lacks {key}", _HINT)
    return value


def _is_address(one: object) -> bool:
    host, _, port = one.rpartition(":") if isinstance(one, str) else ("", "", "")
    return bool(host) and re.fullmatch("[0-9]{1,5}", port) is not None and 0 < int(port) <= _LAST_PORT


def _checked(addresses: Sequence[str], index: int) -> Cluster:
    if len(addresses) > _MOST:
        raise HardwareError(
            f"the job has {len(addresses):,} workers; at most {_MOST:,} train together", _HINT
        )
    if twice := next((one for one, number in Counter(addresses).items() if number > 1), None):
        raise HardwareError(f"two workers have the address {twice}", _HINT)
    return Cluster(tuple(addresses), index)


def _read_slurm(environment: Mapping[str, str]) -> Cluster:
    names = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE")
    if absent := [name for name in (*names, "SLURM_JOB_ID") if not environment.get(name)]:
        raise HardwareError(f"a step of SLURM without {', '.join(absent)}", _SLURM_HINT)
    rank, count, nodes, per_node = (environment[name] for name in names)
    try:
        hosts, tasks = expand_nodes(nodes), expand_tasks(per_node)
        first = _FIRST_PORT + int(environment["SLURM_JOB_ID"]) % _PORTS
        if sum(tasks) > _MOST:
            raise ValueError(f"there are more than {_MOST:,} tasks")
        if len(hosts) != len(tasks) or sum(tasks) != int(count) or not 0 <= int(rank) < int(count):
            raise ValueError("the numbers of nodes and tasks do not fit each other")
    except ValueError as error:
        given = f"task {rank[:40]} of {count[:40]}, {per_node[:80]} on {nodes[:80]}"
        raise HardwareError(f"SLURM's variables cannot be read: {error} ({given})", _SLURM_HINT) from None
    addresses = [
        f"{host}:{first + task}" for host, number in zip(hosts, tasks, strict=True) for task in range(number)
    ]
    return _checked(addresses, int(rank))


def expand_nodes(text: str) -> list[str]:
    """SLURM's short form of a list of nodes, such as `gpu[01-03,7],head` -> their names, in order.

    Raises:
        ValueError: `text` is no such list, or stands for too many nodes.
    """
    parts = re.findall(r"(?:[^,\[\]]|\[[^\[\]]*\])+", text)
    if ",".join(parts) != text:
        raise ValueError(f"{text[:80]!r} is no list of nodes")
    names: list[str] = []
    for part in parts:
        names += _expand_node(part, _MOST - len(names))
    return names


def _expand_node(part: str, most: int) -> list[str]:
    names = [""]
    for fixed, ranges in re.findall(r"([^\[\]]+)|\[([^\[\]]*)\]", part):
        ends = [fixed] if fixed else _expand_ranges(ranges, most)
        if len(names) * len(ends) > most:
            raise ValueError(f"there are more than {_MOST:,} nodes")
        names = [name + end for name in names for end in ends]
    return names


def _expand_ranges(text: str, most: int) -> list[str]:
    """`01-03,7` -> 01, 02, 03, 7."""
    numbers: list[str] = []
    for span in text.split(","):
        found = re.fullmatch("([0-9]{1,18})(?:-([0-9]{1,18}))?", span)
        if found is None:
            raise ValueError(f"{span[:40]!r} is no range of numbers")
        low, high = int(found[1]), int(found[2] or found[1])
        if len(numbers) + high - low >= most:
            raise ValueError(f"there are more than {_MOST:,} nodes")
        numbers += [str(number).zfill(len(found[1])) for number in range(low, high + 1)]
    return numbers


def expand_tasks(text: str) -> list[int]:
    """SLURM's short form of tasks per node, such as `2(x3),1` -> [2, 2, 2, 1].

    Raises:
        ValueError: `text` is no such list, or stands for too many nodes.
    """
    counts: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"([0-9]{1,18})(?:\(x([0-9]{1,18})\))?", part)
        if found is None:
            raise ValueError(f"{part[:40]!r} is no number of tasks")
        repeated = int(found[2] or 1)
        if len(counts) + repeated > _MOST:
            raise ValueError(f"there are more than {_MOST:,} nodes")
        counts += [int(found[1])] * repeated
    return counts
