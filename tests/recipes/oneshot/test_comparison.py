"""Methods, seeds and baselines of one-shot learning compared on tiny alphabets."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlpractice.config.commands.oneshot import BASELINES
from dlpractice.config.schema import Oneshot
from dlpractice.evaluation.baselines import nearest
from dlpractice.evaluation.oneshot_tasks import answer
from dlpractice.progress import Silent
from dlpractice.recipes.oneshot import comparison
from dlpractice.recipes.oneshot.comparison import UNTRAINED, list_published
from dlpractice.recipes.oneshot.pictures import Pictures
from dlpractice.recipes.oneshot.results import plan_protocols
from dlpractice.recipes.oneshot.setup import read_classes
from dlpractice.runs.comparison_folder import Comparison
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.shares import clustered_accuracy

HEADLINE = "within-alphabet-6-way-1-shot"
SEEDS = 2


@pytest.fixture(scope="module")
def config(tiny_oneshot_config: Oneshot) -> Oneshot:
    document = tiny_oneshot_config.model_dump() | {"seed": 3}
    document["evaluation"]["transductive"] = False
    document["methods"] = {"prototypes": {"objective": {"name": "prototypical"}}}
    return Oneshot.model_validate(document)


@pytest.fixture(scope="module")
def drawn() -> list[Path]:
    return []


@pytest.fixture(scope="module")
def folder(
    config: Oneshot, shared_cache: Path, drawn: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Two methods with two seeds each, and a baseline."""

    def draw(run: RunDirectory, pictures: Pictures) -> None:
        assert len(pictures.pairs) == 2 * len(pictures.same)
        drawn.append(run.path)

    path = tmp_path_factory.mktemp("oneshot-comparison") / "c"
    with Comparison.create(path) as opened:
        methods = ["siamese", "prototypes", "nearest-neighbour"]
        comparison.run(config, methods, SEEDS, opened, draw=draw)
    return path


@pytest.fixture(scope="module")
def rows(folder: Path) -> dict[str, Any]:
    document = json.loads((folder / "comparison.json").read_text())
    assert document["protocol"] == HEADLINE
    return {row["method"]: row for row in document["rows"]}


def correct(path: Path) -> list[bool]:
    return [row["label"] == row["predicted"] for row in RunDirectory.read(path).predictions()]


def test_a_baseline_stands_for_every_name_that_the_config_knows() -> None:
    assert set(UNTRAINED) == set(BASELINES)


def test_a_row_is_the_mean_of_its_runs(folder: Path, rows: dict[str, Any]) -> None:
    for method in ("siamese", "prototypes"):
        row = rows[method]
        assert row["seeds"] == [3, 4]
        runs = [folder / name for name in row["runs"]]
        values = [RunDirectory.read(run).summary()["results"][HEADLINE]["value"] for run in runs]
        measure = row["results"][HEADLINE]
        assert measure["value"] == pytest.approx(np.mean(values))
        assert measure["std_over_seeds"] == pytest.approx(np.std(values, ddof=1))
        assert np.mean([np.mean(correct(run)) for run in runs]) == pytest.approx(np.mean(values))


def test_the_interval_is_that_of_the_queries_means_over_seeds(folder: Path, rows: dict[str, Any]) -> None:
    row = rows["siamese"]
    means = np.mean([correct(folder / name) for name in row["runs"]], axis=0)
    answers = RunDirectory.read(folder / row["runs"][0]).predictions()
    alphabets = [answer["label"].split("/")[0] for answer in answers]
    distinct = len({answer["path"] for answer in answers})
    wanted = clustered_accuracy(means, alphabets, distinct).ci95
    assert rows["siamese"]["results"][HEADLINE]["ci95"] == pytest.approx(wanted)


def test_other_protocols_have_an_interval_as_wide_as_their_seeds(folder: Path, rows: dict[str, Any]) -> None:
    row = rows["siamese"]
    seen = [RunDirectory.read(folder / name).summary()["results"]["verification"] for name in row["runs"]]
    low, high = row["results"]["verification"]["ci95"]
    assert (low, high) == (min(one["ci95"][0] for one in seen), max(one["ci95"][1] for one in seen))


def test_a_baseline_answers_the_tasks_of_the_methods(config: Oneshot, rows: dict[str, Any]) -> None:
    class_split = read_classes(config, Silent())
    protocol = plan_protocols(class_split)[0]
    alone = answer(protocol.tasks, nearest.make_scorer(protocol.examples.pixels), 0)
    measure = rows["nearest-neighbour"]["results"][HEADLINE]
    assert measure["value"] == pytest.approx(alone.correct.mean())
    assert measure["n"] == rows["siamese"]["results"][HEADLINE]["n"]
    assert rows["nearest-neighbour"]["seeds"] == []


def test_every_run_was_drawn_once(folder: Path, drawn: list[Path], rows: dict[str, Any]) -> None:
    trained = [folder / name for row in rows.values() for name in row["runs"]]
    assert sorted(drawn) == sorted(trained)


def test_taken_up_again_it_keeps_its_runs(config: Oneshot, folder: Path, rows: dict[str, Any]) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/seed-*/summary.json")}
    assert len(before) == 2 * SEEDS
    with Comparison.resume(folder) as opened:
        document = comparison.run(config, ["siamese", "prototypes"], SEEDS, opened)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    again = {row["method"]: row for row in document["rows"]}
    assert again["siamese"]["results"] == rows["siamese"]["results"]


def test_published_figures_stand_beside_their_own_protocol_only() -> None:
    published = list(list_published("omniglot", "lake-20"))
    assert {row["kind"] for row in published} == {"published"}
    people = next(row for row in published if row["method"] == "people")
    assert people["results"]["lake-20"]["value"] == 0.955
    assert not list(list_published("omniglot", "vinyals-20-way-1-shot"))
    assert not list(list_published("glyphs", HEADLINE))
