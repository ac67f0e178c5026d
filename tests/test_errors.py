import inspect

from dlpractice import errors


def test_every_error_is_in_the_tree_and_in_its_drawing() -> None:
    classes = [found for _, found in inspect.getmembers(errors, inspect.isclass)]
    classes = [found for found in classes if found.__module__ == errors.__name__]
    assert len(classes) >= 6
    for found in classes:
        assert issubclass(found, errors.DlpError)
        assert found.__name__ in str(errors.__doc__)


def test_an_error_carries_what_and_what_to_do() -> None:
    error = errors.DataError("a.jpg is truncated", "replace it")
    assert (str(error), error.message, error.hint) == (
        "a.jpg is truncated",
        "a.jpg is truncated",
        "replace it",
    )
    assert errors.DataError("a.jpg is truncated").hint == ""


def test_details_stand_before_what_sums_them_up() -> None:
    error = errors.DataError("2 files are empty", "remove them", ["a.jpg", "b.jpg"])
    assert str(error) == "a.jpg\nb.jpg\n2 files are empty"
    assert (error.message, error.details) == ("2 files are empty", ("a.jpg", "b.jpg"))
