"""Where a model trains: `tf.distribute` for one device, for several, and for several machines; batches dealt
out to replicas.

A global batch is dealt out evenly, and the loss is divided by the global batch, never by a replica's part of
it: averaging the means of uneven parts, as `fit` does, gives other weights than one device would.
"""

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.errors import HardwareError
from dlpractice.training.devices.cluster import Cluster, giving_up_after

Devices = Literal["auto"] | int | Sequence[str]
"""Which devices: all GPUs or else the CPU, so many of them, or those named."""

JOIN_SECONDS = 600
"""How long the first worker waits for the last to start: images may have to be fetched to a new machine."""
SILENCE_SECONDS = 30
"""After how long a worker that says nothing is taken for lost. One that dies is noticed at once."""


class Placement:
    """A `tf.distribute.Strategy` with the operations that training needs of it.

    devices: this process's. cluster: the processes that train together; None for one alone. Where there are
    several, all of them call the same methods in the same order, and wait in those that say so.
    """

    def __init__(
        self, strategy: tf.distribute.Strategy, devices: tuple[str, ...], cluster: Cluster | None = None
    ) -> None:
        self.strategy = strategy
        self.devices = devices
        self.workers = len(cluster.addresses) if cluster else 1
        self._worker = cluster.index if cluster else 0

    @property
    def replicas(self) -> int:
        """How many copies of the model work on a batch, over all machines."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run directory."""
        return self._worker == 0

    def share(self, count: int) -> slice:
        """Which of `count` rows of a global batch are for this process; the others' shares have no row of
        them."""
        local = self.replicas // self.workers
        bounds = np.linspace(0, count, self.replicas + 1).astype(int)
        return slice(int(bounds[self._worker * local]), int(bounds[(self._worker + 1) * local]))

    def deal(self, batch: Sequence[Any]) -> tuple[Any, ...]:
        """Arrays of equal length, this process's share of a batch -> per-replica values that share them out,
        their sizes differing by one at most.

        Fewer rows than replicas are filled up with zeros at the end, because layers fail on an empty batch.
        An example whose weight and targets are zero leaves loss and gradients as they are.
        """
        local = self.replicas // self.workers
        if (lack := local - len(batch[0])) > 0:
            batch = [
                np.concatenate([array, np.zeros((lack, *array.shape[1:]), np.asarray(array).dtype)])
                for array in batch
            ]
        if self.replicas == 1:
            return tuple(tf.convert_to_tensor(array) for array in batch)
        bounds = np.linspace(0, len(batch[0]), local + 1).astype(int)

        def part_of(array: Any) -> Callable[[Any], Any]:
            def part(context: Any) -> Any:
                replica = context.replica_id_in_sync_group % local
                return tf.convert_to_tensor(array[bounds[replica] : bounds[replica + 1]])

            return part

        return tuple(
            self.strategy.experimental_distribute_values_from_function(part_of(array)) for array in batch
        )

    def collect(self, values: Any) -> NDArray[Any]:
        """Per-replica results -> one array, in the order in which the batch was dealt. Workers wait for each
        other, and all have the whole array."""
        if self.workers == 1:
            return np.concatenate(
                [value.numpy() for value in self.strategy.experimental_local_results(values)]
            )
        gathered: NDArray[Any] = self.strategy.gather(values, axis=0).numpy()
        return gathered

    def agree(self, value: Any) -> Any:
        """The chief's `value`, anything that JSON holds, on every worker: what is measured or read must not
        differ between them. Workers wait for each other."""
        if self.workers == 1:
            return value
        text = np.frombuffer(json.dumps(value).encode() if self.is_chief else b"", np.uint8)
        size = int(self.add_up(np.array([len(text)]))[0])
        padded = np.zeros(size, np.int32)
        padded[: len(text)] = text
        return json.loads(self.add_up(padded).astype(np.uint8).tobytes())

    def add_up(self, counts: NDArray[Any]) -> NDArray[np.int32]:
        """The sum of all workers' `counts`, whole numbers. Workers wait for each other."""
        if self.workers == 1:
            return counts.astype(np.int32)
        local = self.replicas // self.workers

        def own(context: Any) -> Any:
            first = context.replica_id_in_sync_group % local == 0
            return tf.constant(counts if first else np.zeros_like(counts), tf.int32)

        values = self.strategy.experimental_distribute_values_from_function(own)
        total: NDArray[np.int32] = self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None).numpy()
        return total


def place(devices: Devices = "auto", cluster: Cluster | None = None) -> Placement:
    """Chooses devices: all GPUs or else the CPU (`auto`), the first `devices` of them, or those named.

    Several are mirrored (`tf.distribute.MirroredStrategy`). With a `cluster`, the machines are joined first,
    which has to come before anything else that TensorFlow does; waits until all are there.

    Raises HardwareError, which lists what there is.
    """
    if cluster is not None:
        _choose_own(devices)
        strategy = _join(cluster)
        return Placement(strategy, tuple(_short(name) for name in strategy.extended.worker_devices), cluster)
    names = _choose(devices)
    if len(names) == 1:
        return Placement(tf.distribute.OneDeviceStrategy(names[0]), tuple(names))
    return Placement(_mirror(tuple(names)), tuple(names))


@cache
def _mirror(names: tuple[str, ...]) -> tf.distribute.Strategy:
    """One for all runs of a process: TensorFlow numbers what devices exchange from the same start for each
    strategy, and of two models of different size would take the one's exchange for the other's."""
    return tf.distribute.MirroredStrategy(names)


@cache
def _join(cluster: Cluster) -> tf.distribute.Strategy:
    """One for a process, which joins once.

    The time that a silent worker is waited for is TensorFlow's to know before it joins, and no public
    function tells it.
    """
    _set_timeouts(len(cluster.addresses))
    spec = tf.train.ClusterSpec({"worker": list(cluster.addresses)})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        spec, task_type="worker", task_id=cluster.index, rpc_layer="grpc"
    )
    try:
        with giving_up_after(JOIN_SECONDS, cluster):
            return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except (tf.errors.OpError, RuntimeError) as error:
        raise HardwareError(
            f"worker {cluster.index} cannot join {', '.join(cluster.addresses)}: "
            + str(error).partition("\n")[0],
            "see what the other workers said; all of them must be started and reach each other",
        ) from error


def _set_timeouts(workers: int) -> None:
    # The only way to these two settings; TensorFlow's own are an hour to join.
    from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
    from tensorflow.python.eager import context

    context.context().configure_coordination_service(
        "standalone",
        "/job:worker/task:0",
        cluster_register_timeout_in_ms=JOIN_SECONDS * 1000,
        heartbeat_timeout_in_ms=SILENCE_SECONDS * 1000,
        shutdown_barrier_timeout_in_ms=SILENCE_SECONDS * 1000,
        coordinated_jobs=[coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=workers)],
    )


def _choose_own(devices: Devices) -> None:
    """Which of this machine's GPUs it takes part with; TensorFlow must not have looked at them yet."""
    if isinstance(devices, int):
        gpus = tf.config.list_physical_devices("GPU")
        if devices > max(1, len(gpus)):
            raise HardwareError(
                f"hardware.devices asks for {devices} devices of each worker; this one has {len(gpus)} GPUs",
                "set hardware.devices to auto; without GPUs, a worker is one device",
            )
        if gpus:
            tf.config.set_visible_devices(gpus[:devices], "GPU")
    elif devices != "auto":
        raise HardwareError(
            "hardware.devices names devices, and this job has several workers, each with its own",
            "set hardware.devices to auto or a number, and choose on each machine with CUDA_VISIBLE_DEVICES",
        )


def _short(name: str) -> str:
    return f"/{name.split('/device:')[-1]}"


def _choose(devices: Devices) -> list[str]:
    gpus, cpus = (_list_devices(kind) for kind in ("GPU", "CPU"))
    if devices == "auto":
        return gpus or cpus[:1]
    if isinstance(devices, int):
        pool = gpus or cpus
        if devices > len(pool):
            raise HardwareError(
                f"hardware.devices asks for {devices} devices; there are {len(pool)}: {', '.join(pool)}",
                f"set hardware.devices to auto, or to at most {len(pool)}",
            )
        return pool[:devices]
    present = {name.upper(): name for name in gpus + cpus}
    wanted = [name if name.startswith("/") else f"/{name}" for name in devices]
    if absent := [name for name in wanted if name.upper() not in present]:
        raise HardwareError(
            f"hardware.devices names {', '.join(absent)}; there are {', '.join(present.values())}",
            "name devices of this machine, or use auto",
        )
    chosen = [present[name.upper()] for name in wanted]
    if repeated := [wanted[index] for index, name in enumerate(chosen) if name in chosen[:index]]:
        raise HardwareError(
            f"hardware.devices names {', '.join(repeated)} more than once", "name each device once"
        )
    return chosen


def _list_devices(kind: str) -> list[str]:
    return [_short(device.name) for device in tf.config.list_logical_devices(kind)]
