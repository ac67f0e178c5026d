"""Exported encoders name classes as the one-shot run does that they come from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlpractice.data.files.decoding import Look
from dlpractice.errors import ModelError
from dlpractice.models.precision import set_precision
from dlpractice.models.siamese import Verdict
from dlpractice.progress import Silent
from dlpractice.recipes.export.encoder_proof import compare_encoders, pick_questions
from dlpractice.recipes.export.encoder_subject import _take_files
from dlpractice.recipes.inference.finished_net import load_net
from dlpractice.recipes.inference.trained_classifier import load_classifier
from dlpractice.recipes.oneshot.comparer import Comparer
from dlpractice.recipes.oneshot.saved_siamese import SavedSiamese, load_siamese
from dlpractice.recipes.oneshot.setup import read_classes
from dlpractice.recipes.predict import identification
from dlpractice.runs.directory import RunDirectory

Export = Callable[[str], tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="module")
def saved(finished_oneshot_run: Path) -> SavedSiamese:
    return load_siamese(RunDirectory.read(finished_oneshot_run))


def load_encoder(path: Path) -> Comparer:
    net = load_net(path)
    assert isinstance(net, Comparer)
    return net


@pytest.mark.parametrize("kind", ["onnx", "litert", "savedmodel", "keras"])
def test_it_answers_as_the_run_does(
    kind: str, exported_encoder: Export, saved: SavedSiamese, support: Path, tiny_alphabets: Path
) -> None:
    path, document = exported_encoder(kind)
    encoder, index = load_encoder(path), Path(f"{path}.npz")
    assert (encoder.note, encoder.digest, encoder.threshold) == (saved.note, saved.digest, saved.threshold)
    queries = [str(tiny_alphabets)]
    for examples in ({"support": support}, {"index": index}):
        theirs = identification.identify(encoder, queries, **examples)
        ours = identification.identify(saved, queries, **examples)
        assert [row["predicted"] for row in theirs] == [row["predicted"] for row in ours]
        np.testing.assert_allclose(
            [row["confidence"] for row in theirs], [row["confidence"] for row in ours], atol=1e-4
        )
    assert document["largest_difference"] < 1e-4
    assert 0 <= document["largest_embedding_difference"] < 1e-4 * document["largest_embedding"]
    assert document["equal_answers"]["value"] == 1
    assert document["accuracy_before"] == document["accuracy_after"]
    with pytest.raises(ModelError, match=r"compares images|not a model of"):
        load_classifier(path)


def test_an_index_says_how_it_is_compared(exported_encoder: Export, saved: SavedSiamese) -> None:
    path, _ = exported_encoder("onnx")
    with np.load(f"{path}.npz", allow_pickle=False) as index:
        assert index["class_names"].tolist() == list("abcd")
        assert type(saved.comparison).model_validate_json(index["comparison"].tolist()) == saved.comparison


def test_the_proof_sees_another_encoder(saved: SavedSiamese, tiny_oneshot_config: Any) -> None:
    questions = pick_questions(read_classes(tiny_oneshot_config, Silent()).validation, most=60)
    assert len(questions.examples) <= 60
    noise = np.random.default_rng(0)

    def embed(pixels: np.ndarray) -> np.ndarray:
        return noise.normal(size=saved.embed_pixels(pixels).shape).astype(np.float32)

    saved = replace(saved, verdict=Verdict(threshold=-1e6))  # all is known
    other = Comparer(embed, saved.similarity, saved.verdict, saved.note, saved.digest)
    same = compare_encoders(saved, saved, questions)
    assert same["largest_difference"] == same["largest_embedding_difference"] == 0
    assert same["accuracy_difference"]["value"] == 0
    found = compare_encoders(saved, other, questions)
    assert found["equal_answers"]["value"] < 0.9
    assert found["largest_difference"] > 0.01
    difference = found["accuracy_after"]["value"] - found["accuracy_before"]["value"]
    assert found["accuracy_difference"]["value"] == pytest.approx(difference)


@pytest.mark.parametrize("side", [35, 48])
def test_shrinking_is_part_of_the_net(side: int, with_verdict: Callable[..., RunDirectory]) -> None:
    saved = load_siamese(with_verdict(side=side))
    set_precision(saved.siamese.model, "float32")
    assert saved.note.look == Look(side)
    pixels = np.random.default_rng(0).integers(0, 256, (3, side, side, 1), np.uint8)
    found = np.asarray(_take_files(saved)(pixels.astype(np.float32)))
    np.testing.assert_allclose(found, saved.embed_pixels(pixels), rtol=1e-3, atol=1e-4)
