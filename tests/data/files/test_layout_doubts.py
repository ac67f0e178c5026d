from pathlib import Path

import pytest

from dlpractice.data.files.layout_doubts import doubt_layout


def paths(*folders: str) -> list[str]:
    return [f"{folder}/1.png" for folder in folders]


@pytest.mark.parametrize("tea", ["tea\u0301", "te\u00e1"])
def test_unknown_folders_with_the_same_folders_inside(tmp_path: Path, tea: str) -> None:
    inside = paths("Berlin/dog", "Berlin/te\u00e1", "Paris/dog", f"Paris/{tea}")
    (finding,) = doubt_layout(tmp_path, {}, inside)
    assert (finding.kind, finding.severity) == ("layout", "warning")
    assert "Berlin/, Paris/" in finding.message and "train, validation and test" in finding.message


def test_a_train_folder_among_classes(tmp_path: Path) -> None:
    (finding,) = doubt_layout(tmp_path, {}, paths("train/dog", "train/cat", "unlabelled"))
    assert (finding.kind, finding.severity) == ("layout", "warning")
    assert "train/" in finding.message


def test_splits_inside_of_classes(tmp_path: Path) -> None:
    (finding,) = doubt_layout(tmp_path, {}, paths("cat/train", "cat/val", "dog/train", "dog/val"))
    assert finding.severity == "warning"
    assert "called like splits, which are taken for none: train, val" in finding.message
    assert "as in train/cat/" in finding.message


def test_classes_called_like_two_splits(tmp_path: Path) -> None:
    (finding,) = doubt_layout(tmp_path, {}, paths("bus", "train", "test"))
    assert finding.severity == "warning"
    assert "test/, train/ are taken for classes" in finding.message or "train/, test/" in finding.message


def test_all_tables_are_named(tmp_path: Path) -> None:
    for name in ("train.csv", "sample.csv"):
        (tmp_path / name).touch()
    (finding,) = doubt_layout(tmp_path, {}, paths("images"))
    assert "sample.csv, train.csv are not read: if one of them holds" in finding.message


@pytest.mark.parametrize(
    "folders", [("cat", "dog"), ("cat/images", "dog/images"), ("cat/a", "dog/b"), ("train", "bus")]
)
def test_nothing_to_doubt(tmp_path: Path, folders: tuple[str, ...]) -> None:
    assert list(doubt_layout(tmp_path, {}, paths(*folders))) == []


@pytest.mark.parametrize(("folders", "severity"), [(("images",), "warning"), (("cat", "dog"), "info")])
def test_a_table_beside_the_folders(tmp_path: Path, folders: tuple[str, ...], severity: str) -> None:
    (tmp_path / "labels.CSV").touch()
    (finding,) = doubt_layout(tmp_path, {}, paths(*folders))
    assert (finding.kind, finding.severity, finding.paths) == ("table", severity, ("labels.CSV",))
