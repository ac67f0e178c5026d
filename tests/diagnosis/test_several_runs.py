"""Several runs read together."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from dlpractice.diagnosis.case import Target, open_case
from dlpractice.diagnosis.curves.point import Point
from dlpractice.diagnosis.several_runs import (
    average_runs,
    diagnose_group,
    gather_points,
    read_learning_curve,
)
from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory


def curve(*errors: tuple[int, float], n: int = 500) -> list[Point]:
    return [Point(size, 0.0, error, n, n, f"{size}") for size, error in errors]


def test_more_data() -> None:
    """A power law without noise, 0.02 + 3 / sqrt(n), whose doubling and whose target are known."""
    points = curve(*((n, 0.02 + 3 / n**0.5) for n in (125, 250, 500, 1000)), n=100_000)
    finding = read_learning_curve(points, Target(0.08, "somebody"))
    assert finding is not None
    low, high = (float(part.rstrip("%")) / 100 for part in finding.evidence[0].split()[-3::2])
    assert low <= 0.02 + 3 / 2000**0.5 + 1e-3 and high >= 0.02 + 3 / 2000**0.5 - 1e-3
    assert finding.evidence[1].startswith("from 500 to 1,000 images it changed by -3.9 points")
    assert finding.evidence[-1].startswith("the target of 8.0% (somebody) takes ")
    assert finding.confidence == "medium"
    assert read_learning_curve(points[:3], None) is None


def test_a_flat_curve_promises_little() -> None:
    finding = read_learning_curve(curve((125, 0.1), (250, 0.1), (500, 0.1), (1000, 0.1)), Target(0.0, "me"))
    assert finding is not None
    assert finding.confidence == "low"
    assert "is reached by no family" in finding.evidence[-1] or "not every family" in finding.evidence[-1]


def test_a_target_that_is_reached() -> None:
    points = curve((125, 0.3), (250, 0.22), (500, 0.17), (1000, 0.13))
    finding = read_learning_curve(points, Target(0.2, "me"))
    assert finding is not None and finding.evidence[-1] == "the target of 20.0% (me) is reached"
    open_end = read_learning_curve(points, None)
    assert open_end is not None and "--target-error says how much" in open_end.remedy


def test_seeds_are_averaged(make: SimpleNamespace) -> None:
    cases = [
        open_case(
            make.run_of(
                train,
                val,
                config={"model": {"width": width}},
                summary={"best_epoch": 30, "trainable_parameters": round(10 * width)},
            )
        )
        for train, val, width in ((0.99, 0.9, 9.9), (0.9, 0.8, 1.0), (0.92, 0.84, 1.0))
    ]
    points = gather_points(cases, "model.width")
    assert [(p.place, p.label, p.parameters) for p in points] == [(1.0, "1", 10), (9.9, "9.9", 99)]
    assert points[0].val == pytest.approx(0.18, abs=1e-3)
    assert points[0].n == 500


def test_bound_images_make_a_point_less_sure(make: SimpleNamespace) -> None:
    rows = make.split_rows(100, 60, 0)
    points = []
    for films in (60, 12):
        bound = [row | {"bound": f"{row['split']} {number % films}"} for number, row in enumerate(rows)]
        predictions = tuple(make.answers(bound, 30))
        cases = [open_case(make.run_of(val_accuracy=0.5, rows=bound, predictions=predictions))]
        points += gather_points(cases, "model.width")
    assert [(point.n, point.groups) for point in points] == [(60, None), (60, 12)]
    assert points[0].trials == 60 > points[1].trials >= 12


def test_strategies_of_one_size_stay_apart(make: SimpleNamespace) -> None:
    cases = [
        open_case(
            make.run_of(config={"strategy": name}, summary={"best_epoch": 30, "trainable_parameters": 5})
        )
        for name in ("head", "linear@block5")
    ]
    assert [point.label for point in gather_points(cases, "")] == ["head", "linear@block5"]


def test_words_stand_by_the_size_of_their_nets(make: SimpleNamespace) -> None:
    cases = [
        open_case(
            make.run_of(
                config={"training": {"optimizer": name}},
                summary={"best_epoch": 30, "trainable_parameters": size},
            )
        )
        for name, size in (("sgd", 9), ("adamw", 3))
    ]
    points = gather_points(cases, "training.optimizer")
    assert [(p.label, p.place) for p in points] == [("adamw", 3), ("sgd", 9)]


def test_answers_of_other_images_are_not_averaged(make: SimpleNamespace) -> None:
    rows = make.split_rows(10, 4, 0)
    first = open_case(make.run_of(rows=rows, predictions=tuple(make.answers(rows, 1))))
    second = open_case(make.run_of(rows=rows, predictions=tuple(make.answers(rows, 0))))
    mean = average_runs([first, second])
    assert mean is not None and mean.correct.tolist() == [0.5, 1, 1, 1]
    fewer = open_case(make.run_of(rows=rows, predictions=tuple(make.answers(rows, 0)[1:])))
    assert average_runs([first, fewer]) is None


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no finished run"):
        diagnose_group(tmp_path)
    for strategy in ("a", "b"):
        with RunDirectory.create(tmp_path / strategy / "seed-0") as run:
            run.write_config(f"command: finetune\nstrategy: {strategy}\n")
            run.write_predictions([])
            run.write_summary({"results": {}, "trainable_parameters": 3})
    found = diagnose_group(tmp_path)
    assert found.verdict == "Insufficient evidence: 0 different trained parameters."
    document = json.loads(json.dumps(found.to_json()))
    assert document["kind"] == "several runs, by trained parameters"
    assert len(document["runs"]) == 2
