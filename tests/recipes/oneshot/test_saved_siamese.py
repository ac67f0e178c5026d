"""A finished one-shot run's net, loaded as a user would."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from dlpractice.data.files.decoding import Look
from dlpractice.data.files.unlabelled_images import LoadedImage
from dlpractice.data.oneshot.own_classes import Reading, read_class_folders
from dlpractice.data.oneshot.query_files import Note
from dlpractice.errors import ModelError
from dlpractice.recipes.oneshot.saved_siamese import load_siamese
from dlpractice.runs.directory import RunDirectory


def test_it_brings_how_files_are_decoded(
    finished_oneshot_run: Path, with_verdict: Callable[..., RunDirectory]
) -> None:
    saved = load_siamese(RunDirectory.read(finished_oneshot_run))
    assert saved.image_size == 16
    assert saved.note == Note("images", Look(16, "stretch", "#ffffff"), "grey")
    other = load_siamese(with_verdict(kind="drawings", side=105, resize="pad", background="#000000"))
    assert other.note == Note("drawings", Look(105, "pad", "#000000"), "grey")
    assert saved.digest != other.digest


def test_it_embeds_and_judges_as_the_whole_net_does(finished_oneshot_run: Path, tiny_alphabets: Path) -> None:
    saved = load_siamese(RunDirectory.read(finished_oneshot_run))
    examples = read_class_folders(str(tiny_alphabets), Reading(Look(16))).examples
    paths = [str(tiny_alphabets / path) for path in examples.paths[:40]]
    images = list(saved.load([*paths[:3], "missing.png", *paths[3:]]))
    pairs = list(saved.embed(images))
    assert [image.path for image, _ in pairs] == [image.path for image in images]
    assert pairs[3][1] is None and pairs[3][0].error
    embeddings = np.stack([embedding for _, embedding in pairs if embedding is not None])
    found = saved.judge(saved.compare(embeddings, embeddings[:5]))
    assert found.shape == (40, 5)
    pixels = np.asarray(examples.pixels[:40], np.float32)
    for column in range(5):
        twin = np.repeat(pixels[column : column + 1], 40, axis=0)
        truth = saved.siamese.model.predict([pixels, twin], verbose=0)
        np.testing.assert_allclose(found[:, column], truth, atol=1e-4)


def test_images_are_shrunk_to_what_the_encoder_sees(with_verdict: Callable[..., RunDirectory]) -> None:
    saved = load_siamese(with_verdict(side=48))
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (16, 16, 1), np.uint8)
    large = small.repeat(3, axis=0).repeat(3, axis=1)  # each pixel three by three of the same
    ((_, found),) = saved.embed([LoadedImage("large", large)])
    truth = saved.siamese.encoder.predict(small[np.newaxis].astype(np.float32), verbose=0)
    assert found is not None
    np.testing.assert_allclose(found, truth[0], atol=1e-4)


def test_nets_that_are_missing_damaged_or_foreign_are_refused(
    finished_oneshot_run: Path, finished_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_bytes((finished_oneshot_run / "config.yaml").read_bytes())
    run = RunDirectory.read(tmp_path)
    with pytest.raises(ModelError, match=r"has no model\.keras"):
        load_siamese(run)
    run.model_path.write_bytes((finished_oneshot_run / "model.keras").read_bytes()[:5000])
    with pytest.raises(ModelError, match="no intact zip file"):
        load_siamese(run)
    keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1)]).save(run.model_path)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_siamese(run)
    with pytest.raises(ModelError, match="not a model of `dlp oneshot`"):
        load_siamese(RunDirectory.read(finished_run))
