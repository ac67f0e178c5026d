import pytest
from pydantic import ValidationError

from dlpractice.config.sections.finetune import Augment, Data, Model, Training


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("image_size", [8, 1024], [7, 1025]),
        ("validation", [1e-9, 0.5], [0.0, 0.51]),
        ("split_seed", [0, 2**31 - 1], [-1, 2**31]),
        ("background", ["#00ffAA"], ["#fff", "white", "#gggggg", "#ffffff\n"]),
        ("source", ["x"], [""]),
    ],
)
def test_data_bounds(field: str, inside: list[object], outside: list[object]) -> None:
    for value in inside:
        assert getattr(Data.model_validate({"source": "x", "test": 0.1, field: value}), field) == value
    for value in outside:
        with pytest.raises(ValidationError):
            Data.model_validate({"source": "x", "test": 0.1, field: value})


@pytest.mark.parametrize("value", ["30", 30.0, True, None])
def test_numbers_are_not_guessed_from_other_types(value: object) -> None:
    with pytest.raises(ValidationError):
        Training.model_validate({"epochs": value})


def test_validation_and_test_leave_something_to_train_on() -> None:
    with pytest.raises(ValidationError, match="leave images to train on"):
        Data(source="x", validation=0.5, test=0.5)


def test_a_section_refuses_keys_that_it_does_not_know() -> None:
    for section in (Model, Augment, Training):
        assert section.model_validate({}) == section()
        with pytest.raises(ValidationError):
            section.model_validate({"nonsense": 1})


@pytest.mark.parametrize("rate", ["auto", 1e-6, 10])
def test_learning_rates(rate: object) -> None:
    assert Training.model_validate({"learning_rate": rate}).learning_rate == rate


@pytest.mark.parametrize("rate", [0, 10.1, "Auto", float("nan"), float("inf")])
def test_learning_rates_out_of_range(rate: object) -> None:
    with pytest.raises(ValidationError):
        Training.model_validate({"learning_rate": rate})
