"""The parts of `dlp benchmark` about several devices: what they reach, and what more would bring."""

from typing import Any

from dlpractice.hardware.published_scaling import PUBLISHED_TABLES
from dlpractice.hardware.scaling import Outcome
from dlpractice.hardware.scaling_error import Error, Scored, fit_constants, score

Document = dict[str, Any]

FITTED_ON = (
    "overlap and seconds per device: fitted on all published tables but the one predicted, by the smallest "
    "mean absolute error; bytes, throughput of one device and links are physical inputs"
)


def validate() -> Document:
    """Scores the predictor against every published row; needs no device and takes under a second."""
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


def _error(error: Error) -> Document:
    return {"median": error.median, "mean": error.mean}


def _scored(row: Scored) -> Document:
    return {
        "name": f"validation/{row.table.name}/{row.devices}",
        "model": row.table.model,
        "batch": row.table.batch,
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
