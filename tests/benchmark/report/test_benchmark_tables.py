import io
from typing import Any

from rich.console import Console, RenderableType

from dlpractice.benchmark.device.measurement import NetRow
from dlpractice.benchmark.report.benchmark_tables import (
    backends_table,
    benchmark_tables,
    device_text,
    input_table,
    models_table,
    peaks_table,
    rows_table,
)

HOST = {
    "processor": "AMD EPYC 9654 96-Core Processor of a long name",
    "usable_cores": 1.5,
    "logical_cores": 384,
    "memory_bytes": 24 << 30,
    "clock_mhz": 2596.1,
    "load_average": [0.5, 1.25, 2.0],
}
GPU = {"name": "NVIDIA H200", "memory_mib": 143771.0, "clock_max_mhz": 1980.0, "driver": "550.90.07"}
ENVIRONMENT = {
    "host": HOST,
    "threads": 2,
    "governor": None,
    "backend": "jax",
    "devices": [{"name": "cuda:0", "kind": "gpu", "model": "NVIDIA H200"}],
    "gpus": [GPU],
    "versions": {"python": "3.11.7", "jax": "0.9", "keras": "3.15.1"},
    "git": "8889bcb",
}
VENDOR = {
    "name": "H200 SXM",
    "tflops": {"float32": 67.0, "bfloat16": 1000.0},
    "memory_gb_s": 4800.0,
    "source": "NVIDIA H200 data sheet, 2024",
}


def figure(name: str, value: float | None, **more: Any) -> dict[str, Any]:
    spread = {} if value is None else {"ci95": [0.97 * value, 1.02 * value], "mad": 0.01 * value, "n": 7}
    return {"name": name, "value": value, "unit": "TFLOP/s", "kind": "measured", **spread, **more}


def product(precision: str, size: int, value: float | None, **more: Any) -> dict[str, Any]:
    fields = {"measure": "matmul", "precision": precision, "size": size, "sustained": False}
    return figure(f"matmul/{precision}/{size}", value, **{**fields, **more})


PEAKS = {
    "rows": [
        product("float32", 512, 20.0),
        product("float32", 8192, 50.0),
        product("float32", 8192, 45.0, sustained=True, share_of_burst=0.9),
        product("float32", 16384, None, why="one product would take about 3 s"),
        product("float32", 32768, None, why="needs 12,288 MiB"),
        figure("matmul/tf32", None, measure="matmul", precision="tf32", why="no TF32"),
        product("bfloat16", 8192, 800.0),
        figure("memory/triad", 4230.0, unit="GB/s", measure="memory"),
    ],
    "vendor": VENDOR,
}


def show(table: RenderableType) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=80, color_system=None).print(table)
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    return lines


def cells(lines: list[str], start: str) -> list[str]:
    return next(line for line in lines if line.startswith(start)).split()


def test_the_fastest_size_stands_for_a_precision() -> None:
    lines = show(peaks_table(PEAKS))
    float32 = ["float32", "8192", "50", "48.5-51", "0.5", "45", "90%", "67", "75%"]
    assert cells(lines, "float32") == float32
    bfloat16 = ["bfloat16", "8192", "800", "776-816", "8", "-", "-", "1,000", "80%"]
    assert cells(lines, "bfloat16") == bfloat16
    assert cells(lines, "memory/triad")[:2] == ["memory/triad", "4,230"]
    assert any("H200 SXM, memory 4,800 GB/s (NVIDIA H200 data sheet, 2024)" in line for line in lines)


def test_what_was_not_measured_is_named_with_its_reason() -> None:
    text = " ".join(show(peaks_table(PEAKS)))
    assert "matmul/float32/16384, 32768: one product would take about 3 s" in text
    assert "matmul/tf32: no TF32" in text


def test_without_a_data_sheet_there_is_no_share() -> None:
    lines = show(peaks_table(PEAKS | {"vendor": None}))
    assert not any("published" in line for line in lines)
    assert cells(lines, "float32")[-1] == "90%"


def test_conditions_are_stated() -> None:
    text = "\n".join(show(device_text(ENVIRONMENT)))
    assert "1.5 of 384 cores to use, 2 threads, 24 GiB" in " ".join(text.split())
    for piece in ("governor unknown", "load 0.5, 1.2, 2.0", "driver 550.90.07", "keras 3.15.1", "8889bcb"):
        assert piece in text
    on_cpu = ENVIRONMENT | {"gpus": [], "devices": [{"kind": "cpu"}], "git": None}
    assert "jax computes on the CPU" in "\n".join(show(device_text(on_cpu)))


def test_any_part_can_be_shown() -> None:
    part = {
        "rows": [
            figure("vgg16/train/8", 3.5, unit="images/s"),
            figure("scaling/8", 0.9, unit="share", kind="predicted", ci95=None, mad=None),
            figure("vgg16/train/64", None, why="needs 9 GiB"),
        ]
    }
    lines = show(rows_table(part))
    assert cells(lines, "vgg16/train/8 ") == ["vgg16/train/8", "3.5", "3.4-3.57", "0.035", "7", "images/s"]
    assert cells(lines, "scaling/8")[1:4] == ["0.9", "-", "-"]
    assert any("predicted" in line for line in lines)
    assert any(line == "not measured: vgg16/train/64: needs 9 GiB" for line in lines)


def test_a_part_that_failed_says_why() -> None:
    document = {"environment": ENVIRONMENT, "parts": {"models": {"rows": [], "why": "memory ran out"}}}
    assert "not measured: memory ran out" in show(benchmark_tables(document))


def test_nets_stand_beside_the_peak() -> None:
    row = {"name": "models/vgg16/inference/float32/1", "value": 12.3, "ci95": [11.9, 12.5], "tflops": 0.382}
    part = {"rows": [row | {"share_of_measured_peak": 0.76, "binds": "compute", "arithmetic": "float32"}]}
    part["rows"].append({"name": "models/vgg16/training/float32/8", "value": None, "why": "too long"})
    lines = show(models_table(part))
    assert lines[1].split() == ["vgg16/inference/float32/1", "12.3", "11.9-12.5", "0.382", "76%", "compute"]
    assert lines[-1] == "not measured: models/vgg16/training/float32/8: too long"
    assert "TF32" not in " ".join(lines)


def test_what_binds_is_said_in_words_and_tf32_is_named() -> None:
    row = {"name": "models/koch/inference/float32/1", "value": 12.3, "ci95": [11.9, 12.5], "tflops": 0.382}
    row |= {"share_of_measured_peak": 0.06, "binds": "launches", "arithmetic": "tf32"}
    text = " ".join(show(models_table({"rows": [row | {"contradicted_by": "another"}]})))
    assert "12.3!" in text
    assert "float32 nets compute in TF32 here" in text
    assert "operations are started one by one" in text and "faster memory" not in text


def test_what_binds_and_what_ended_is_said() -> None:
    against = {
        "net": "models/koch/training/float32/8",
        "decode_over_net": 0.5,
        "binds_when_decoding": "input",
        "rows_over_net": 12.0,
        "binds_when_cached": "net",
    }
    shown = " ".join(" ".join(show(input_table({"rows": [], "against": [against]}))).split())
    assert "koch/training/float32/8 0.5 x input 12 x net" in shown


def test_backends_stand_beside_one_another() -> None:
    def row(backend: str, kind: str, value: float | None) -> dict[str, Any]:
        told = {"why": "not installed"} if value is None else {"how": "compiled", "threads": 2}
        about = {"backend": backend, **NetRow("koch", kind).fields(8), "ci95": [1, 2]}
        return {"name": f"backends/{backend}/koch/{kind}/float32/8", "value": value, **about, **told}

    rows = [
        row(backend, kind, value)
        for backend, value in (("tensorflow", 20.0), ("jax", 30.0), ("torch", None))
        for kind in ("inference", "training")
    ]
    retired = [{"name": "Theano", "last_release": "1.0.5", "year": 2020}]
    lines = show(backends_table({"rows": rows, "retired": retired}))
    assert [line.split()[:4] for line in lines[1:5]] == [
        ["koch", kind, f"{backend},", "compiled"]
        for kind in ("inference", "training")
        for backend in ("tensorflow", "jax")
    ]
    assert "2 threads; float32, batch 8" in " ".join(lines)
    assert "no longer developed, last release: Theano 1.0.5 (2020)" in " ".join(lines)
    assert sum("not measured: backends/torch/koch" in line for line in lines) == 2
