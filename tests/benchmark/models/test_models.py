"""The part `models` on nets of a few weights."""

import keras
import pytest
from keras import layers

from dlpractice.benchmark.context import Context
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.models import batch_figures, models
from dlpractice.benchmark.models.models import measure_models
from dlpractice.config.sections.benchmark import Models
from dlpractice.progress import Silent

_PEAKS = {
    "rows": [
        {"measure": "matmul", "precision": "float32", "value": 1.0},
        {"measure": "memory", "value": 1.0},
    ],
}


@pytest.fixture(autouse=True)
def small_net(monkeypatch):
    def build(name, seed):
        return keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(8)])

    monkeypatch.setattr(models, "build_net", build)


def _context(share=0.5, **measured):
    return Context(Sampling(5), MemoryBudget(share), Silent(), 0, measured)


def test_rows_place_a_net_under_the_roof():
    section = Models(names=("vgg16",), batch_sizes=(2, 4), precisions=("float32",))
    document = measure_models(section, _context(peaks=_PEAKS))

    names = [row["name"] for row in document["rows"]]
    assert names == [
        f"models/vgg16/{kind}/float32/{batch}" for kind in ("inference", "training") for batch in (2, 4)
    ]
    row = document["rows"][1]
    assert (row["net"], row["work"], row["precision"], row["batch"]) == ("vgg16", "inference", "float32", 4)
    flops = 4 * 8 * (2 * 48 + 1)
    # Weights 48 x 8 + 8; flattening reads and writes 48 values, the dense layer reads 48 and writes 8.
    assert row["intensity"] == pytest.approx(flops / (4 * (392 + 4 * (96 + 56))))
    assert row["tflops"] == pytest.approx(row["value"] / 4 * flops / 1e12, rel=0.5)
    assert row["share_of_measured_peak"] == pytest.approx(row["tflops"])
    assert row["binds"] in ("memory", "launches", "neither"), "a roof of 1 TFLOP/s is far above"
    assert row["share_of_vendor_peak"] is None
    assert document["roof"]["ridge"] == {"float32": 1000.0}
    assert document["uncounted"] == {}


def test_a_net_that_computes_in_tf32_is_set_against_that_roof(monkeypatch):
    monkeypatch.setattr(
        batch_figures, "arithmetic_of", lambda precision: {"float32": "tf32"}.get(precision, precision)
    )
    products = [
        {"measure": "matmul", "precision": precision, "value": value}
        for precision, value in (("float32", 1e-9), ("tf32", 1e3))
    ]
    section = Models(names=("vgg16",), batch_sizes=(2,), precisions=("float32",), training=False)
    (row,) = measure_models(section, _context(peaks={"rows": products}))["rows"]
    assert (row["precision"], row["arithmetic"]) == ("float32", "tf32")
    assert row["share_of_measured_peak"] == pytest.approx(row["tflops"] / 1e3)


def test_tensorflow_with_and_without_xla_are_two_rows():
    section = Models(
        names=("vgg16",), batch_sizes=(2,), precisions=("float32",), compilers=("default", "xla")
    )
    rows = measure_models(section, _context())["rows"]
    assert [(row["name"].removeprefix("models/vgg16/"), row["how"]) for row in rows] == [
        ("inference/float32/2", "tf.function"),
        ("inference/float32/2/xla", "tf.function, XLA"),
        ("training/float32/2", "tf.function"),
        ("training/float32/2/xla", "tf.function, XLA"),
    ]
    assert {row["compiler"] for row in rows[1::2]} == {"xla"}


def test_nothing_is_said_of_the_roof_without_peaks():
    section = Models(names=("vgg16",), batch_sizes=(2,), precisions=("bfloat16",), training=False)
    (row,) = measure_models(section, _context())["rows"]

    assert row["value"] > 0
    assert row["binds"] is row["share_of_measured_peak"] is row["attainable_tflops"] is None


def test_what_takes_too_long_or_does_not_fit_says_so():
    section = Models(
        names=("koch",),
        batch_sizes=(1, 2),
        precisions=("float32",),
        training=False,
        longest_call_seconds=1e-9,
    )
    first, second = measure_models(section, _context())["rows"]
    assert first["value"] > 0 and "would take about" in second["why"]

    rows = measure_models(section, _context(share=1e-12))["rows"]
    assert [row["value"] for row in rows] == [None, None]
    assert "MiB are allowed" in rows[0]["why"]


def test_nets_take_turns_as_far_as_memory_goes(monkeypatch):
    section = Models(names=("vgg16", "koch"), batch_sizes=(2,), precisions=("float32",), training=False)

    class Groups(Context):
        def measure(self, stage, figures):
            groups.append([figure.name for figure in figures])
            return super().measure(stage, figures)

    groups = []
    context = Groups(Sampling(5), MemoryBudget(0.5), Silent(), 0)
    rows = measure_models(section, context)["rows"]
    names = ["models/vgg16/inference/float32/2", "models/koch/inference/float32/2"]
    assert groups == [names]

    # Each fits alone, and not beside the other.
    groups.clear()
    held = iter([1, 0, 1])
    monkeypatch.setattr(MemoryBudget, "device_bytes", lambda self: 10**9 * next(held))
    assert [row["name"] for row in measure_models(section, context)["rows"]] == names
    assert groups == [[name] for name in names]
    assert all(row["value"] > 0 for row in rows)
