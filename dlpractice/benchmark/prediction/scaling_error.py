"""How far predictions of data parallel training are from published measurements.

Constants that are fitted are fitted on other tables than the one that is predicted: neither the row itself
nor the same net at the same batch size on the same machine has a part in its prediction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean, median

from dlpractice.benchmark.prediction.interconnects import INTERCONNECTS
from dlpractice.benchmark.prediction.published_scaling import PublishedTable
from dlpractice.benchmark.prediction.scaling import Constants, Net, Outcome, predict_data_parallel

# The grid is coarse on purpose: a few dozen rows cannot tell neighbours on a finer one apart.
_GRID = tuple(
    Constants(overlap / 10, milliseconds / 1e3)
    for overlap, milliseconds in product(range(11), (0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5))
)


@dataclass(frozen=True)
class Scored:
    """One published efficiency beside its predictions. All three are shares of linear scaling.

    predicted: with constants that were fitted on the other tables.
    unfitted: with constants that were not fitted.
    """

    table: PublishedTable
    devices: int
    measured: float
    predicted: Outcome
    unfitted: Outcome
    constants: Constants

    @property
    def error(self) -> float:
        """Predicted minus measured, a share."""
        return self.predicted.point - self.measured

    @property
    def inside(self) -> bool:
        """Whether the measurement lies in the predicted interval."""
        return self.predicted.low <= self.measured <= self.predicted.high


@dataclass(frozen=True)
class Error:
    """The absolute errors of one way to predict, in points of efficiency."""

    median: float
    mean: float


@dataclass(frozen=True)
class Scores:
    """All rows, and the errors of four ways to predict them.

    fitted: the model with constants of the other tables.
    unfitted: the model with constants that were not fitted.
    linear: N devices are N times as fast as one.
    usual: the median efficiency of the other tables.

    The last two know nothing of links and bytes; a prediction is worth as much as it is better than they are.
    """

    rows: tuple[Scored, ...]
    fitted: Error
    unfitted: Error
    linear: Error
    usual: Error


def predict_efficiency(table: PublishedTable, devices: int, constants: Constants) -> Outcome:
    """The efficiency of `devices`, by one device's throughput, the size of the gradients and the wiring."""
    return predict_data_parallel(
        Net(4.0 * table.parameters),
        step_seconds=table.batch / table.images_per_second,
        batch=table.batch,
        devices=devices,
        wiring=INTERCONNECTS[table.interconnect],
        exchange=table.exchange,
        constants=constants,
    ).efficiency


def fit_constants(tables: Sequence[PublishedTable]) -> Constants:
    """The constants of a coarse grid that leave the smallest mean absolute error.

    The median error would ignore rows that are far off.
    """
    return min(_GRID, key=lambda constants: fmean(_errors(tables, constants)))


def score(tables: Sequence[PublishedTable]) -> Scores:
    """Predicts each row of each table with constants fitted on the other tables.

    Raises ValueError for fewer than two tables.
    """
    if len(tables) < 2:
        raise ValueError("a table can only be predicted from another one")
    rows: list[Scored] = []
    guesses: list[float] = []
    for table in tables:
        others = [other for other in tables if other is not table]
        constants = fit_constants(others)
        guess = median(share for other in others for share in other.efficiencies.values())
        for devices, measured in table.efficiencies.items():
            predicted = predict_efficiency(table, devices, constants)
            unfitted = predict_efficiency(table, devices, Constants())
            rows.append(Scored(table, devices, measured, predicted, unfitted, constants))
            guesses.append(guess - measured)
    return Scores(
        tuple(rows),
        fitted=_summarise([row.predicted.point - row.measured for row in rows]),
        unfitted=_summarise([row.unfitted.point - row.measured for row in rows]),
        linear=_summarise([1 - row.measured for row in rows]),
        usual=_summarise(guesses),
    )


def _summarise(errors: Sequence[float]) -> Error:
    points = [100 * abs(error) for error in errors]
    return Error(median(points), fmean(points))


def _errors(tables: Sequence[PublishedTable], constants: Constants) -> list[float]:
    return [
        abs(predict_efficiency(table, devices, constants).point - measured)
        for table in tables
        for devices, measured in table.efficiencies.items()
    ]
