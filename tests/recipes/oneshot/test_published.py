"""Published figures can be told apart, and say where they come from."""

from dlpractice.recipes.oneshot.published import LAKE_20


def test_every_row_has_a_source_and_a_name_of_its_own() -> None:
    assert all(row.source for row in LAKE_20)
    assert len({row.method for row in LAKE_20}) == len(LAKE_20)
    assert all(0 < row.value < 1 for row in LAKE_20)
