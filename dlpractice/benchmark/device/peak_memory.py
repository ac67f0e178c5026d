"""How much of a GPU's memory a computation takes at most, as the backend counts it.

On a CPU nothing is told: the memory of the process is that of all nets together, and of what its allocator
keeps for later.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlpractice.benchmark.device import backend


@dataclass(frozen=True)
class Usage:
    """Bytes of the first GPU: in use now, and at most since the peak was last set back."""

    now: int
    peak: int


def read_usage() -> Usage | None:
    """What the backend holds on the first GPU; None on a CPU, and where the backend does not tell."""
    if backend.list_devices()[0].kind == "cpu":
        return None
    name = backend.backend_name()
    if name == "tensorflow":
        import tensorflow as tf

        known = tf.config.experimental.get_memory_info(backend.list_devices()[0].name)
        return Usage(int(known["current"]), int(known["peak"]))
    if name == "jax":
        import jax

        told = jax.devices()[0].memory_stats() or {}
        known = [told.get(key) for key in ("bytes_in_use", "peak_bytes_in_use")]
        return None if None in known else Usage(*map(int, known))
    import torch

    return Usage(int(torch.cuda.memory_allocated(0)), int(torch.cuda.max_memory_allocated(0)))


class PeakMemory:
    """Watches how far memory rises from its making on, apart from what was held before."""

    def __init__(self) -> None:
        self._before = read_usage()

    def begin(self) -> None:
        """From here on a new peak counts."""
        name = backend.backend_name()
        if self._before is not None and name == "tensorflow":
            import tensorflow as tf

            tf.config.experimental.reset_memory_stats(backend.list_devices()[0].name)
        elif self._before is not None and name == "torch":
            import torch

            torch.cuda.reset_peak_memory_stats(0)
        self._last = read_usage()

    def rise(self) -> int | None:
        """The bytes between what was held at first and the peak since `begin`.

        None where that is not known. JAX cannot set its peak back: it tells only of what exceeds all before.
        """
        now = read_usage()
        if now is None or self._before is None or self._last is None:
            return None
        if backend.backend_name() == "jax" and now.peak <= self._last.peak:
            return None
        return now.peak - self._before.now
