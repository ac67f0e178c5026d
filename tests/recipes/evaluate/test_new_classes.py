"""One-shot tasks over folders, with a net that was trained on others."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from dlpractice.data.examples import Examples
from dlpractice.data.sets.omniglot import Omniglot, OneshotRun
from dlpractice.errors import DataError
from dlpractice.progress import Silent
from dlpractice.recipes.evaluate import new_classes
from dlpractice.recipes.oneshot.saved_siamese import load_siamese
from dlpractice.runs.directory import RunDirectory

WithVerdict = Callable[..., RunDirectory]


class Listening(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.warned: list[str] = []
        self.said: list[str] = []

    def warn(self, message: str) -> None:
        self.warned.append(message)

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture(scope="module")
def run(finished_oneshot_run: Path) -> RunDirectory:
    return RunDirectory.read(finished_oneshot_run)


def _copy_part(run: RunDirectory, source: Path, part: str, target: Path) -> Path:
    for row in run.splits():
        if row["split"] == part:
            (target / row["path"]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / row["path"], target / row["path"])
    return target


def test_on_the_test_classes_it_finds_what_the_run_found(
    run: RunDirectory, tiny_alphabets: Path, tmp_path: Path
) -> None:
    root = _copy_part(run, tiny_alphabets, "test", tmp_path / "data")
    broken = next(root.glob("*/*")) / "drawer99.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    progress = Listening()
    document = new_classes.run(run, str(root), progress)
    truth = run.summary()["results"]["within-alphabet-6-way-1-shot"]
    assert document["accuracy"] == truth
    assert document["results"] == {"within-alphabet-6-way-1-shot": truth}
    assert document["protocol"].startswith("within-alphabet-6-way-1-shot, by different drawers, ")
    assert [bad["path"] for bad in document["unreadable"]] == [broken.relative_to(root).as_posix()]
    assert not [line for line in progress.warned if "trained on" in line]
    assert [line for line in progress.said if line.startswith("no 5-shot tasks")]


def test_training_images_among_them_are_told(run: RunDirectory, tiny_alphabets: Path) -> None:
    progress = Listening()
    new_classes.run(run, str(tiny_alphabets), progress)
    rows = run.splits()
    trained = sum(row["split"] == "train" for row in rows)
    told = f"{trained} of {len(rows)} images are ones that the net was trained on"
    assert told in progress.warned


def test_five_shots_are_asked_for_where_there_are_enough(run: RunDirectory, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        (tmp_path / "data" / name).mkdir(parents=True)
        base = rng.integers(0, 256, (24, 24))
        for number in range(7):
            noisy = (base + rng.normal(0, 2, base.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(tmp_path / "data" / name / f"drawer{number}.png")
    document = new_classes.run(run, str(tmp_path / "data"))
    assert list(document["results"]) == ["3-way-1-shot", "3-way-5-shot"]
    for measure in document["results"].values():
        assert measure["value"] == pytest.approx(1.0)  # noise of 2 levels changes nothing to speak of
    assert document["accuracy"] == document["results"]["3-way-1-shot"]


def test_the_accuracy_is_that_of_a_loop_over_pairs(run: RunDirectory, tiny_alphabets: Path) -> None:
    saved = load_siamese(run)
    exercise = new_classes.read_exercise(run, saved, str(tiny_alphabets), Silent())
    document = new_classes.run(run, str(tiny_alphabets))
    pixels = np.asarray(exercise.examples.pixels, np.float32)
    embeddings = saved.siamese.encoder.predict(pixels, verbose=0, batch_size=256)
    headline = exercise.protocols[0]
    errors = count = 0
    for task in headline.tasks:
        ways = task.supports[:, 0]
        first = np.repeat(embeddings[task.queries], len(ways), axis=0)
        second = np.tile(embeddings[ways], (len(task.queries), 1))
        scores = np.asarray(saved.siamese.similarity([first, second])).reshape(len(task.queries), -1)
        errors += int((scores.argmax(axis=1) != task.answers).sum())
        count += len(task.queries)
    assert document["accuracy"]["n"] == count
    assert abs(document["accuracy"]["errors"] - errors) <= 0.005 * count  # rounding may turn near ties


def test_drawings_are_read_as_drawings(with_verdict: WithVerdict, tmp_path: Path) -> None:
    run = with_verdict(kind="drawings", side=105)
    for name in ("bar", "cross"):
        for number in range(3):
            sheet = np.full((150, 200), 170, np.uint8)
            sheet[40:110, 90 + number : 96 + number] = 50
            if name == "cross":
                sheet[70:76, 60 + number : 130] = 50
            path = tmp_path / "data" / name / f"drawer{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(sheet).save(path)
    Image.new("L", (150, 200), 170).save(tmp_path / "data" / "bar" / "drawer7.png")
    saved = load_siamese(run)
    exercise = new_classes.read_exercise(run, saved, str(tmp_path / "data"), Silent())
    examples = exercise.examples
    (bad,) = exercise.unreadable
    assert bad["path"] == "bar/drawer7.png" and "no drawing" in bad["error"]
    for path, pixels in zip(examples.paths, np.asarray(examples.pixels), strict=True):
        (image,) = saved.load([str(tmp_path / "data" / path)])
        np.testing.assert_array_equal(pixels, image.pixels)
    assert len(examples) == 6


def test_recordings_are_not_asked_of_a_run_on_images(run: RunDirectory, tmp_path: Path) -> None:
    names = ("cow/drawer1.wav", "cat/drawer1.wav", "cat/drawer2.wav", "cow/drawer2.wav")
    for pitch, name in enumerate(names, start=1):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        wavfile.write(tmp_path / "data" / name, 8000, np.sin(np.arange(8000) * pitch / 9))
    with pytest.raises(DataError, match="holds recordings, and the run compares images"):
        new_classes.run(run, str(tmp_path / "data"))


def test_generated_alphabets_are_refused_by_name(run: RunDirectory) -> None:
    with pytest.raises(DataError, match="glyphs are generated for training"):
        new_classes.run(run, "glyphs")


def _make_drawings() -> Examples:
    """One alphabet of three characters by two drawers, (6, 105, 105, 1), in ink and paper."""
    rng = np.random.default_rng(0)
    pixels = np.where(rng.random((6, 105, 105, 1)) < 0.2, 0, 255).astype(np.uint8)
    return Examples(
        pixels=pixels,
        alphabets=np.zeros(6, np.int64),
        classes=np.repeat(np.arange(3), 2),
        drawers=np.tile(np.arange(2), 3),
        alphabet_names=("Greek",),
        class_names=("Greek/1", "Greek/2", "Greek/3"),
        paths=tuple(f"Greek/{number}" for number in range(6)),
        sha256=tuple(hashlib.sha256(np.packbits(image > 0).tobytes()).hexdigest() for image in pixels),
    )


def test_omniglot_by_name_brings_its_published_tasks(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = _make_drawings()
    task = OneshotRun("run01", "Greek", np.array([0, 2, 4]), np.array([5, 1, 3]), np.array([2, 0, 1]))
    found = Omniglot(examples, examples, (task,), "")
    monkeypatch.setattr(new_classes, "read_omniglot", lambda progress: found)
    document = new_classes.run(run, "omniglot")
    assert {name: measure["n"] for name, measure in document["results"].items()} == {
        "lake-20": 3,
        "lake-extended": 6,
    }
    assert document["accuracy"] == document["results"]["lake-20"]


def test_drawings_that_were_trained_on_are_known_by_their_pixels(tmp_path: Path) -> None:
    examples = _make_drawings()
    plain = hashlib.sha256(examples.pixels[0].tobytes()).hexdigest()
    hashes = [("train", plain), ("train", examples.sha256[1]), ("test", examples.sha256[2])]
    with RunDirectory.create(tmp_path / "run") as run:
        run.write_config("command: oneshot\n")
        run.write_splits(
            {"path": str(number), "label": "x", "split": split, "sha256": digest, "group": "Greek"}
            for number, (split, digest) in enumerate(hashes)
        )
    from_files = Examples(**{**vars(examples), "sha256": tuple("abcdef")})
    assert new_classes.count_trained_on(run, from_files) == 2
