"""Naming images by enrolled classes, held against the whole net on each pair."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlpractice.data.files.decoding import Look
from dlpractice.data.files.index_items import IMAGES
from dlpractice.data.oneshot.own_classes import Reading, read_class_folders
from dlpractice.errors import DataError, ModelError
from dlpractice.recipes.oneshot.saved_siamese import load_siamese
from dlpractice.recipes.predict import identification
from dlpractice.runs.directory import RunDirectory

WithVerdict = Callable[..., RunDirectory]


@pytest.fixture(scope="module")
def run(finished_oneshot_run: Path) -> RunDirectory:
    return RunDirectory.read(finished_oneshot_run)


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
    run: RunDirectory, characters: list[Path], support: Path
) -> None:
    shown = _pixels([sorted(folder.iterdir())[0] for folder in characters])
    queries = [path for folder in characters for path in sorted(folder.iterdir())[1:]]
    rows = identification.identify(run, [str(path) for path in queries], support=support)
    saved = load_siamese(run)
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
    run = with_verdict(threshold=-1e6)
    (known,) = identification.identify(run, query, support=support)
    assert known["known"] and known["predicted"] == known["top"][0]["label"]
    (unknown,) = identification.identify(with_verdict(threshold=1e6), query, support=support)
    assert not unknown["known"] and unknown["predicted"] == "unknown"
    assert unknown["top"] == known["top"] and unknown["confidence"] == known["confidence"]


def test_embeddings_of_several_examples_are_averaged(run: RunDirectory, characters: list[Path]) -> None:
    saved = load_siamese(run)
    found = identification.enrol(saved, characters[0].parent)
    names = tuple(folder.name for folder in sorted(characters[0].parent.iterdir()))
    assert found.class_names == names
    for name, embedding in zip(names, found.embeddings, strict=True):
        pixels = _pixels(sorted((characters[0].parent / name).iterdir()))
        truth = saved.siamese.encoder.predict(pixels, verbose=0).mean(axis=0)
        np.testing.assert_allclose(embedding, truth, atol=1e-4)


def test_an_image_that_cannot_be_read_is_a_row(run: RunDirectory, support: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    rows = identification.identify(run, [str(tmp_path / "bad.png"), str(support)], support=support)
    assert set(rows[0]) == {"path", "error"}
    assert [row["top"][0]["label"] for row in rows[1:]] == list("abcd")  # each is most like itself


def test_an_index_answers_as_its_support_does(
    run: RunDirectory, with_verdict: WithVerdict, characters: list[Path], support: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index.npz"
    queries = [str(characters[1])]
    before = identification.identify(run, queries, support=support, save_index=index)
    assert identification.identify(run, queries, index=index) == before
    assert identification.identify(run, [], support=support, save_index=index) == []
    with pytest.raises(ModelError, match="another run's net"):
        identification.identify(with_verdict(threshold=0.0), queries, index=index)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="is no index"):
        identification.identify(run, queries, support=support, save_index=tmp_path / "notes.txt")
    with pytest.raises(ValueError, match="either"):
        identification.identify(run, queries, support=support, index=index)


def test_classes_are_folders_or_single_files(tmp_path: Path) -> None:
    for name in ("Eve.png", "adam/2.jpg", "adam/1.png", "Greek/alpha/x.png", ".hidden.png"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    assert identification.find_classes(tmp_path, IMAGES) == {
        "Eve": ["Eve.png"],
        "Greek/alpha": ["Greek/alpha/x.png"],
        "adam": ["adam/1.png", "adam/2.jpg"],
    }


def test_two_spellings_of_a_folder_are_one_class(tmp_path: Path) -> None:
    for name in ("caf\u00e9/1.png", "cafe\u0301/2.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    found = identification.find_classes(tmp_path, IMAGES)
    assert {name: sorted(inside) for name, inside in found.items()} == {
        "caf\u00e9": ["cafe\u0301/2.png", "caf\u00e9/1.png"]
    }


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ([], "holds no images$"),
        (["a/1.npy", "b/2.npy"], r"holds no images; there are 2 files \*\.npy"),
        (["a.png", "a.jpg"], r"two classes of one name: a \(a\.jpg, a\.png\)"),
        (["a.png", "a/1.jpg"], r"two classes of one name: a \(a\.png, a/1\.jpg\)"),
        (["a.png", "b.pdf", "c/"], r"no example of a class: b\.pdf, c"),
        (["a.png", "c/notes.txt"], "no example of a class: c"),
        (["a.png", "unknown/1.png"], "a class called unknown"),
        (["caf\u00e9.png", "cafe\u0301.png"], "two classes of one name: caf\u00e9"),
        (["a.png", "b\udce9/1.png"], "no readable text"),
    ],
)
def test_what_would_leave_out_or_mix_classes_is_refused(tmp_path: Path, files: list[str], match: str) -> None:
    for name in files:
        target = tmp_path / name
        (target if name.endswith("/") else target.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            target.touch()
    with pytest.raises(DataError, match=match):
        identification.find_classes(tmp_path, IMAGES)
    with pytest.raises(DataError, match="there is no folder"):
        identification.find_classes(tmp_path / "none", IMAGES)


def test_all_examples_that_cannot_be_read_are_named(run: RunDirectory, support: Path) -> None:
    for name in ("x.png", "y.jpg"):
        (support / name).write_bytes(b"")
    with pytest.raises(DataError, match=r"(?s)2 of 6 examples.*x\.png.*y\.jpg.*empty"):
        identification.identify(run, [], support=support)


def test_two_images_are_compared_as_the_net_does_and_in_any_order(
    run: RunDirectory, characters: list[Path], tmp_path: Path
) -> None:
    paths = [sorted(characters[0].iterdir())[0], sorted(characters[1].iterdir())[2]]
    there = identification.compare(run, str(paths[0]), str(paths[1]))
    back = identification.compare(run, str(paths[1]), str(paths[0]))
    assert there["paths"] == [str(path) for path in paths] == back["paths"][::-1]
    assert _without_paths(there) == _without_paths(back)
    siamese = load_siamese(run).siamese
    first, second = _pixels(paths)[:, np.newaxis]
    assert there["score"] == pytest.approx(
        float(siamese.model.predict([first, second], verbose=0)[0]), abs=1e-5
    )
    verdict = siamese.verdict
    curve = 1 / (1 + np.exp(-(verdict.slope * verdict.threshold + verdict.intercept)))
    assert there["threshold"] == pytest.approx(curve, rel=1e-5)
    assert there["same"] == (there["similarity"] >= verdict.threshold)
    assert identification.compare(run, str(paths[0]), str(paths[0]))["score"] >= there["score"]
    with pytest.raises(DataError, match=r"none\.png"):
        identification.compare(run, str(paths[0]), str(tmp_path / "none.png"))


def _without_paths(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "paths"}
