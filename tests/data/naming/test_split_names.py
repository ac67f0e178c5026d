import pytest

from dlpractice.data.naming.split_names import find_rivals, find_splits


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (
            "train",
            [
                "train",
                "Training",
                "TRAIN",
                "training_set",
                "train-images",
                "trainset",
                "train2017",
                "trainval",
            ],
        ),
        ("validation", ["val", "valid", "Validation", "dev", "val_data", "eval", "EVALUATION", "valset"]),
        ("test", ["test", "Testing", "holdout", "hold-out", "held_out", "test set", "seg_test", "testdata"]),
    ],
)
def test_usual_names(split: str, names: list[str]) -> None:
    for name in names:
        assert find_splits([name]) == {name: split}


@pytest.mark.parametrize(
    "name", ["cat", "trainer", "test_cat", "latest", "", "2017", "set", "steam train", "контроль"]
)
def test_other_names(name: str) -> None:
    assert find_splits([name]) == {}


def test_evaluation_is_what_is_lacking() -> None:
    assert find_splits(["train", "eval"]) == {"train": "train", "eval": "validation"}
    assert find_splits(["eval", "test"]) == {"eval": "validation", "test": "test"}
    assert find_splits(["eval", "val"]) == {"eval": "test", "val": "validation"}


def test_two_names_for_one_split() -> None:
    assert find_rivals(find_splits(["train", "val", "dev", "test"])) == ("validation", ["dev", "val"])
    assert find_rivals(find_splits(["val", "eval", "test"])) == ("test", ["eval", "test"])
    assert find_rivals(find_splits(["train", "val", "test"])) is None
