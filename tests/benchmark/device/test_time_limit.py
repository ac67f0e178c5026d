from dlpractice.benchmark.device.measurement import missing_row
from dlpractice.benchmark.device.time_limit import NO_TIME, TimeLimit, list_left_out


def test_a_share_is_one_of_what_is_left() -> None:
    now = 100.0
    limit = TimeLimit(200.0, lambda: now)
    part = limit.share(0.25)
    assert (limit.left(), part.left()) == (100.0, 25.0)
    now = 120.0
    assert part.left() == 5.0
    assert part.why_not(4.0) is None
    assert part.why_not(6.0) == NO_TIME
    now = 300.0
    assert limit.left() == 0.0
    assert limit.why_not() == NO_TIME


def test_without_a_limit_there_is_always_time() -> None:
    assert TimeLimit().why_not(1e9) is None
    assert TimeLimit().share(0.1).why_not(1e9) is None


def test_what_was_left_out_for_lack_of_time_is_listed_and_nothing_else() -> None:
    measured = {
        "peaks": {"rows": [missing_row("a", "GB/s", NO_TIME), missing_row("b", "GB/s", "no such memory")]},
        "models": {"rows": [], "why": NO_TIME},
        "input": {"rows": [{"name": "c", "value": 1.0}]},
    }
    assert list_left_out(measured) == ["a", "models"]
