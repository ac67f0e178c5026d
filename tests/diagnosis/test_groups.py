"""Several runs read together."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from dlpractice.diagnosis.case import Target, open_case
from dlpractice.diagnosis.groups import (
    Point,
    diagnose_group,
    gather_points,
    read_capacity_curve,
    read_learning_curve,
)
from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory


def point(place: float, train: float, val: float, n: int = 500) -> Point:
    return Point(place, train, val, n, f"{place:g}")


def test_the_best_size_lies_between() -> None:
    points = [point(1, 0.4, 0.4), point(2, 0.05, 0.06), point(4, 0.0, 0.2)]
    finding = read_capacity_curve(points, "model.width", "model.width")
    assert finding is not None
    assert finding.evidence[0] == "the best size is 2 (model.width 2), validation error 6.0%"
    assert "training error 40.0%" in finding.evidence[1]
    assert (finding.confidence, finding.overrides) == ("high", ("model.width=2",))
    assert finding.remedy == "take the best size"


def test_what_validation_cannot_tell_apart_is_said() -> None:
    points = [point(1, 0.4, 0.4), point(2, 0.05, 0.07), point(4, 0.0, 0.06)]
    finding = read_capacity_curve(points, "parameters")
    assert finding is not None
    assert finding.evidence[-1] == "validation does not tell it from 2"
    assert "try a larger one" in finding.remedy
    assert read_capacity_curve(points[:2], "parameters") is None


def test_more_data() -> None:
    points = [point(n, 0.0, e) for n, e in ((125, 0.3), (250, 0.22), (500, 0.17), (1000, 0.13))]
    finding = read_learning_curve(points, Target(0.01, "somebody"))
    assert finding is not None
    assert "twice the data (2,000 images)" in finding.evidence[0]
    assert "from 13.0% to between" in finding.evidence[0]
    assert "the target of 1.0%" in finding.evidence[-1]
    assert read_learning_curve(points[:3], None) is None


def test_seeds_are_averaged(make: SimpleNamespace) -> None:
    cases = [
        open_case(make.run_of(train, val, summary={"best_epoch": 30, "trainable_parameters": size}))
        for train, val, size in ((0.9, 0.8, 10), (0.92, 0.84, 10), (0.99, 0.9, 99))
    ]
    points = gather_points(cases, "")
    assert [p.place for p in points] == [10, 99]
    assert points[0].val == pytest.approx(0.18, abs=1e-3)
    assert points[0].n == 500


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no finished run"):
        diagnose_group(tmp_path)
    for strategy in ("a", "b"):
        with RunDirectory.create(tmp_path / strategy / "seed-0") as run:
            run.write_config(f"command: finetune\nstrategy: {strategy}\n")
            run.write_predictions([])
            run.write_summary({"results": {}, "trainable_parameters": 3})
    found = diagnose_group(tmp_path)
    assert found.verdict == "Insufficient evidence: 0 places on the axis."
    document = found.to_json()
    assert document["kind"] == "several runs, by trained parameters"
    assert len(document["runs"]) == 2
