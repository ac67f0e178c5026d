"""Rules about the split, on rows with a planted fault."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules import splits as rules


def test_a_fair_split_is_left_alone(make: SimpleNamespace) -> None:
    rows = make.split_rows()
    case = open_case(make.run_of(rows=rows, predictions=tuple(make.answers(rows, 10))))
    assert [rule.name for rule in rules.RULES if rule.judge(case)] == []


def test_copies_and_look_alikes(make: SimpleNamespace) -> None:
    rows = make.split_rows()
    test = next(row for row in rows if row["split"] == "test")
    test["sha256"] = rows[0]["sha256"]
    sign = rules.see_copies(open_case(make.run_of(rows=rows)))
    assert (sign.severity, set(sign.paths)) == ("error", {"train/0.png", "test/0.png"})
    audit = {"near_duplicates": [["train/1.png", "validation/1.png"], ["train/2.png", "train/3.png"]]}
    sign = rules.see_copies(open_case(make.run_of(audit=audit)))
    assert (sign.severity, sign.paths) == ("warning", ("train/1.png", "validation/1.png"))


def test_clusters_of_look_alikes(make: SimpleNamespace) -> None:
    torn = ["train/1.png", "train/4.png", "train/5.png", "validation/1.png"]
    clusters = [{"paths": paths, "fixed_scene": False} for paths in (torn, ["train/2.png", "train/3.png"])]
    sign = rules.see_copies(open_case(make.run_of(audit={"near_duplicates": clusters})))
    assert (sign.severity, sign.paths) == ("warning", tuple(torn))
    assert sign.evidence == (
        "1 look-alikes in two splits: train/1.png = train/4.png = train/5.png and 1 more",
    )
    clusters[0]["fixed_scene"] = True  # divided on purpose, and told of
    sign = rules.see_copies(open_case(make.run_of(audit={"near_duplicates": clusters})))
    assert (sign.severity, sign.confidence) == ("info", "low")
    assert sign.evidence[0].startswith("1 fixed scenes in two splits: train/1.png")


def test_class_shift(make: SimpleNamespace) -> None:
    rows = make.split_rows()
    for number, row in enumerate(row for row in rows if row["split"] == "test"):
        row["label"] = "class0" if number % 5 else "class1"
    sign = rules.see_class_shift(open_case(make.run_of(rows=rows)))
    assert "30% of the test images" in sign.evidence[0]
    assert "50% in training, 80% in test" in sign.evidence[0]


def test_imbalance_and_what_is_done_about_it(make: SimpleNamespace) -> None:
    rows = make.split_rows()
    for row in rows:
        row["label"] = "class0" if int(row["path"].split("/")[1][:-4]) % 31 else "class1"
    sign = rules.see_imbalance(open_case(make.run_of(rows=rows)))
    assert sign.overrides == ("training.class_weights=balanced",)
    balanced = {"training": {"class_weights": "balanced"}}
    assert rules.see_imbalance(open_case(make.run_of(rows=rows, config=balanced))) is None


def test_a_class_that_is_never_predicted(make: SimpleNamespace) -> None:
    rows = make.split_rows(classes=3)
    predictions = [
        answer | {"predicted": answer["label"].replace("2", "0")} for answer in make.answers(rows, 0)
    ]
    sign = rules.see_unpredicted(open_case(make.run_of(rows=rows, predictions=tuple(predictions))))
    assert sign.evidence == ("1 of 3 classes are never predicted: class2",)


def test_too_few_images_to_learn_or_to_choose_by(make: SimpleNamespace) -> None:
    rows = make.split_rows(train=20, validation=40)
    sign = rules.see_few_images(open_case(make.run_of(rows=rows)))
    assert sign.evidence == ("20 training images, 10 of a class (median)",)
    sign = rules.see_small_validation(open_case(make.run_of(0.9, 0.8, rows=rows)))
    assert "40 validation images: accuracy 80.0% could be 65.2% to 89.5%" in sign.evidence[0]


def test_a_test_that_was_asked_twice(make: SimpleNamespace) -> None:
    record = make.run_of(summary={"best_epoch": 3, "test_scored": 2})
    assert rules.see_repeated_test(open_case(record)).severity == "warning"


@pytest.mark.parametrize(
    ("counts", "whole", "found"),
    [
        ([4, 3, 3, 2, 4, 2, 3, 4, 3, 4], True, False),
        ([7, 6, 7, 6, 6, 0, 0, 0, 0, 0], True, True),
        ([2, 1, 1, 0, 0, 0, 0, 0, 0, 0], True, False),
        ([32, 0], True, True),
        ([4, 0], True, False),
        ([32, 0], False, False),
    ],
)
def test_classes_that_a_first_batch_lacks(
    make: SimpleNamespace, counts: list[int], whole: bool, found: bool
) -> None:
    start = {"classes": len(counts), "targets": {"counts": counts, "whole": whole}}
    record = replace(make.log_of(loss=[1.0, 0.5]), diagnostics={"start": start})
    assert (rules.see_imbalance(open_case(record)) is not None) == found
