"""Whole one-shot runs on tiny alphabets: what they write, and that killing one changes nothing."""

import csv
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from dlpractice.config.schema import Oneshot
from dlpractice.errors import DataError, RunError
from dlpractice.models.siamese import Siamese
from dlpractice.progress import Silent
from dlpractice.recipes.oneshot import oneshot
from dlpractice.recipes.oneshot.embedding_answers import embed, score_pairs
from dlpractice.recipes.oneshot.pictures import Pictures
from dlpractice.recipes.oneshot.results import answer_protocol, plan_protocols
from dlpractice.recipes.oneshot.saved_siamese import load_siamese
from dlpractice.recipes.oneshot.setup import prepare_oneshot, read_classes
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.checkpoints import Checkpoints, Position
from dlpractice.training.devices.placement import place
from dlpractice.training.forward import compile_forward

HEADLINE = "within-alphabet-6-way-1-shot"


def changed(config: Oneshot, **sections: dict[str, Any]) -> Oneshot:
    document = config.model_dump()
    for name, values in sections.items():
        document[name] |= values
    return Oneshot.model_validate(document)


def load(folder: Path) -> Siamese:
    return load_siamese(RunDirectory.read(folder)).siamese


def weights(folder: Path) -> list[NDArray[Any]]:
    return list(load(folder).model.get_weights())


def read_position(folder: Path) -> Position:
    """Where the checkpoint in a run's folder stands; the start where there is none."""
    position, _ = Checkpoints(folder / "checkpoints", 0).read() or (Position(), None)
    return position


def test_a_run_writes_the_files_of_its_contract(finished_oneshot_run: Path) -> None:
    names = {path.name for path in finished_oneshot_run.iterdir() if not path.name.startswith(".")}
    assert names == {
        "config.yaml",
        "environment.json",
        "splits.csv",
        "audit.json",
        "metrics.csv",
        "predictions.csv",
        "summary.json",
        "model.keras",
        "checkpoints",
    }
    with (finished_oneshot_run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["stage"], row["epoch"], row["step"]) for row in rows] == [
        ("siamese", "1", "4"),
        ("siamese", "2", "8"),
    ]


def test_the_summary_says_what_it_promises(finished_oneshot_run: Path) -> None:
    run = RunDirectory.read(finished_oneshot_run)
    summary = run.summary()
    expected = {"method": "siamese", "objective": "supcon", "encoder": "dense", "epochs": 2, "steps": 8}
    assert {key: summary[key] for key in expected} == expected
    # 256 pixels, 51 and 26 units.
    assert summary["parameters"] == summary["trainable_parameters"] == 256 * 51 + 51 + 51 * 26 + 26
    assert summary["dimensions"] == 26
    assert set(summary["threshold"]) == {"value", "false_accept_rate", "false_reject_rate", "n"}
    assert summary["threshold"]["false_accept_rate"] <= 0.01
    assert list(summary["results"]) == [HEADLINE, f"{HEADLINE}-one-to-one", "val_accuracy", "verification"]
    for measure in summary["results"].values():
        assert measure["ci95"][0] <= measure["value"] <= measure["ci95"][1]
        assert measure["kind"] == "measured"
    assert {"auc", "eer"} < set(summary["results"]["verification"])
    validation = {row["group"] for row in run.splits() if row["split"] == "validation"}
    assert set(summary["validation_alphabets"]) == validation


def test_the_headline_is_what_the_predictions_say(finished_oneshot_run: Path) -> None:
    run = RunDirectory.read(finished_oneshot_run)
    rows, measure = run.predictions(), run.summary()["results"][HEADLINE]
    # 2 alphabets of 6 characters, 4 x 3 ordered pairs of drawers.
    assert len(rows) == measure["n"] == 2 * 12 * 6
    right = [row["label"] == row["predicted"] for row in rows]
    assert measure["value"] == np.mean(right)
    assert measure["errors"] == len(rows) - sum(right)
    tested = {row["path"] for row in run.splits() if row["split"] == "test"}
    assert {row["path"] for row in rows} == tested
    for row in rows:
        assert row["label"] == row["path"].rpartition("/")[0]
        if row["label"] == row["predicted"]:  # the loss is minus the logarithm of the confidence
            assert row["loss"] == pytest.approx(-np.log(row["confidence"]), rel=1e-6)


def test_no_class_is_in_two_parts(finished_oneshot_run: Path) -> None:
    homes: dict[str, set[str]] = {}
    for row in RunDirectory.read(finished_oneshot_run).splits():
        homes.setdefault(row["label"], set()).add(row["split"])
    assert len(homes) == 36
    assert all(len(splits) == 1 for splits in homes.values())


def test_the_best_epoch_is_the_one_that_was_scored(finished_oneshot_run: Path) -> None:
    run = RunDirectory.read(finished_oneshot_run)
    rows, summary = run.metrics(), run.summary()
    best = rows[summary["best_epoch"] - 1]["val_accuracy"]
    assert best == max(row["val_accuracy"] for row in rows)
    assert summary["results"]["val_accuracy"]["value"] == pytest.approx(best)


def test_the_saved_model_gives_the_same_answers_and_verdicts(
    finished_oneshot_run: Path, tiny_oneshot_config: Oneshot, shared_cache: Path
) -> None:
    siamese, run = load(finished_oneshot_run), RunDirectory.read(finished_oneshot_run)
    class_split = read_classes(tiny_oneshot_config, Silent())
    embeddings = embed(compile_forward(siamese.encoder, place(1)), class_split.evaluation, 16)
    (protocol,) = plan_protocols(class_split)
    answers = answer_protocol(protocol, embeddings, siamese.similarity)
    assert answers.errors == run.summary()["results"][HEADLINE]["errors"]
    wrong = [row["label"] != row["predicted"] for row in run.predictions()]
    np.testing.assert_array_equal(~answers.correct, wrong)
    # The verdict of two images is the logistic curve over the similarity of their embeddings.
    images, indices = class_split.evaluation.pixels[:8].astype(np.float32), np.arange(8).reshape(4, 2)
    verdict = siamese.verdict
    scores = score_pairs(embeddings, indices, siamese.similarity)
    found = siamese.model([images[indices[:, 0]], images[indices[:, 1]]])
    np.testing.assert_allclose(found, expit(verdict.slope * scores + verdict.intercept), rtol=1e-4)
    assert verdict.slope > 0
    assert verdict.threshold == run.summary()["threshold"]["value"]
    assert (verdict.side, verdict.resize, verdict.background) == (16, "stretch", "#ffffff")


def test_the_same_seed_gives_the_same_bits_and_another_does_not(
    finished_oneshot_run: Path,
    tiny_oneshot_config: Oneshot,
    shared_cache: Path,
    tmp_path: Path,
    assert_same_run: Callable[[Path, Path], None],
) -> None:
    drawn: list[Pictures] = []
    with RunDirectory.create(tmp_path / "run") as run:
        oneshot.run(tiny_oneshot_config, run, draw=lambda _, pictures: drawn.append(pictures))
    assert_same_run(tmp_path / "run", finished_oneshot_run)
    assert len(drawn) == 1
    assert len(drawn[0].failures) == run.summary()["results"][HEADLINE]["errors"]
    other = prepare_oneshot(tiny_oneshot_config.model_copy(update={"seed": 1}), Silent())
    assert np.abs(other.siamese.model.get_weights()[0] - weights(tmp_path / "run")[0]).max() > 0.01


def test_a_run_killed_in_mid_epoch_ends_with_the_same_bits(
    tiny_oneshot_config: Oneshot,
    shared_cache: Path,
    tmp_path: Path,
    train: Callable[..., int],
    train_in_subprocess: Callable[..., int],
    assert_same_run: Callable[[Path, Path], None],
) -> None:
    config = changed(
        tiny_oneshot_config, encoder={"name": "conv4"}, training={"checkpoint_seconds": 0.0, "warmup": 1.0}
    )
    assert train(config, tmp_path / "whole") == 8
    assert train_in_subprocess(tmp_path / "killed", config, last_step=6) == -signal.SIGKILL
    position = read_position(tmp_path / "killed")
    assert (position.epoch, position.step, position.optimiser_steps, position.rows) == (1, 1, 5, 1)
    assert train(config, tmp_path / "killed") == 3
    assert_same_run(tmp_path / "killed", tmp_path / "whole")


# At this rate no weight moves: no epoch is better than the first, the rate falls after the sixth, and
# patience ends the training after the ninth.
AT_REST = {"learning_rate": 1e-30, "schedule": "plateau", "patience": 8, "epochs": 20, "epoch_steps": 2}


@pytest.mark.parametrize(
    ("objective", "training", "moments"),
    [
        # The weights of its distance are trained with the encoder.
        ("verification", {"diagnostics": True}, ["step 1", "epoch 1", "step 2", "testing"]),
        ("supcon", AT_REST, ["epoch 4", "step 5"]),
    ],
)
def test_a_run_goes_on_wherever_it_was_killed(
    objective: str,
    training: dict[str, Any],
    moments: list[str],
    tiny_oneshot_config: Oneshot,
    shared_cache: Path,
    tmp_path: Path,
    train: Callable[..., int],
    assert_same_run: Callable[[Path, Path], None],
) -> None:
    config = changed(
        tiny_oneshot_config,
        objective={"name": objective},
        training={**training, "checkpoint_seconds": 0.0},
    )
    steps = train(config, tmp_path / "whole")
    kept = 0
    for moment in moments:
        # The last step is in no checkpoint yet where it was what killed the run.
        kept += train(config, tmp_path / "killed", moment) - moment.startswith("step")
        assert read_position(tmp_path / "killed").optimiser_steps == kept
    assert train(config, tmp_path / "killed") == steps - kept
    assert_same_run(tmp_path / "killed", tmp_path / "whole")


def test_two_devices_end_where_one_does(
    finished_oneshot_run: Path,
    tiny_oneshot_config: Oneshot,
    shared_cache: Path,
    tmp_path: Path,
    logical_devices: Callable[[int], str],
    train_in_subprocess: Callable[..., int],
) -> None:
    config = changed(tiny_oneshot_config, hardware={"devices": 2})
    assert train_in_subprocess(tmp_path / "two", config, setup=logical_devices(2)) == 0
    environment = json.loads((tmp_path / "two" / "environment.json").read_text())
    assert environment["devices"] == ["/CPU:0", "/CPU:1"]
    for ours, theirs in zip(weights(tmp_path / "two"), weights(finished_oneshot_run), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_run_is_not_continued_with_another_config_or_other_data(
    finished_oneshot_run: Path, tiny_oneshot_config: Oneshot, shared_cache: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished_oneshot_run, folder)
    (folder / "summary.json").unlink()
    with RunDirectory.resume(folder) as run:
        with pytest.raises(RunError, match="another config"):
            oneshot.run(changed(tiny_oneshot_config, training={"epochs": 3}), run)
        environment = run.environment()
        environment["data"]["digest"] = "0" * 64
        run.write_environment(environment)
        with pytest.raises(RunError, match="other data"):
            oneshot.run(tiny_oneshot_config, run)


def test_a_finished_run_is_left_as_it_is(
    finished_oneshot_run: Path, tiny_oneshot_config: Oneshot, shared_cache: Path
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in finished_oneshot_run.iterdir()}
    with RunDirectory.resume(finished_oneshot_run) as run:
        assert oneshot.run(tiny_oneshot_config, run) == run.summary()
    assert {path.name: path.stat().st_mtime_ns for path in finished_oneshot_run.iterdir()} == before


def test_what_data_are_unfit_for_is_said_before_anything_is_written(
    tiny_oneshot_config: Oneshot, shared_cache: Path, tmp_path: Path
) -> None:
    # With the whole name for a drawer, nobody drew two characters.
    config = changed(tiny_oneshot_config, data={"drawer_pattern": r"^(drawer)\d+$"})
    with RunDirectory.create(tmp_path / "run") as run:
        with pytest.raises(DataError, match="by another drawer"):
            oneshot.run(config, run)
        assert not run.is_prepared
    assert not (tmp_path / "run" / "config.yaml").exists()


@pytest.mark.parametrize("objective", ["verification", "contrastive", "triplet", "prototypical"])
def test_every_objective_trains_and_is_tested(
    objective: str, tiny_oneshot_config: Oneshot, shared_cache: Path, tmp_path: Path
) -> None:
    config = changed(
        tiny_oneshot_config, objective={"name": objective}, training={"epochs": 1, "epoch_steps": 2}
    )
    with RunDirectory.create(tmp_path / "run") as run:
        summary = oneshot.run(config, run)
    assert summary["objective"] == objective
    assert np.isfinite(RunDirectory.read(tmp_path / "run").metrics()[0]["loss"])
    assert load(tmp_path / "run").verdict.threshold == summary["threshold"]["value"]


def test_a_single_example_of_each_class_is_enough_to_train_on(
    tiny_oneshot_config: Oneshot, shared_cache: Path, tmp_path: Path
) -> None:
    config = changed(
        tiny_oneshot_config, data={"examples_per_class": 1}, training={"epochs": 1, "epoch_steps": 2}
    )
    with RunDirectory.create(tmp_path / "run") as run:
        summary = oneshot.run(config, run)
        trained = [row["label"] for row in run.splits() if row["split"] == "train"]
        assert len(trained) == len(set(trained)) == 18
        assert 0 < run.metrics()[0]["accuracy"] <= 1
    assert summary["results"][HEADLINE]["n"] == 144


def test_rows_that_are_asked_for_stand_beside_the_plain_one(
    tiny_oneshot_config: Oneshot, shared_cache: Path, tmp_path: Path
) -> None:
    config = changed(
        tiny_oneshot_config,
        encoder={"name": "conv4"},
        batch={"quarter_turns": True, "mirror": True},
        training={"epochs": 1, "epoch_steps": 1, "tensorboard": True},
        evaluation={"views": 3, "alignment": 1, "transductive": False},
        hardware={"precision": "bfloat16"},
    )
    with RunDirectory.create(tmp_path / "run") as run:
        summary = oneshot.run(config, run)
    rows = [HEADLINE, f"{HEADLINE}-3-views", f"{HEADLINE}-aligned", "val_accuracy", "verification"]
    assert list(summary["results"]) == rows
    assert list((tmp_path / "run" / "tensorboard" / "siamese").rglob("events.out.tfevents.*"))


@pytest.mark.parametrize(
    ("batch", "turns"),
    [
        ({}, {0}),
        ({"quarter_turns": True}, {0, 1, 2, 3}),
        ({"mirror": True}, {0, 4}),
        ({"quarter_turns": True, "mirror": True}, set(range(8))),
    ],
)
def test_an_alphabet_lies_only_in_the_ways_that_are_asked_for(
    batch: dict[str, Any], turns: set[int], tiny_oneshot_config: Oneshot, shared_cache: Path
) -> None:
    config = changed(tiny_oneshot_config, batch=batch)
    feed = oneshot.make_feed(config, prepare_oneshot(config, Silent()))
    drawn = [feed.sampler.draw(np.random.default_rng(seed)).turns for seed in range(40)]
    assert set(np.concatenate(drawn).tolist()) == turns
