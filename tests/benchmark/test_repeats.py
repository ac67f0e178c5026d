from typing import Any

from dlpractice.benchmark.repeats import mark_contradictions


def net(name: str, value: float, reach: float = 0.1, **more: Any) -> dict[str, Any]:
    fields = {"net": "koch", "work": "training", "precision": "float32", "batch": 8, "how": "tf.function"}
    interval = [value * (1 - reach), value * (1 + reach)]
    return {
        "name": name,
        "value": value,
        "ci95": interval,
        "unit": "images/s",
        "tflops": 0.1,
        **fields,
        **more,
    }


def product(size: int, value: float, **more: Any) -> dict[str, Any]:
    fields = {"measure": "matmul", "precision": "float32", "size": size, "sustained": False}
    interval = [0.9 * value, 1.1 * value]
    return {"name": f"matmul/{size}", "value": value, "ci95": interval, "unit": "TFLOP/s", **fields, **more}


def mark(**parts: list[dict[str, Any]]) -> dict[str, str | None]:
    found = mark_contradictions({name: {"rows": rows} for name, rows in parts.items()})
    assert len(found) == sum("contradicted_by" in row for rows in parts.values() for row in rows)
    return {row["name"]: row.get("contradicted_by") for rows in parts.values() for row in rows}


def test_a_net_that_is_measured_again_and_is_elsewhere_marks_both() -> None:
    assert mark(models=[net("here", 338.0)], backends=[net("again", 533.0)]) == {
        "here": "again",
        "again": "here",
    }
    assert mark(models=[net("here", 338.0)], backends=[net("again", 350.0)]) == {"here": None, "again": None}


def test_another_backend_or_another_compiler_is_no_repeat() -> None:
    others = [net("jax", 900.0, how="jax.jit"), net("half", 900.0, precision="bfloat16")]
    assert set(mark(models=[net("here", 338.0)], backends=others).values()) == {None}


def test_a_product_without_a_pause_cannot_be_faster() -> None:
    sustained = {"name": "sustained", "sustained": True}
    assert mark(peaks=[product(512, 1.0), product(512, 1.5, **sustained)])["matmul/512"] == "sustained"
    assert mark(peaks=[product(512, 1.0), product(512, 1.1, **sustained)])["matmul/512"] is None
    assert mark(peaks=[product(512, 1.0), product(256, 1.5, **sustained)])["matmul/512"] is None


def test_a_net_cannot_do_more_than_the_fastest_product_in_its_arithmetic() -> None:
    peaks = [product(512, 0.05), product(1024, 0.06)]
    assert mark(peaks=peaks, models=[net("here", 9.0)])["matmul/1024"] == "here"
    tf32 = [net("here", 9.0, arithmetic="tf32")]
    assert mark(peaks=[product(512, 0.05)], models=tf32)["matmul/512"] is None


def test_rows_without_a_value_or_an_interval_contradict_nothing() -> None:
    missing = {"name": "too large", "value": None, "unit": "images/s"}
    assert mark(models=[missing, net("here", 1.0)], backends=[net("again", 9.0, ci95=None)]) == {
        "too large": None,
        "here": None,
        "again": None,
    }
