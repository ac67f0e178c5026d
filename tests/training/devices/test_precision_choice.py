"""The choice of a precision by stated times, and one real measurement."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from dlpractice.training.devices import precision_choice
from dlpractice.training.devices.placement import Placement, place
from dlpractice.training.devices.precision_choice import choose_precision, time_convolutions


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> Callable[[str, Mapping[str, Any]], Any]:
    """A function from a device, and what a round's convolution takes there in each precision, to what is
    chosen and how many rounds were timed. A time may be given for each round."""

    def choose(device: str, seconds: Mapping[str, Any]) -> tuple[Any, float]:
        looks: list[str] = []

        def compile_convolution(where: str, dtype: tf.DType) -> str:
            assert where == device
            return str(dtype.name)

        def time(name: str) -> float:
            looks.append(name)
            row = seconds[name]
            return float(row[looks.count(name) - 1] if isinstance(row, list) else row)

        monkeypatch.setattr(precision_choice, "_compile_convolution", compile_convolution)
        monkeypatch.setattr(precision_choice, "_time", time)
        chosen = choose_precision(Placement(tf.distribute.OneDeviceStrategy("/CPU:0"), (device,)))
        return chosen, len(looks) / len(seconds)

    return choose


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
    timed: Callable[..., Any], device: str, seconds: dict[str, float], chosen: str
) -> None:
    assert timed(device, seconds) == ((chosen, seconds), 3)


def test_where_others_disturb_all_rounds_are_looked_at_and_the_quiet_one_counts(
    timed: Callable[..., Any],
) -> None:
    """Other processes slow all but one look at each precision."""
    slow = {"float32": [7.0] * 5 + [1.0] + [7.0] * 4, "bfloat16": [4.0] * 2 + [9.0] * 3 + [0.5] + [9.0] * 4}
    assert timed("/CPU:0", slow) == (("bfloat16", {"float32": 1.0, "bfloat16": 0.5}), 10)


def test_a_machine_is_timed_once(timed: Callable[..., Any], own_cache: Path) -> None:
    first, _ = timed("/CPU:0", {"float32": 1.0, "bfloat16": 0.5})
    assert timed("/CPU:0", {"float32": 1.0, "bfloat16": 2.0}) == (first, 0)
    assert timed("/GPU:0", {"float32": 1.0, "bfloat16": 2.0, "float16": 0.1})[0][0] == "float16"
    for file in own_cache.rglob("seconds.json"):
        file.write_text('{"float32": 1.0, "bfloat16": -1}')
    assert timed("/CPU:0", {"float32": 1.0, "bfloat16": 2.0})[0][0] == "float32"


def test_a_cache_that_cannot_be_written_costs_no_more_than_the_timing(
    timed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path / "file"))
    for _ in range(2):
        assert timed("/CPU:0", {"float32": 1.0, "bfloat16": 0.5})[0][0] == "bfloat16"


def test_a_real_convolution_takes_time_and_more_of_it_takes_longer(
    monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    monkeypatch.setattr(precision_choice, "_IMAGES", 1)
    monkeypatch.setattr(precision_choice, "_SIDE", 4)
    small = time_convolutions("/CPU:0", ["float32", "bfloat16"])
    monkeypatch.setattr(precision_choice, "_SIDE", 64)
    chosen, large = choose_precision(place(1))
    assert chosen in large
    assert set(small) == set(large) == {"float32", "bfloat16"}
    assert all(0 < small[name] < large[name] for name in small)
