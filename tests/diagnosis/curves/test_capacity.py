"""The best size between too small and too big, claimed only outside the noise."""

from collections.abc import Sequence

import numpy as np

from dlpractice.diagnosis.curves.capacity import read_capacity_curve
from dlpractice.diagnosis.curves.point import Point


def points(*errors: tuple[float, float], n: int = 500, same_size: bool = False) -> list[Point]:
    """Training and validation errors at 1, 2, 3, ..."""
    return [
        Point(place, train, val, n, n, f"{place}", 10 if same_size else 10 * place)
        for place, (train, val) in enumerate(errors, 1)
    ]


def test_between_too_small_and_too_big() -> None:
    finding = read_capacity_curve(points((0.4, 0.4), (0.05, 0.06), (0.0, 0.2)), "model.width", "model.width")
    assert finding is not None
    assert finding.name == "best size"
    assert finding.evidence == (
        "the best lies between: 2, validation error 6.0% (4.2% to 8.4%); both ends are worse by more than "
        "noise",
        "1: training error 40.0%, validation error 40.0%: underfits",
        "3: training error 0.0%, validation error 20.0%: overfits",
    )
    assert (finding.confidence, finding.overrides, finding.remedy) == ("high", ("model.width=2",), "take 2")


def test_noise_is_no_optimum() -> None:
    finding = read_capacity_curve(points((0.0, 0.08), (0.0, 0.06), (0.0, 0.07)), "model.width", "model.width")
    assert finding is not None
    assert finding.evidence[0].startswith("no optimum to be seen")
    assert (finding.confidence, finding.overrides) == ("low", ("model.width=2",))
    assert finding.evidence[1].startswith("too few images to tell from 2: 1, 3; about ")


def test_the_smallest_is_taken_where_it_is_shown_to_be_as_good() -> None:
    many = points((0.0, 0.061), (0.0, 0.06), (0.0, 0.07), n=20_000)
    finding = read_capacity_curve(many, "model.width", "model.width")
    assert finding is not None
    assert "as good as 2, within 2 points: 1" in finding.evidence
    assert finding.overrides == ("model.width=1",)


def test_one_side_only() -> None:
    small = read_capacity_curve(points((0.4, 0.4), (0.0, 0.07), (0.0, 0.06)), "model.width", "model.width")
    assert small is not None
    assert small.evidence[0].startswith("1 is too small; from 2 on, validation tells nothing apart")
    assert small.evidence[-1].startswith("too few images to tell from 3: 2; about ")
    assert (small.confidence, small.overrides) == ("medium", ("model.width=3",))
    assert "more (model.width) is worth a try" in small.remedy
    big = read_capacity_curve(points((0.0, 0.06), (0.0, 0.07), (0.0, 0.3)), "model.width", "model.width")
    assert big is not None
    assert big.evidence[0].startswith("3 is too much; up to 2, validation tells nothing apart")
    assert "less (model.width) is worth a try" in big.remedy


def test_a_value_that_is_no_size_is_taken_where_it_is_best() -> None:
    found = read_capacity_curve(points((0, 0.4), (0, 0.07), (0, 0.06), same_size=True), "rate", "rate")
    assert found is not None
    assert (found.name, found.overrides) == ("best value", ("rate=3",))
    assert found.evidence[1] == "1: training error 0.0%, validation error 40.0%"


def test_too_few_points() -> None:
    assert read_capacity_curve(points((0.4, 0.4), (0.05, 0.07)), "parameters") is None


def test_equal_nets_are_seldom_given_an_optimum() -> None:
    """Five sizes of the same true error, 400 times: in 5 % one may be told from the lowest by chance; two
    standard errors of that share are 2 %."""
    rng = np.random.default_rng(0)

    def drawn(errors: Sequence[float]) -> list[Point]:
        return points(*((0.0, rng.binomial(300, error) / 300) for error in errors), n=300)

    found = [read_capacity_curve(drawn([0.1] * 5), "size") for _ in range(400)]
    assert np.mean([finding is not None and finding.confidence == "high" for finding in found]) == 0
    assert np.mean([finding is not None and finding.confidence != "low" for finding in found]) < 0.07
