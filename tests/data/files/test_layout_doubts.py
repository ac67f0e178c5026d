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
