import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import run as run_process

import pytest

from dlpractice.errors import RunError
from dlpractice.recipes.runs.compare_runs import ABSENT, differing_keys, run
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.differences import paired_difference

TRUTH = ["a", "b", "a", "b", "a"]
Write = Callable[..., Path]
MEASURE = {"value": 0.5, "ci95": [0.4, 0.6], "n": 5, "kind": "measured"}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a run that predicts `predicted` for five test images, with `first` changed in one."""

    def write_run(name: str, predicted: str = "", config: str = "seed: 0\n", **first: str) -> Path:
        with RunDirectory.create(tmp_path / name) as directory:
            directory.write_config(config)
            if not predicted:
                return tmp_path / name
            images = [
                {"path": f"{index}.png", "label": label, "split": "test", "sha256": f"{index}"}
                for index, label in enumerate(TRUTH)
            ]
            images.append({"path": "v.png", "label": "a", "split": "validation", "sha256": "v"})
            images[0] |= first
            directory.write_splits(images)
            directory.write_predictions(
                {"path": image["path"], "split": image["split"], "label": image["label"], "predicted": guess}
                for image, guess in zip(images, predicted + "b", strict=True)
            )
            directory.write_summary({"results": {"test_accuracy": MEASURE}})
        return tmp_path / name

    return write_run


def test_the_difference_is_paired_and_to_the_first(write: Write) -> None:
    first, second = write("first", "ababb"), write("second", "abbba")
    document = run([first, second])
    assert document["config"] == {}
    assert [row["path"] for row in document["runs"]] == [str(first), str(second)]
    assert document["runs"][0]["difference"] is None
    expected = paired_difference([1, 1, 0, 1, 1], [1, 1, 1, 1, 0]).to_json()
    assert document["runs"][1]["difference"] == expected
    assert [row["note"] for row in document["runs"]] == ["", ""]
    assert json.loads(json.dumps(document)) == document


def test_bound_images_are_counted_as_one_and_both_numbers_are_said(write: Write) -> None:
    runs = write("first", "ababb"), write("second", "abbba")
    before = run(runs)["runs"][1]["difference"]
    for path in runs:
        with RunDirectory.resume(path) as directory:
            films = dict(zip("01234", "ppqrr", strict=True))
            directory.write_splits(
                row | {"bound": films.get(row["path"][0], "v")} for row in directory.splits()
            )
    difference = run(runs)["runs"][1]["difference"]
    assert difference == paired_difference([1, 1, 0, 1, 1], [1, 1, 1, 1, 0], list("ppqrr")).to_json()
    assert (difference["n"], difference["groups"]) == (5, 3)
    assert difference["ci95"][0] < before["ci95"][0]
    assert run([runs[0], runs[0]])["runs"][1]["difference"]["ci95"][0] < 0


def test_the_order_of_the_rows_does_not_matter(write: Write) -> None:
    first, second = write("first", "ababb"), write("second", "abbba")
    before = run([first, second])["runs"][1]["difference"]
    header, *rows = (second / "predictions.csv").read_text().splitlines()
    (second / "predictions.csv").write_text("\n".join([header, *reversed(rows)]) + "\n")
    assert run([first, second])["runs"][1]["difference"] == before


def test_one_data_set_in_two_spellings_of_unicode_is_compared(write: Write) -> None:
    first = write("first", "ababb", path="caf\u00e9/0.png", label="caf\u00e9")
    second = write("second", "abbba", path="cafe\u0301/0.png", label="cafe\u0301")
    described = run([first, second])["runs"][1]
    assert (described["note"], described["difference"] is None) == ("", False)


@pytest.mark.parametrize("change", [{"label": "b"}, {"sha256": "other"}, {"path": "other.png"}])
def test_other_test_images_are_not_compared(change: dict[str, str], write: Write) -> None:
    document = run([write("first", "ababa"), write("second", "ababa", **change)])
    assert document["runs"][1]["difference"] is None
    assert "test images are not in both runs with the same label" in document["runs"][1]["note"]


def test_unfinished_runs_are_shown_and_not_compared(write: Write) -> None:
    done, open_run = write("done", "ababa"), write("open")
    one = run([done, open_run])["runs"][1]
    assert (one["finished"], one["results"], one["note"]) == (False, {}, "not finished")
    assert run([open_run, done])["runs"][1]["note"] == "not compared: the first run is not finished"


def test_configs_differ_by_dotted_key(write: Write) -> None:
    first = write("first", config="seed: 0\ntraining:\n  epochs: 30\n  optimiser: sgd\n")
    second = write("second", config="seed: 1\ntraining:\n  epochs: 30\nmodel: {}\n")
    assert run([first, second])["config"] == {
        "seed": [0, 1],
        "training.optimiser": ["sgd", ABSENT],
        "model": [ABSENT, {}],
    }


def test_none_and_absent_are_not_the_same() -> None:
    assert differing_keys([{"a": None}, {}, {"a": None}]) == {"a": [None, ABSENT, None]}
    assert differing_keys([{"a": 1, "b": [1]}, {"a": 1, "b": [1]}]) == {}


def test_two_runs_are_needed_and_each_must_be_one(write: Write, tmp_path: Path) -> None:
    first = write("first", "ababa")
    with pytest.raises(RunError, match="two runs or more"):
        run([first])
    with pytest.raises(RunError, match="there is no folder"):
        run([first, tmp_path / "none"])


def test_what_a_shell_makes_of_a_star_is_compared(write: Write, tmp_path: Path) -> None:
    first = write("first", "ababa")
    runs = [write(f"folder/{name}/seed-{seed}", "ababb") for name in ("full", "head") for seed in (0, 1)]
    (tmp_path / "folder/comparison.json").write_text("{}")
    document = run([first, *sorted((tmp_path / "folder").glob("*"))])
    assert [row["path"] for row in document["runs"]] == [str(first), *map(str, runs)]
    assert document["passed_over"] == [str(tmp_path / "folder/comparison.json")]
    assert [row["path"] for row in run([runs[2], tmp_path / "folder"])["runs"]] == [
        *map(str, [runs[2], *runs[:2], runs[3]])
    ]
    (tmp_path / "lone").mkdir()
    (tmp_path / "lone/mine.txt").touch()
    with pytest.raises(RunError, match=r"mine\.txt is a file, not a run"):
        run([first, tmp_path / "lone/mine.txt"])


def test_a_real_run_equals_itself(finished_run: Path) -> None:
    document = run([finished_run, finished_run])
    difference = document["runs"][1]["difference"]
    assert document["config"] == {}
    assert difference["value"] == 0
    assert difference["n"] == document["runs"][0]["results"]["test_accuracy"]["n"]


def test_tensorflow_is_not_needed() -> None:
    program = "import sys, dlpractice.recipes.runs.compare_runs; sys.exit('tensorflow' in sys.modules)"
    assert run_process([sys.executable, "-c", program], check=False).returncode == 0


def test_predictions_on_images_that_the_splits_do_not_know_are_an_error(write: Write) -> None:
    first, second = write("first", "ababb"), write("second", "abbba")
    with RunDirectory.resume(second) as directory:
        directory.write_splits(directory.splits()[1:])
    with pytest.raises(RunError, match=r"predictions\.csv names 0\.png"):
        run([first, second])


def test_an_image_that_is_asked_for_in_several_tasks_counts_once_for_each(tmp_path: Path) -> None:
    answers = {"first": "aabb", "second": "abba"}
    for name, predicted in answers.items():
        with RunDirectory.create(tmp_path / name) as directory:
            directory.write_config("command: oneshot\n")
            directory.write_splits([{"path": "q", "label": "a", "split": "test", "sha256": "0"}])
            directory.write_predictions(
                {"path": "q", "split": "test", "label": "a", "predicted": guess} for guess in predicted
            )
            directory.write_summary({"results": {"lake-20": MEASURE}})
    difference = run([tmp_path / "first", tmp_path / "second"])["runs"][1]["difference"]
    assert difference == paired_difference([1, 0, 0, 1], [1, 1, 0, 0], ["a"] * 4).to_json()


def test_a_difference_of_one_shot_runs_is_clustered_by_alphabet(tmp_path: Path) -> None:
    labels = ["A/1", "A/2", "A/3", "B/1", "B/2", "B/3", "C/1", "C/2", "C/3"]
    right = {"first": [0, 0, 0, 1, 1, 1, 1, 0, 1], "second": [1, 1, 1, 1, 1, 0, 1, 1, 1]}
    for name, correct in right.items():
        with RunDirectory.create(tmp_path / name) as directory:
            directory.write_config("command: oneshot\n")
            rows = [{"path": label, "label": label, "split": "test"} for label in labels]
            directory.write_splits([row | {"sha256": "0"} for row in rows])
            directory.write_predictions(
                row | {"predicted": row["label"] if is_right else "other"}
                for row, is_right in zip(rows, correct, strict=True)
            )
            directory.write_summary({"results": {"lake-20": MEASURE}})
    difference = run([tmp_path / "first", tmp_path / "second"])["runs"][1]["difference"]
    alphabets = [label[0] for label in labels]
    assert difference == paired_difference(right["second"], right["first"], alphabets).to_json()
    assert difference != paired_difference(right["second"], right["first"]).to_json()
