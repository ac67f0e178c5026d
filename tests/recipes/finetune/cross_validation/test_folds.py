"""Folds made by the real command on tiny images: killed, gone on with, and read by the other commands."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app
from dlpractice.config.fold_configs import load_folds
from dlpractice.config.load import dump_config
from dlpractice.config.schema import Finetune
from dlpractice.data.files.decoding import Look
from dlpractice.data.files.unlabelled_images import load_images
from dlpractice.diagnosis.several_runs import diagnose_group
from dlpractice.progress import Silent
from dlpractice.recipes.finetune.cross_validation import folds
from dlpractice.recipes.inference.trained_classifier import load_classifier
from dlpractice.recipes.run.saved_model import load_keras_file
from dlpractice.runs.comparison_folder import Folds
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.calibration import soften

runner = CliRunner()
COUNT = 3


@pytest.fixture(scope="module")
def config(tiny_config: Finetune, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("config") / "tiny.yaml"
    document = tiny_config.model_dump() | {"strategy": "linear@block1"}
    document["training"]["epochs"] = 2
    file.write_text(dump_config(Finetune.model_validate(document)))
    return str(file)


@pytest.fixture(scope="module")
def finished(config: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folds") / "f"
    results.cache_clear()
    messages.cache_clear()
    command = ["finetune", config, "--folds", str(COUNT), "--run-dir", str(folder)]
    shown = runner.invoke(app, command, env={"COLUMNS": "80"})
    assert shown.exit_code == 0, shown.output
    (folder.parent / "shown.txt").write_text(shown.stdout)
    return folder


def read_members(folder: Path) -> list[RunDirectory]:
    return [RunDirectory.read(folder / f"fold-{number}" / "seed-0") for number in range(1, COUNT + 1)]


def read_out_of_fold(folder: Path) -> list[dict[str, str]]:
    with (folder / "out-of-fold.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_image_is_predicted_once_by_a_net_that_has_not_seen_it(finished: Path, tiny_data: Path) -> None:
    rows = read_out_of_fold(finished)
    every = sorted(str(path.relative_to(tiny_data)) for path in tiny_data.glob("*/*.png"))
    assert [row["path"] for row in rows] == every
    for number, member in enumerate(read_members(finished), 1):
        splits = {row["path"]: row["split"] for row in member.splits()}
        answers = {row["path"]: row["predicted"] for row in member.predictions()}
        own = [row for row in rows if row["fold"] == str(number)]
        assert {row["path"] for row in own} == {path for path, split in splits.items() if split == "test"}
        assert all(answers[row["path"]] == row["predicted"] for row in own)


def test_the_table_is_what_the_images_say(finished: Path) -> None:
    document = json.loads((finished / "folds.json").read_text())
    rows = read_out_of_fold(finished)
    right = [row["label"] == row["predicted"] for row in rows]
    assert document["accuracy"]["value"] == pytest.approx(np.mean(right))
    assert document["accuracy"]["n"] == 80
    for name, measure in document["per_class"].items():
        own = [hit for hit, row in zip(right, rows, strict=True) if row["label"] == name]
        assert (measure["value"], measure["n"]) == (pytest.approx(np.mean(own)), 40)
    assert [row["value"] for row in document["rows"]] == ["1/3", "2/3", "3/3"]
    for row, member in zip(document["rows"], read_members(finished), strict=True):
        assert row["test_accuracy"]["value"] == member.summary()["results"]["test_accuracy"]["value"]
    shown = (finished.parent / "shown.txt").read_text()
    assert f"{100 * document['accuracy']['value']:.1f}" in shown
    assert max(map(len, shown.splitlines()[:-2])) <= 80


def test_the_model_answers_with_the_mean_of_the_folds(finished: Path, tiny_data: Path) -> None:
    temperature = json.loads((finished / "folds.json").read_text())["temperature"]
    paths = [str(path) for path in sorted(tiny_data.glob("*/0*.png"))]
    seen = [image.pixels for image in load_images(paths, Look(32))]
    pixels = np.stack([one for one in seen if one is not None])
    single = [
        soften(np.log(load_keras_file(member.model_path).forward()(pixels)), temperature)
        for member in read_members(finished)
    ]
    whole = load_classifier(finished)
    np.testing.assert_allclose(whole.probabilities(pixels), np.mean(single, axis=0), atol=2e-6)
    shown = runner.invoke(app, ["predict", str(finished), paths[0], "--json"])
    assert (
        json.loads(shown.stdout)[0]["predicted"]
        == whole.class_names[int(np.mean(single, axis=0)[0].argmax())]
    )


def test_the_frozen_base_is_in_the_model_once(finished: Path) -> None:
    whole = load_keras_file(finished / "model.keras").model
    single = load_keras_file(read_members(finished)[0].model_path).model
    head = single.count_params() - sum(
        layer.count_params() for layer in single.layers if layer.name not in ("standardise", "logits")
    )
    assert whole.count_params() == single.count_params() + (COUNT - 1) * head


class Killed(BaseException):
    """Ends a run in this process as SIGKILL would."""


class Killer(Silent):
    """Ends it after the first epoch."""

    def epoch(self, row: Any, is_best: bool) -> None:
        raise Killed


def test_killed_and_gone_on_with_it_ends_with_the_same_bits(
    config: str, finished: Path, read_weights: Callable[[Path], Any], tmp_path: Path
) -> None:
    folder = tmp_path / "f"
    shutil.copytree(finished / "fold-1", folder / "fold-1")
    (folder / ".lock").touch()
    variants = load_folds(config, [], COUNT)
    for progress in (Killer(), Silent()):
        with Folds.resume(folder) as opened:
            if isinstance(progress, Killer):
                with pytest.raises(Killed):
                    folds.run(variants, opened, progress)
                assert not (folder / "folds.json").exists()
            else:
                folds.run(variants, opened, progress)
    assert read_out_of_fold(folder) == read_out_of_fold(finished)
    ours, theirs = read_weights(folder), read_weights(finished)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])
    documents = [json.loads((path / "folds.json").read_text()) for path in (folder, finished)]
    for document in documents:
        for row in document["rows"]:
            row["seconds"] = 0
    assert documents[0] == documents[1]


def test_diagnose_reads_it(finished: Path) -> None:
    found = diagnose_group(finished)
    document = json.loads((finished / "folds.json").read_text())
    assert (found.axis, [finding.name for finding in found.findings]) == ("folds", ["cross-validation"])
    assert f"{1 - document['accuracy']['value']:.1%} of 80 images are wrong out of fold" in found.verdict
    assert len(found.runs) == COUNT


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--folds", "1"], "--folds 1: it must be in"),
        (["--folds", "50", "--dry-run"], "2 of 2 classes cannot be divided into 50 folds"),
        (["--folds", "3", "--seeds", "2"], "--folds goes without --seeds"),
        (["--folds", "3", "--compare", "head,scratch"], "--compare goes without --folds"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    config: str, options: list[str], message: str, tmp_path: Path
) -> None:
    shown = runner.invoke(app, ["finetune", config, "--run-dir", str(tmp_path / "f"), *options])
    assert message in str(shown.exception)
    assert not (tmp_path / "f").exists()
