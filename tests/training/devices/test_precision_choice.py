"""The choice of a precision by stated times, and one real measurement."""

import pytest
import tensorflow as tf

from dlpractice.training.devices import precision_choice
from dlpractice.training.devices.precision_choice import choose_precision


@pytest.mark.parametrize(
    ("device", "seconds", "chosen"),
    [
        ("/CPU:0", {"float32": 1.0, "bfloat16": 0.5}, "bfloat16"),
        ("/CPU:0", {"float32": 1.0, "bfloat16": 0.9}, "float32"),
        ("/CPU:0", {"float32": 1.0, "bfloat16": 2.0}, "float32"),
        ("/GPU:0", {"float32": 1.0, "bfloat16": 0.4, "float16": 0.3}, "float16"),
        ("/GPU:1", {"float32": 1.0, "bfloat16": 0.4, "float16": 0.5}, "bfloat16"),
        ("/GPU:0", {"float32": 1.0, "bfloat16": 0.95, "float16": 0.9}, "float32"),
    ],
)
def test_a_lower_precision_has_to_win_clearly(
    monkeypatch: pytest.MonkeyPatch, device: str, seconds: dict[str, float], chosen: str
) -> None:
    rounds = 0

    def compile_convolution(where: str, dtype: tf.DType) -> str:
        assert where == device
        return str(dtype.name)

    def time(name: str) -> float:
        """Other processes slow down all but one look at each precision."""
        nonlocal rounds
        rounds += 1
        return seconds[name] if rounds // len(seconds) == 6 else 7 * seconds[name]

    monkeypatch.setattr(precision_choice, "_compile_convolution", compile_convolution)
    monkeypatch.setattr(precision_choice, "_time", time)
    assert choose_precision(device) == (chosen, seconds)


def test_a_real_convolution_takes_time_and_more_of_it_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision_choice, "_IMAGES", 1)
    monkeypatch.setattr(precision_choice, "_SIDE", 4)
    small = choose_precision("/CPU:0")[1]
    monkeypatch.setattr(precision_choice, "_SIDE", 64)
    chosen, large = choose_precision("/CPU:0")
    assert chosen in large
    assert set(small) == set(large) == {"float32", "bfloat16"}
    assert all(0 < small[name] < large[name] for name in small)
