"""The part `prediction` of a benchmark: what more devices would bring, and how far off that may be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

from dlpractice.benchmark.prediction.interconnects import Interconnect, find_interconnect
from dlpractice.benchmark.prediction.published_scaling import PUBLISHED_TABLES
from dlpractice.benchmark.prediction.scaling import (
    Net,
    Outcome,
    Prediction,
    choose_best,
    predict_channel_split,
    predict_data_parallel,
    predict_layer_split,
)
from dlpractice.benchmark.prediction.scaling_error import Error, Scored, fit_constants, score
from dlpractice.config.sections.benchmark import Prediction as Section

if TYPE_CHECKING:  # Keras, which scoring published tables does without
    from dlpractice.benchmark.context import Context, Document
    from dlpractice.benchmark.models.graphs import Graph

# With four micro-batches a stage or more, GPipe's stages wait little (Huang et al. 2019).
_MICRO_BATCHES_PER_STAGE = 4
_BYTES = 4

FITTED_ON = (
    "overlap and seconds per device: fitted on all published tables but the one predicted, by the smallest "
    "mean absolute error; bytes, throughput of one device and links are physical inputs"
)


def validate() -> Document:
    """Scores the predictor against every published row; this needs no device and takes under a second."""
    scores = score(PUBLISHED_TABLES)
    every = fit_constants(PUBLISHED_TABLES)
    return {
        "median_absolute_error_points": scores.fitted.median,
        "mean_absolute_error_points": scores.fitted.mean,
        "errors": {
            "fitted on other tables": _error(scores.fitted),
            "nothing fitted": _error(scores.unfitted),
            "linear scaling": _error(scores.linear),
            "median of other tables": _error(scores.usual),
        },
        "inside_interval": sum(row.inside for row in scores.rows),
        "n": len(scores.rows),
        "fit": FITTED_ON,
        "constants": {"overlap": every.overlap, "device_seconds": every.device_seconds},
        "rows": [_scored(row) for row in scores.rows],
    }


def predict(section: Section, context: Context) -> Document:
    """Rows prediction/NET/INTERCONNECT/METHOD/N in images/s, with interval, efficiency and memory per device.

    The throughput of one device comes from the part `models`, in training and float32; sizes come from the
    net's graph. `best` names the method with the highest throughput for each number of devices.

    Raises HardwareError for an unknown interconnect, or one that cannot connect so many devices.
    """
    wiring = find_interconnect(section.interconnect)
    known = find_single_rate(section, context)
    if known is None:
        why = f"needs the throughput of {section.model} in training, which the part models measures"
        name = f"prediction/{section.model}/{section.interconnect}"
        return {"rows": [{"name": name, "value": None, "unit": "images/s", "why": why}]}
    from dlpractice.benchmark.models.graphs import read_graph
    from dlpractice.benchmark.nets import build_net

    graph = read_graph(build_net(section.model, context.seed))
    step_seconds = section.batch_size / known["value"]
    rows: list[Document] = []
    best: dict[str, str] = {}
    for devices in section.devices:
        found = list(_predict_all(graph, step_seconds, section.batch_size, devices, wiring))
        rows += [_row(section, one) for one in found]
        winner = choose_best(found)
        best[str(devices)] = winner.method if winner else ""
    return {
        "rows": rows,
        "model": section.model,
        "batch_size": section.batch_size,
        "interconnect": {"name": wiring.name, "about": wiring.about, "source": wiring.link.source},
        "single": {"images_per_second": known["value"], "row": known["name"]},
        "best": best,
    }


def find_single_rate(section: Section, context: Context) -> Document | None:
    """The measured row of the net in training in float32, at the section's batch size.

    Where that size was not measured, it is the row of the size that trains the most images per second. None
    where there is none.
    """
    rows = [
        row
        for row in context.measured.get("models", {}).get("rows", ())
        if (row["net"], row["work"], row["precision"]) == (section.model, "training", "float32")
        and row["value"] is not None
    ]
    exact = [row for row in rows if row["batch"] == section.batch_size]
    return max(exact or rows, key=lambda row: row["value"], default=None)


def _predict_all(
    graph: Graph, step_seconds: float, batch: int, devices: int, wiring: Interconnect
) -> Iterator[Prediction]:
    """Predictions for data parallel training, and for both ways to divide the net."""
    net = describe_net(graph, devices)
    how: dict[str, Any] = {
        "step_seconds": step_seconds,
        "batch": batch,
        "devices": devices,
        "wiring": wiring,
        "constants": fit_constants(PUBLISHED_TABLES),
    }
    yield predict_data_parallel(net, **how)
    micro_batches = min(devices * batch, _MICRO_BATCHES_PER_STAGE * devices)
    yield predict_layer_split(net, **how, micro_batches=micro_batches)
    yield predict_channel_split(net, **how)


def describe_net(graph: Graph, stages: int) -> Net:
    """What the model of costs has to know of a net, in float32, divided into `stages` of about equal work."""
    from dlpractice.benchmark.models.counting import count_operations
    from dlpractice.benchmark.models.graphs import variables_of
    from dlpractice.benchmark.parallel.channel_split import can_divide
    from dlpractice.benchmark.parallel.layer_split import balance

    costs = count_operations(graph)
    cuts = balance(costs, stages)
    bounds = [0, *cuts, len(costs)]
    shares = [sum(costs[start:end]) / sum(costs) for start, end in pairwise(bounds)]
    variables = {id(one): prod(one.shape) for op in graph.operations for one in variables_of(op.layer)}
    divided = [op for op in graph.operations if can_divide(op.layer, stages)]
    return Net(
        gradient_bytes=_BYTES * sum(variables.values()),
        cut_bytes=tuple(float(_BYTES * sum(graph.values[n] for n in graph.live(cut))) for cut in cuts),
        stage_shares=tuple(shares),
        channel_bytes=tuple(float(_BYTES * graph.values[op.outputs[0]]) for op in divided),
        activation_bytes=_BYTES * sum(graph.values),
    )


def _row(section: Section, prediction: Prediction) -> Document:
    wired = f"{section.model}/{section.interconnect}"
    return {
        "name": f"prediction/{wired}/{prediction.method}/{prediction.devices}",
        "net": section.model,
        "interconnect": section.interconnect,
        "method": prediction.method,
        "devices": prediction.devices,
        "value": prediction.images_per_second.point,
        "interval": [prediction.images_per_second.low, prediction.images_per_second.high],
        "unit": "images/s",
        "kind": "predicted",
        "efficiency": _outcome(prediction.efficiency),
        "memory_bytes": prediction.memory_bytes,
    }


def _error(error: Error) -> Document:
    return {"median": error.median, "mean": error.mean}


def _scored(row: Scored) -> Document:
    return {
        "name": f"validation/{row.table.name}/{row.devices}",
        "model": row.table.model,
        "batch": row.table.batch,
        "precision": row.table.precision,
        "interconnect": row.table.interconnect,
        "exchange": row.table.exchange,
        "devices": row.devices,
        "measured": row.measured,
        "predicted": _outcome(row.predicted),
        "unfitted": _outcome(row.unfitted),
        "error_points": 100 * row.error,
        "inside_interval": row.inside,
        "constants": {"overlap": row.constants.overlap, "device_seconds": row.constants.device_seconds},
        "source": row.table.source,
    }


def _outcome(outcome: Outcome) -> Document:
    return {"low": outcome.low, "point": outcome.point, "high": outcome.high}
