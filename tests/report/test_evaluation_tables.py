"""What `dlp evaluate` found, at 80 columns: that it fits, and that every figure is the document's."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console

from dlpractice.report.evaluation_tables import evaluation_table, list_class_cells


def measure(value: float, low: float, high: float, n: int = 500, **more: Any) -> dict[str, Any]:
    return {"value": value, "ci95": [low, high], "n": n, "kind": "measured", **more}


def evaluation(names: Sequence[str], confusion: list[list[int]], **changes: Any) -> dict[str, Any]:
    scores = {"precision": None, "recall": measure(0.51, 0.4, 0.6), "f1": measure(0.3, 0.2, 0.45)}
    row = measure(0.5, 0.4, 0.6, 100) | {"precision": measure(0.7, 0.6, 0.8), "f1": measure(0.58, 0.5, 0.7)}
    return {
        "accuracy": measure(0.9, 0.85, 0.95, 12345),
        "per_class": dict.fromkeys(names, row),
        "macro": scores,
        "weighted": scores,
        "missing": [],
        "class_names": list(names),
        "confusion": confusion,
        "calibration": {"temperature": 1.5, "n": 500, "error": measure(0.05, 0.01, 0.09), "bins": []},
        "selection": None,
        "trained_on": 0,
        "mistakes": [],
        "unreadable": [],
    } | changes


def render(document: dict[str, Any]) -> list[str]:
    console = Console(width=80, markup=False, highlight=False)
    with console.capture() as capture:
        console.print(evaluation_table(document))
    shown = [line.rstrip() for line in capture.get().splitlines()]
    assert max(len(line) for line in shown) <= 80
    assert "…" not in capture.get()
    return shown


def joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


@pytest.mark.parametrize("k", [2, 10, 12])
def test_every_number_is_there(k: int) -> None:
    names = [f"a class with a long name {index}" for index in range(k)]
    confusion = [[4900 if row == column else row * 10 + column for column in range(k)] for row in range(k)]
    lines = render(evaluation(names, confusion, unreadable=[{"path": "x", "error": "y"}] * 1234))
    text = joined(lines)
    assert "90.0 % right (85.0-95.0) of 12,345 images" in text
    assert "70.0 60.0-80.0 50.0 40.0-60.0 58.0 100" in text
    assert "mean of classes - 51.0 40.0-60.0 30.0 12,345" in text
    assert "could not be read, and not counted: 1,234" in text
    assert lines.count("    x: y") == 1234
    if k <= 10:
        header = next(i for i, line in enumerate(lines) if "true \\ predicted" in line)
        # Counts come last, whatever the wrapping of names does; rows keep their order.
        ended = [line.split()[-k:] for line in lines[header + 1 :]]
        rows = [list(map(int, cells)) for cells in ended if "".join(cells).isdigit() and len(cells) == k]
        assert [row for row in rows if max(row) == 4900] == confusion
    else:
        listed = [line for line in lines if " taken for " in line]
        assert len(listed) == 10
        assert listed[0].split() == [*f"{names[11]} taken for {names[10]}".split(), "120"]


def test_confusions_are_headed_by_names() -> None:
    names = ["cat", "dog", "a very long-winded name of a class"]
    lines = render(evaluation(names, [[9, 1, 0], [0, 4, 0], [0, 0, 6]]))
    header = next(i for i, line in enumerate(lines) if "true \\ predicted" in line)
    assert lines[header].split()[3:5] == ["cat", "dog"] and "winded name of a" in joined(lines[:header])
    assert "cat 9 1 0" in joined(lines)
    many = [f"class {index}" for index in range(10)]
    confusion = [[1000 * (row == column) for column in range(10)] for row in range(10)]
    lines = render(evaluation(many, confusion))
    assert "true \\ predicted 0 1 2 3 4 5 6 7 8 9" in joined(lines) and "9 class 9 0 0" in joined(lines)


def test_without_a_mistake() -> None:
    confusion = [[5 * (row == column) for column in range(12)] for row in range(12)]
    text = joined(render(evaluation([str(index) for index in range(12)], confusion)))
    assert "No image was taken for another class." in text
    assert not any(words in text for words in ("could not be read", "surest", "not known", "unsure"))


def test_of_many_classes_the_worst_are_shown() -> None:
    names = [f"class {number}" for number in range(1000)]
    document = evaluation(names, [[1] * 1000] * 1000, missing=["a\n", *"bcdefg"])
    document["per_class"] = {
        name: row | {"f1": measure(number % 100 / 100, 0, 1)}
        for number, (name, row) in enumerate(document["per_class"].items())
    }
    lines = render(document)
    assert [line.split()[:2] for line in lines if " 58.0 " in line] == []
    rows = [line for line in lines if line.startswith("class ") and "taken for" not in line]
    assert len(rows) == 41  # with the head
    text = joined(lines)
    assert "the 40 of 1,000 classes with the lowest F1" in text and "class 903" in text
    assert "no image of a\\n, b, c, d, e and 2 more" in text
    assert len(list(list_class_cells(document))) == 1 + 1000 + 2 + 1


def test_groups_mistakes_and_selection() -> None:
    right = measure(0.9, 0.85, 0.95, 12345, groups=77)
    validation = {"threshold": 0.8, "coverage": 0.75, "accuracy": measure(0.99, 0.97, 1.0)}
    selection = {
        "threshold": 0.801,
        "coverage": measure(0.66, 0.6, 0.7),
        "accuracy": measure(0.97, 0.9, 0.98, 333),
        "validation": validation,
    }
    mistake = {"path": "cat/\x1b[2J.png", "label": "cat", "predicted": "$dog$", "confidence": 0.987}
    changes = {"accuracy": right, "selection": selection, "trained_on": None, "mistakes": [mistake] * 9}
    document = evaluation(["cat", "$dog$"], [[1, 9], [0, 1]], **changes)
    lines = render(document)
    text = joined(lines)
    assert "of 12,345 images of 77 groups" in text and "n groups" in text
    assert "unsure: below 80.1 %; 66.0 % of these images get an answer" in text
    assert "97.0 % (90.0-98.0, n = 333) are right; of the validation images 75.0 %" in text
    assert sum(line.split() == ["cat/\\x1b[2J.png", "cat", "$dog$", "98.7"] for line in lines) == 5
    assert "is not known" in text
    selection["accuracy"] = None
    assert "66.0 % of these images get an answer calibration" not in joined(render(document))
    plain = document["calibration"] | {"temperature": None}
    assert "how far the softmax's confidence is" in joined(render(document | {"calibration": plain}))


def test_csv_has_a_line_for_each_class() -> None:
    out = io.StringIO()
    csv.writer(out).writerows(list_class_cells(evaluation(["macro", "a,b"], [[1, 0], [0, 1]])))
    rows = list(csv.DictReader(out.getvalue().splitlines()))
    kinds = [(row["kind"], row["name"]) for row in rows]
    assert kinds == [
        ("class", "macro"),
        ("class", "a,b"),
        ("mean", "macro"),
        ("mean", "weighted"),
        ("accuracy", ""),
    ]
    assert [rows[1][key] for key in ("n", "groups", "precision", "recall_low", "f1_high")] == [
        "100",
        "",
        "0.7",
        "0.4",
        "0.7",
    ]
    assert (rows[2]["precision"], rows[2]["f1"], rows[-1]["recall_high"]) == ("", "0.3", "0.95")
