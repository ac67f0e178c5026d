"""The published figures are those of the lecture's table, and each names where it comes from."""

from dlpractice.recipes.oneshot.published import LAKE_20, PUBLISHED_ONESHOT

LECTURE = {95.5, 95.2, 81.8, 65.2, 62.0, 35.2, 21.7, 58.3, 92.0}


def test_the_lectures_nine_rows_are_there() -> None:
    from_lecture = {round(100 * row.value, 2) for row in LAKE_20 if row.source.startswith("Dudar")}
    assert from_lecture == LECTURE


def test_every_row_has_a_source_and_a_name_of_its_own() -> None:
    assert all(row.source for row in LAKE_20)
    assert len({row.method for row in LAKE_20}) == len(LAKE_20)
    assert all(0 < row.value < 1 for row in LAKE_20)


def test_the_hausdorff_distance_is_the_published_error() -> None:
    (row,) = (row for row in PUBLISHED_ONESHOT["omniglot"]["lake-20"] if "Hausdorff" in row.method)
    assert row.value == 1 - 0.3875
