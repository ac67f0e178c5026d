import inspect

from dlpractice import errors


def test_every_error_is_in_the_tree_and_in_its_drawing() -> None:
    classes = [found for _, found in inspect.getmembers(errors, inspect.isclass)]
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
