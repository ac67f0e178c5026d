"""A remedy retrained against a random one, on tiny data."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app
from dlpractice.config.load import dump_config, load_config
from dlpractice.config.schema import Finetune
from dlpractice.diagnosis.logs.formats.own.run_directory import read_run
from dlpractice.diagnosis.remedies import list_remedies
from dlpractice.errors import DataError, RunError
from dlpractice.recipes.diagnose import trial
from dlpractice.recipes.finetune import finetune
from dlpractice.runs.comparison_folder import Trial
from dlpractice.runs.directory import RunDirectory
from dlpractice.runs.listing import find_runs
from dlpractice.statistics.differences import paired_difference

runner = CliRunner()


def finding(*overrides: str, name: str = "learning rate too low") -> dict[str, Any]:
    return {"name": name, "overrides": list(overrides), "remedy": "another rate"}


@pytest.fixture(scope="module")
def slow_run(tiny_config: Finetune, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that can learn next to nothing: its learning rate is far too low."""
    document = tiny_config.model_dump()
    document["training"] |= {"learning_rate": 1e-6, "epochs": 6}
    folder = tmp_path_factory.mktemp("slow") / "run"
    with RunDirectory.create(folder) as run:
        finetune.run(Finetune.model_validate(document), run)
    return folder


@pytest.fixture(scope="module")
def tried(slow_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The learning rate raised, against the remedy that seed 1 draws."""
    before = {path.name: path.stat().st_mtime_ns for path in slow_run.iterdir()}
    folder = tmp_path_factory.mktemp("trial") / "t"
    with Trial.resume_or_create(folder) as opened:
        trial.run(slow_run, [finding("training.learning_rate=1e-2")], opened, draw=1)
    assert {path.name: path.stat().st_mtime_ns for path in slow_run.iterdir()} == before
    return folder


def validation_hits(path: Path) -> dict[str, bool]:
    rows = RunDirectory.read(path).predictions()
    return {row["path"]: row["label"] == row["predicted"] for row in rows if row["split"] == "validation"}


def test_differences_are_paired_on_validation(slow_run: Path, tried: Path) -> None:
    document = json.loads((tried / "trial.json").read_text())
    before, remedy, other = (
        validation_hits(path) for path in (slow_run, tried / "remedy/seed-0", tried / "random/seed-0")
    )
    assert before.keys() == remedy.keys() == other.keys()
    for name, theirs in (("to_before", before), ("to_random", other)):
        pairs = [remedy[key] for key in remedy], [theirs[key] for key in remedy]
        assert document[name]["accuracy"] == paired_difference(*pairs).to_json()
    # What cannot be learnt at 1e-6 is learnt at 1e-2.
    assert document["to_before"]["loss"]["ci95"][1] < 0
    assert document["remedy"]["val_loss"] < document["before"]["val_loss"]


def test_the_test_split_is_not_looked_at(tried: Path) -> None:
    for arm in ("remedy", "random"):
        run = RunDirectory.read(tried / arm / "seed-0")
        assert {row["split"] for row in run.predictions()} == {"validation"}
        assert list(run.summary()["results"]) == ["val_accuracy"]
        assert run.summary()["test_scored"] == 0
        assert read_run(run.path).finished
    shown = [described.test_accuracy for described in find_runs(tried)]
    assert shown == [None, None]


def test_steps_are_equal(tried: Path) -> None:
    document = json.loads((tried / "trial.json").read_text())
    assert document["remedy"]["steps"] == document["random"]["steps"] == 18  # 6 epochs of 3


def test_finished_ones_are_kept_and_other_remedies_refused(
    slow_run: Path, tried: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(finetune, "train_stages", never)
    before = json.loads((tried / "trial.json").read_text())
    found = [finding("training.learning_rate=1e-2")]
    with Trial.resume_or_create(tried) as opened:
        assert {"schema": 1} | trial.run(slow_run, found, opened, draw=1) == before
        with pytest.raises(RunError, match="another remedy"):
            trial.run(slow_run, [finding("training.learning_rate=0.1")], opened, draw=1)


def test_the_random_remedy_is_drawn_from_all_others(slow_run: Path) -> None:
    source = RunDirectory.read(slow_run)
    facts = read_run(slow_run).run
    assert facts is not None
    top = list_remedies(facts)["a higher learning rate"]
    remedy = load_config(str(slow_run / "config.yaml"), top, "finetune")
    others = {arm.remedy: arm for arm in trial.list_others(source, remedy)}
    # More epochs at equal steps would be the run as it was.
    expected = {
        name for name in list_remedies(facts) if name not in ("more epochs", "a higher learning rate")
    }
    assert others.keys() == expected
    assert all(arm.config != remedy for arm in others.values())
    drawn = [trial.plan_arms(source, [finding(*top)], draw)[1][1].remedy for draw in (0, 1, 2, 3, 3)]
    assert drawn[3] == drawn[4]
    assert len(set(drawn)) > 1
    assert set(drawn) <= expected


def test_more_epochs_give_the_random_one_as_many(slow_run: Path) -> None:
    source = RunDirectory.read(slow_run)
    _, (remedy, other) = trial.plan_arms(source, [finding("training.epochs=12")], 0)
    assert remedy.config.training.epochs == other.config.training.epochs == 12


def test_findings_without_a_remedy_are_nothing_to_try(slow_run: Path) -> None:
    source = RunDirectory.read(slow_run)
    top, _ = trial.plan_arms(source, [finding(), finding("model.width=1")], 0)
    assert top["overrides"] == ["model.width=1"]
    for findings in ([], [finding()]):
        with pytest.raises(RunError, match="no finding on"):
            trial.plan_arms(source, findings, 0)


def test_one_shot_runs(finished_oneshot_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "list_remedies", lambda run: {"weight decay": ("training.weight_decay=0.1",)})
    with Trial.resume_or_create(tmp_path / "t") as opened:
        document = trial.run(finished_oneshot_run, [finding("training.learning_rate=1e-2")], opened)
    run = RunDirectory.read(tmp_path / "t" / "remedy" / "seed-0")
    assert {row["split"] for row in run.predictions()} == {"validation"}
    assert list(run.summary()["results"]) == ["val_accuracy"]
    assert not run.model_path.exists()
    assert document["remedy"]["steps"] == document["random"]["steps"] == 8
    n = RunDirectory.read(finished_oneshot_run).summary()["results"]["val_accuracy"]["n"]
    assert document["to_before"]["accuracy"]["n"] == document["to_random"]["accuracy"]["n"] == n
    value = run.summary()["results"]["val_accuracy"]["value"]
    assert document["remedy"]["val_accuracy"]["value"] == pytest.approx(value)


def test_what_cannot_be_tried(slow_run: Path, tiny_config: Finetune, tmp_path: Path) -> None:
    with Trial.resume_or_create(tmp_path / "t") as opened:
        with pytest.raises(RunError, match="cannot repeat it"):
            trial.run(tmp_path / "history.json", [finding("model.width=1")], opened)
        with RunDirectory.create(tmp_path / "begun") as begun:
            begun.write_config(dump_config(tiny_config))
        with pytest.raises(RunError, match="has not finished"):
            trial.run(tmp_path / "begun", [finding("model.width=1")], opened)
        config = load_config(str(slow_run / "config.yaml"), ["data.source=nowhere"], "finetune")
        with RunDirectory.create(tmp_path / "gone") as gone:
            gone.write_config(dump_config(config))
            gone.write_splits(RunDirectory.read(slow_run).splits())
            gone.write_summary(RunDirectory.read(slow_run).summary())
            gone.write_predictions(RunDirectory.read(slow_run).predictions())
        with pytest.raises(DataError, match="nowhere"):
            trial.run(tmp_path / "gone", [finding("model.width=1")], opened)
    assert not list((tmp_path / "t").glob("*/seed-*"))


def test_the_command(slow_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    results.cache_clear()
    messages.cache_clear()
    command = ["diagnose", str(slow_run), "--target-error", "0", "--run-dir", str(tmp_path / "t"), "--try"]
    shown = runner.invoke(app, command)
    assert shown.exit_code == 0, shown.output
    table = shown.stdout[shown.stdout.index("trained with") :].splitlines()
    assert [line.split(":")[0].split("  ")[0] for line in table[1:4]] == ["as it was", "remedy", "random"]
    assert max(map(len, table[:-1])) <= 80
    assert "remedy to random" in shown.stdout
    again = json.loads(runner.invoke(app, [*command, "--json"]).stdout)
    assert {"schema": 1} | again["trial"] == json.loads((tmp_path / "t" / "trial.json").read_text())
    assert again["trial"]["finding"] == next(f["name"] for f in again["findings"] if f["overrides"])
    log = tmp_path / "history.json"
    log.write_text(json.dumps({"loss": [1.0, 0.5], "val_loss": [1.0, 0.9]}))
    refused = runner.invoke(app, ["diagnose", str(log), "--try"])
    assert isinstance(refused.exception, RunError)
    assert not (tmp_path / "history.json-trial").exists()
