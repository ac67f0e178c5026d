"""Where a model trains: on one device, on several, or on several machines, by `tf.distribute`.

A batch is dealt out evenly to the replicas, which are the copies of the model, one on each device. The loss
is divided by the size of the whole batch, never by that of a replica's part. The mean over the means of
uneven parts, as `fit` takes it, would give other weights than training on one device.
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
"""Which devices to take: all GPUs or else the CPU ("auto"), the first so many, or those named."""

JOIN_SECONDS = 600
"""How long the first worker waits for the last to start: images may have to be fetched to a new machine."""
SILENCE_SECONDS = 30
"""How long a worker may be silent before it is taken for lost. One whose process ends is noticed at once."""


class Placement:
    """A `tf.distribute.Strategy` with the operations that training needs of it.

    Args:
        devices: the names of this process's devices.
        cluster: the processes that train together, called workers; None if this one trains alone. All workers
            must call the same methods in the same order. In some methods, which say so, they wait for each
            other.
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

    @property
    def is_on_gpus(self) -> bool:
        """Whether GPUs compute, and nothing else does."""
        return all("GPU" in name for name in self.devices)

    def local_replica(self) -> int:
        """Which of this process's replicas is being traced or run; 0 outside of all of them."""
        context = tf.distribute.get_replica_context()
        number = 0 if context is None else int(tf.get_static_value(context.replica_id_in_sync_group))
        return number % (self.replicas // self.workers)

    def device_memory(self) -> int:
        """Bytes of memory of this process's smallest device, as far as TensorFlow may use it; 0 for a CPU,
        whose memory is the computer's own."""
        if not self.is_on_gpus:
            return 0
        # TensorFlow tells it by no function of its public interface.
        from tensorflow.python.client import device_lib

        return min(
            int(device.memory_limit)
            for device in device_lib.list_local_devices()
            if device.device_type == "GPU"
        )

    def share(self, count: int) -> slice:
        """Which of the `count` rows of a batch this process computes. The shares of all workers make up the
        batch, and do not overlap."""
        local = self.replicas // self.workers
        bounds = np.linspace(0, count, self.replicas + 1).astype(int)
        return slice(int(bounds[self._worker * local]), int(bounds[(self._worker + 1) * local]))

    def deal(self, batch: Sequence[Any]) -> tuple[Any, ...]:
        """Deals this process's share of a batch, arrays of equal length, out to its replicas.

        The parts differ by one row at most. If there are fewer rows than replicas, rows of zeros are added at
        the end, because layers fail on an empty batch. An example whose weight and targets are zero does not
        change the loss or the gradients.
        """
        local = self.replicas // self.workers
        if len(batch[0]) < local:
            batch = [fill_up(array, local) for array in batch]
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
        """Joins the results of the replicas to one array, in the order in which the batch was dealt out.

        Workers wait for each other, and all get the whole array.
        """
        if self.workers == 1:
            return np.concatenate(
                [value.numpy() for value in self.strategy.experimental_local_results(values)]
            )
        gathered: NDArray[Any] = self.strategy.gather(values, axis=0).numpy()
        return gathered

    def agree(self, value: Any) -> Any:
        """Gives every worker the chief's `value`, which may be anything that JSON can hold.

        What is measured or read must not differ between workers. They wait for each other.
        """
        if self.workers == 1:
            return value
        text = np.frombuffer(json.dumps(value).encode() if self.is_chief else b"", np.uint8)
        size = int(self.add_up(np.array([len(text)]))[0])
        padded = np.zeros(size, np.int32)
        padded[: len(text)] = text
        return json.loads(self.add_up(padded).astype(np.uint8).tobytes())

    def add_up(self, counts: NDArray[Any]) -> NDArray[np.int32]:
        """The sum of all workers' `counts`, which are whole numbers. Workers wait for each other."""
        if self.workers == 1:
            return counts.astype(np.int32)
        local = self.replicas // self.workers

        def own(context: Any) -> Any:
            first = context.replica_id_in_sync_group % local == 0
            return tf.constant(counts if first else np.zeros_like(counts), tf.int32)

        values = self.strategy.experimental_distribute_values_from_function(own)
        total: NDArray[np.int32] = self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None).numpy()
        return total


def fill_up(rows: Any, count: int) -> Any:
    """(n, ...) rows, or `count` of them with zeros behind if there are fewer. What lies on a device stays
    there."""
    if len(rows) >= count:
        return rows
    lack = count - len(rows)
    if isinstance(rows, tf.Tensor):
        return tf.concat([rows, tf.zeros((lack, *rows.shape[1:]), rows.dtype)], axis=0)
    rows = np.asarray(rows)
    return np.concatenate([rows, np.zeros((lack, *rows.shape[1:]), rows.dtype)])


def place(devices: Devices = "auto", cluster: Cluster | None = None) -> Placement:
    """Chooses devices, and the strategy to train on them.

    With several devices, each holds a copy of the model (`tf.distribute.MirroredStrategy`). With a cluster,
    this process first joins the others, and waits until all are there. Nothing else may be asked of
    TensorFlow before.

    Args:
        devices: see `Devices`. With a cluster, each worker chooses its own.
        cluster: the processes that train together; None if this one trains alone.

    Raises:
        HardwareError: there are no such devices; the message lists those there are. Or the workers cannot
        join.
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
    """The strategy of these devices, one for all runs of a process.

    Each strategy of TensorFlow numbers the exchanges between devices from the same start. With two
    strategies, the exchanges of two models of different size would be taken for each other.
    """
    return tf.distribute.MirroredStrategy(names)


@cache
def _join(cluster: Cluster) -> tf.distribute.Strategy:
    """Joins the other workers, once in a process.

    TensorFlow must know before it joins how long a worker may be silent, and no public function tells it.
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
    # These settings have no other way in. By default, TensorFlow waits an hour for workers to join.
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
    """Chooses the GPUs that this worker takes part with. TensorFlow must not have used any of them yet."""
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
