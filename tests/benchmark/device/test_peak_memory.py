from types import SimpleNamespace

import pytest

from dlpractice.benchmark.device import backend, peak_memory
from dlpractice.benchmark.device.backend import Device
from dlpractice.benchmark.device.peak_memory import PeakMemory, read_usage

GPU = (Device("GPU:0", "gpu", "NVIDIA H100 80GB HBM3"),)


class Card:
    """A card that says what it holds, as TensorFlow would."""

    def __init__(self) -> None:
        self.current = self.peak = 0

    def hold(self, more: int, passing: int = 0) -> None:
        self.current += more
        self.peak = max(self.peak, self.current + passing)

    def reset(self, _: str) -> None:
        self.peak = self.current

    def tell(self, _: str) -> dict[str, int]:
        return {"current": self.current, "peak": self.peak}


def test_a_cpu_tells_nothing() -> None:
    memory = PeakMemory()
    memory.begin()
    assert read_usage() is memory.rise() is None


def test_the_rise_is_above_what_was_held_before_the_net(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    card = Card()
    monkeypatch.setattr(backend, "list_devices", lambda: GPU)
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", card.tell)
    monkeypatch.setattr(tf.config.experimental, "reset_memory_stats", card.reset)
    card.hold(100, passing=5000)  # other nets
    memory = PeakMemory()
    card.hold(20)  # this one
    memory.begin()
    card.hold(3, passing=40)
    assert memory.rise() == 20 + 3 + 40
    memory.begin()
    assert memory.rise() == 20 + 3


def test_jax_tells_only_of_a_peak_above_all_before(monkeypatch: pytest.MonkeyPatch) -> None:
    jax = pytest.importorskip("jax")
    card = Card()
    told = {"bytes_in_use": "current", "peak_bytes_in_use": "peak"}
    device = SimpleNamespace(memory_stats=lambda: {key: getattr(card, name) for key, name in told.items()})
    monkeypatch.setattr(peak_memory.backend, "list_devices", lambda: GPU)
    monkeypatch.setattr(peak_memory.backend, "backend_name", lambda: "jax")
    monkeypatch.setattr(jax, "devices", lambda: [device])
    card.hold(10, passing=90)
    memory = PeakMemory()
    memory.begin()
    card.hold(1, passing=50)
    assert memory.rise() is None
    card.hold(1, passing=200)
    assert memory.rise() == 202
