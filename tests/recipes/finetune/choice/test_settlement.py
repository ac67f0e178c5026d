"""Runs that leave strategy and backbone open, with a base of five small blocks."""

import inspect
import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image
from strict_patches import StrictPatch

from dlpractice.config.load import load_config
from dlpractice.config.schema import Finetune
from dlpractice.diagnosis.logs.formats.own.run_directory import read_run
from dlpractice.diagnosis.several_runs import diagnose_group
from dlpractice.errors import HardwareError, ModelError, RunError
from dlpractice.models import backbones
from dlpractice.progress import Silent
from dlpractice.recipes.finetune import comparison, finetune, rehearsal
from dlpractice.recipes.finetune.choice import settlement
from dlpractice.recipes.finetune.choice.cost import Cost
from dlpractice.recipes.finetune.choice.elimination import Price
from dlpractice.recipes.run.continuation import seconds_before
from dlpractice.registry.backbones import Backbone
from dlpractice.runs import atomic_files
from dlpractice.runs.comparison_folder import Comparison
from dlpractice.runs.directory import RunDirectory

Train = Callable[..., int]


class Killed(BaseException):
    """Ends a run as SIGKILL would."""


def build_small_base(backbone: Backbone, images: Any) -> keras.Model:
    """Five blocks of one convolution each, in place of a backbone's dozens."""
    x = images
    for number in range(1, 6):
        x = keras.layers.Conv2D(8, 3, 2, "same", activation="relu", name=f"block{number}_conv")(x)
    return keras.Model(images, x)


CANDIDATES = ("linear@block2", "top-block")
SMALL_BASE = f"""
from typing import Any
import keras
from dlpractice.models import backbones
from dlpractice.recipes.finetune.choice import settlement
from dlpractice.registry.backbones import Backbone
{inspect.getsource(build_small_base)}
backbones.build_base = build_small_base
settlement.list_candidates = lambda *cell, **facts: {CANDIDATES}
"""
"""Puts both in place in another process."""


@pytest.fixture(scope="module", autouse=True)
def small_base(shared_cache: Path) -> Iterator[None]:
    with StrictPatch.context() as patch:
        patch.setattr(backbones, "build_base", build_small_base)
        patch.setattr(settlement, "list_candidates", lambda *cell, **facts: CANDIDATES)
        yield


@pytest.fixture(scope="module")
def open_config(tiny_config: Finetune) -> Finetune:
    """Without a strategy. Checkpoints are due at every step."""
    tree = tiny_config.model_dump()
    del tree["strategy"]
    tree["training"] |= {"epochs": 2, "head_epochs": 1, "checkpoint_seconds": 0.0}
    tree["strategies"] = {"top-block": {"training": {"epochs": 1}}}
    return Finetune.model_validate(tree)


@pytest.fixture(scope="module")
def whole(open_config: Finetune, train: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of it."""
    folder = tmp_path_factory.mktemp("auto") / "whole"
    train(open_config, folder)
    return folder


def read(folder: Path) -> dict[str, Any]:
    choice = RunDirectory.read(folder).choice()
    assert choice is not None
    return choice


def without_clocks(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: without_clocks(value) for key, value in tree.items() if key != "seconds"}
    return [without_clocks(value) for value in tree] if isinstance(tree, list) else tree


def test_what_is_open_is_measured_tried_and_settled(open_config: Finetune, whole: Path) -> None:
    choice, run = read(whole), RunDirectory.read(whole)
    assert open_config.strategy == "auto"
    (probe,) = choice["backbones"]
    assert [row["block"] for row in probe["blocks"]] == [1, 2, 3, 4, 5]
    rates = {row["block"]: row["accuracy"]["value"] for row in probe["blocks"]}
    assert rates[probe["best_block"]] == max(rates.values())
    tried = {row["strategy"]: row for row in choice["candidates"] if row["rounds"]}
    assert choice["strategy"] in tried and choice["strategy"] in choice["reason"]
    for name, row in tried.items():
        for one in row["rounds"]:
            candidate = RunDirectory.read(whole / one["run"])
            assert {answer["split"] for answer in candidate.predictions()} == {"validation"}
            assert candidate.summary()["strategy"] == name and candidate.summary()["test_scored"] == 0
            assert not candidate.model_path.exists() and not candidate.checkpoints.exists()
    assert load_config(str(whole / "config.yaml")) == open_config.settled(choice["strategy"], "vgg16")
    assert run.summary()["test_scored"] == 1 and run.model_path.exists()
    assert run.summary()["seconds"] > choice["seconds"]


def test_the_trial_of_what_was_chosen_is_the_run_itself(
    open_config: Finetune,
    whole: Path,
    train: Train,
    assert_same_run: Callable[[Path, Path], None],
    tmp_path: Path,
) -> None:
    """Nothing is trained after the choice, and the bits are those of a training without one."""
    choice = read(whole)
    assert choice["run"].startswith(f"candidates/{choice['strategy']}-")
    train(load_config(str(whole / "config.yaml")), tmp_path / "alone")
    assert_same_run(tmp_path / "alone", whole)
    run, trial = RunDirectory.read(whole), RunDirectory.read(whole / choice["run"])
    assert run.metrics() == trial.metrics()  # to the clock
    assert seconds_before(run) == choice["seconds"]  # the epochs of the trial count once


def test_a_choice_goes_on_wherever_it_was_killed(
    open_config: Finetune,
    whole: Path,
    train: Train,
    assert_same_run: Callable[[Path, Path], None],
    train_in_subprocess: Train,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "killed"
    for moment in ("probing vgg16", "step 4"):  # the second candidate begins with its fourth step
        train(open_config, folder, moment)
        assert "strategy" not in read(folder)
    assert train_in_subprocess(folder, open_config, last_step=5, setup=SMALL_BASE) == -signal.SIGKILL
    assert "strategy" not in read(folder)
    with pytest.raises(RunError, match="another config"):
        train(open_config.model_copy(update={"seed": 1}), folder)
    write = atomic_files.write_text

    def kill_taking_over(path: Path, text: str) -> None:
        if path == folder / "audit.json":
            raise Killed
        write(path, text)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(atomic_files, "write_text", kill_taking_over)
        train(open_config, folder)
    assert read(folder)["strategy"] == read(whole)["strategy"] and not RunDirectory.read(folder).is_prepared
    train(open_config, folder)
    assert_same_run(folder, whole)
    assert without_clocks(read(folder)) == without_clocks(read(whole))


def test_a_choice_is_made_once(open_config: Finetune, train: Train, whole: Path, tmp_path: Path) -> None:
    settled = load_config(str(whole / "config.yaml"))
    for config in (open_config, settled):
        assert train(config, whole) == 0
    with pytest.raises(RunError, match="another config"):
        train(open_config.for_strategy("linear@block1"), whole)


def test_a_killed_run_keeps_what_it_chose(open_config: Finetune, whole: Path, tmp_path: Path) -> None:
    """The choice was recorded, and nothing after it."""
    choice = read(whole) | {"strategy": "linear@block2"}
    with RunDirectory.create(tmp_path / "run") as run:
        run.write_choice(choice)
        assert finetune.run(open_config, run)["strategy"] == "linear@block2"
    assert not (tmp_path / "run" / "candidates").exists()


def test_diagnose_hears_of_it(whole: Path) -> None:
    assert f"auto chose {read(whole)['reason']}" in read_run(whole).notes


def test_the_document_that_json_prints_has_it(open_config: Finetune, whole: Path) -> None:
    with RunDirectory.resume(whole) as run:
        assert finetune.run(open_config, run)["choice"] == read(whole)


def test_a_comparison_says_what_was_chosen(open_config: Finetune, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "c" / "auto" / "seed-0")
    with Comparison.resume(tmp_path / "c") as opened:
        rows = comparison.run(open_config, ["auto", "linear@block1"], 1, opened)["rows"]
    assert [row["strategy"] for row in rows] == ["auto", "linear@block1"]
    assert rows[0]["chosen"] == [f"{read(whole)['strategy']} on vgg16"]
    assert "chosen" not in rows[1]
    labels = {point.label for point in diagnose_group(tmp_path / "c").points}
    assert labels == {f"auto ({read(whole)['strategy']})", "linear@block1"}  # not averaged where auto took it


def test_too_few_images_to_measure_anything(open_config: Finetune, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in "ab":
        (tmp_path / "few" / name).mkdir(parents=True)
        for number in range(3):
            noise = rng.integers(0, 255, (32, 32, 3)).astype(np.uint8)
            Image.fromarray(noise).save(tmp_path / "few" / name / f"{number}.png")
    tree = open_config.model_dump(exclude={"strategies"})
    tree["data"] |= {"source": str(tmp_path / "few")}
    with RunDirectory.create(tmp_path / "run") as run:
        finetune.run(Finetune.model_validate(tree), run)
    choice = read(tmp_path / "run")
    assert choice["strategy"] == "head"
    assert "a has 1 separate training image, and a probe needs two" in choice["reason"]


def test_several_workers_are_refused(
    open_config: Finetune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setattr(settlement, "find_cluster", lambda: task)
    with RunDirectory.create(tmp_path / "run") as run, pytest.raises(HardwareError, match="several workers"):
        finetune.run(open_config, run)


@pytest.fixture
def two_backbones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "list_backbones", lambda config: (["vgg16", "vgg19"], {"z": "why"}))


def test_of_backbones_that_tell_as_much_the_cheaper_one(
    open_config: Finetune, two_backbones: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fixed strategy leaves the backbone alone open: probes decide, and nothing is tried."""
    config = open_config.for_strategy("linear@block1")
    config = config.model_copy(update={"model": config.model.model_copy(update={"backbone": "auto"})})
    # A config that is read has to name weights where the backbone is open.
    monkeypatch.setattr(settlement, "parse_config", lambda text, label: config)
    with RunDirectory.create(tmp_path / "run") as run:
        finetune.run(config, run)
    choice = read(tmp_path / "run")
    assert [probe["backbone"] for probe in choice["backbones"]] == ["vgg16", "vgg19"]
    assert (choice["backbone"], choice["strategy"]) == ("vgg16", "linear@block1")
    assert choice["left_out"] == {"z": "why"} and "candidates" not in choice


def test_no_backbone_is_at_hand(open_config: Finetune, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "is_at_hand", lambda row: False)
    model = open_config.model.model_copy(update={"backbone": "auto", "weights": "imagenet"})
    with pytest.raises(ModelError, match=r"vgg16: its weights are not on this machine; .*takes images of 71"):
        settlement.list_backbones(open_config.model_copy(update={"model": model}))


def test_the_budget_is_what_the_cheapest_leaves_of_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "LEAST_BUDGET", 0.0)
    costs = {"a": Cost(Price(0, 1, 10), 90), "b": Cost(Price(0, 50, 10), 90)}
    budget = settlement.set_budget(costs, frozen=60)
    assert 60 + budget + costs["a"].whole == settlement.MOST * costs["a"].whole
    assert settlement.set_budget(costs, frozen=1e9) == 20  # enough to train on frozen features


def test_a_rehearsal_prepares_what_is_cheapest(open_config: Finetune, tmp_path: Path) -> None:
    found = rehearsal.run({"auto": open_config}, {"auto": [tmp_path / "r"]}, Silent())["auto"]
    assert found["open"] and found["trainable_parameters"] == 8 * 2 + 2


def test_the_file_says_what_was_asked(whole: Path) -> None:
    document = json.loads((whole / "choice.json").read_text())
    assert "strategy: auto" in document["asked"] and document["precision"] == "float32"
