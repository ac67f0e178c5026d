"""Naming images by enrolled classes, held against the whole net on each pair."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlpractice.data.files.decoding import Look
from dlpractice.data.oneshot.own_classes import Reading, read_class_folders
from dlpractice.errors import DataError, ModelError
from dlpractice.recipes.inference.enrolment import enrol
from dlpractice.recipes.oneshot.saved_siamese import SavedSiamese, load_siamese
from dlpractice.recipes.predict import identification
from dlpractice.runs.directory import RunDirectory

WithVerdict = Callable[..., RunDirectory]


@pytest.fixture(scope="module")
def saved(finished_oneshot_run: Path) -> SavedSiamese:
    return load_siamese(RunDirectory.read(finished_oneshot_run))


@pytest.fixture(scope="module")
def characters(tiny_alphabets: Path) -> list[Path]:
    """Four characters, each a folder with four drawings."""
    return sorted(folder for folder in tiny_alphabets.glob("*/*") if folder.is_dir())[:4]


@pytest.fixture
def support(characters: list[Path], tmp_path: Path) -> Path:
    """The first drawing of each, directly in the folder."""
    for name, folder in zip("abcd", characters, strict=True):
        _copy(sorted(folder.iterdir())[0], tmp_path / "support" / f"{name}.png")
    return tmp_path / "support"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


def _pixels(paths: list[Path]) -> np.ndarray:
    """As training reads them: (N, 16, 16, 1)."""
    root = paths[0].parent.parent.parent
    examples = read_class_folders(str(root), Reading(Look(16))).examples
    where = [examples.paths.index(path.relative_to(root).as_posix()) for path in paths]
    return np.asarray(examples.pixels[np.array(where)], np.float32)


def test_confidences_are_what_the_net_says_of_each_pair(
    saved: SavedSiamese, characters: list[Path], support: Path
) -> None:
    shown = _pixels([sorted(folder.iterdir())[0] for folder in characters])
    queries = [path for folder in characters for path in sorted(folder.iterdir())[1:]]
    rows = identification.identify(saved, [str(path) for path in queries], support=support)
    threshold = saved.siamese.verdict.threshold
    encoder, similarity = saved.siamese.encoder, saved.siamese.similarity
    for row, path, pixels in zip(rows, queries, _pixels(queries), strict=True):
        pair = [np.repeat(pixels[np.newaxis], 4, axis=0), shown]
        truth = saved.siamese.model.predict(pair, verbose=0)
        order = np.argsort(-truth)
        assert row["path"] == str(path)
        assert [entry["label"] for entry in row["top"]] == ["abcd"[k] for k in order]
        np.testing.assert_allclose([entry["confidence"] for entry in row["top"]], truth[order], atol=1e-4)
        assert row["confidence"] == row["top"][0]["confidence"]
        alike = np.asarray(similarity([encoder.predict(images, verbose=0) for images in pair])).max()
        assert row["known"] == (alike >= threshold)
        assert row["known"] == (row["confidence"] >= row["threshold"])
        assert row["predicted"] == (row["top"][0]["label"] if row["known"] else "unknown")


def test_the_threshold_decides_what_is_unknown(
    with_verdict: WithVerdict, characters: list[Path], support: Path
) -> None:
    query = [str(sorted(characters[2].iterdir())[1])]
    saved = load_siamese(with_verdict(threshold=-1e6))
    (known,) = identification.identify(saved, query, support=support)
    assert known["known"] and known["predicted"] == known["top"][0]["label"]
    other = load_siamese(with_verdict(threshold=1e6))
    (unknown,) = identification.identify(other, query, support=support)
    assert not unknown["known"] and unknown["predicted"] == "unknown"
    assert unknown["top"] == known["top"] and unknown["confidence"] == known["confidence"]


def test_embeddings_of_several_examples_are_averaged(saved: SavedSiamese, characters: list[Path]) -> None:
    found = enrol(saved, characters[0].parent)
    names = tuple(folder.name for folder in sorted(characters[0].parent.iterdir()))
    assert found.class_names == names
    for name, embedding in zip(names, found.embeddings, strict=True):
        pixels = _pixels(sorted((characters[0].parent / name).iterdir()))
        truth = saved.siamese.encoder.predict(pixels, verbose=0).mean(axis=0)
        np.testing.assert_allclose(embedding, truth, atol=1e-4)


def test_an_image_that_cannot_be_read_is_a_row(saved: SavedSiamese, support: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    rows = identification.identify(saved, [str(tmp_path / "bad.png"), str(support)], support=support)
    assert set(rows[0]) == {"path", "error"}
    assert [row["top"][0]["label"] for row in rows[1:]] == list("abcd")  # each is most like itself


def test_an_index_answers_as_its_support_does(
    saved: SavedSiamese, with_verdict: WithVerdict, characters: list[Path], support: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index.npz"
    queries = [str(characters[1])]
    before = identification.identify(saved, queries, support=support, save_index=index)
    assert identification.identify(saved, queries, index=index) == before
    assert identification.identify(saved, [], support=support, save_index=index) == []
    with pytest.raises(ModelError, match="another run's net"):
        identification.identify(load_siamese(with_verdict(threshold=0.0)), queries, index=index)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="is no index"):
        identification.identify(saved, queries, support=support, save_index=tmp_path / "notes.txt")
    with pytest.raises(ValueError, match="either"):
        identification.identify(saved, queries, support=support, index=index)


def test_all_examples_that_cannot_be_read_are_named(saved: SavedSiamese, support: Path) -> None:
    for name in ("x.png", "y.jpg"):
        (support / name).write_bytes(b"")
    with pytest.raises(DataError, match=r"(?s)2 of 6 examples.*x\.png.*y\.jpg.*empty"):
        identification.identify(saved, [], support=support)


def test_two_images_are_compared_as_the_net_does_and_in_any_order(
    saved: SavedSiamese, characters: list[Path], tmp_path: Path
) -> None:
    paths = [sorted(characters[0].iterdir())[0], sorted(characters[1].iterdir())[2]]
    there = identification.compare(saved, str(paths[0]), str(paths[1]))
    back = identification.compare(saved, str(paths[1]), str(paths[0]))
    assert there["paths"] == [str(path) for path in paths] == back["paths"][::-1]
    assert _without_paths(there) == _without_paths(back)
    siamese = saved.siamese
    first, second = _pixels(paths)[:, np.newaxis]
    assert there["score"] == pytest.approx(
        float(siamese.model.predict([first, second], verbose=0)[0]), abs=1e-5
    )
    verdict = siamese.verdict
    curve = 1 / (1 + np.exp(-(verdict.slope * verdict.threshold + verdict.intercept)))
    assert there["threshold"] == pytest.approx(curve, rel=1e-5)
    assert there["same"] == (there["similarity"] >= verdict.threshold)
    assert identification.compare(saved, str(paths[0]), str(paths[0]))["score"] >= there["score"]
    with pytest.raises(DataError, match=r"none\.png"):
        identification.compare(saved, str(paths[0]), str(tmp_path / "none.png"))


def _without_paths(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "paths"}
