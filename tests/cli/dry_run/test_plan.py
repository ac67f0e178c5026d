import json
from pathlib import Path

import pytest

from dlpractice.cli.console import results
from dlpractice.cli.dry_run.plan import show_plan
from dlpractice.config.lines import read_document
from dlpractice.config.schema import Oneshot


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> Oneshot:
    results.cache_clear()
    monkeypatch.setenv("COLUMNS", "80")
    small = {"encoder": {"width": 0.5}}
    return Oneshot.model_validate(
        {"command": "oneshot", "data": {"source": "omniglot"}, "methods": {"small": small}}
    )


FOUND = {
    "sizes": {"train": 1200, "validation": 2, "test": 3},
    "classes": 1205,
    "trainable_parameters": 1000,
    "parameters": 1010,
    "weights": "random",
    "devices": ["/CPU:0"],
    "precision": "float32",
    "batch": 64,
}


def test_a_plan_is_what_would_load(config: Oneshot, capsys: pytest.CaptureFixture[str]) -> None:
    configs = {"small": config.for_method("small"), "affine": None}
    show_plan(configs, {"small": FOUND}, 2, Path("r"), as_json=False)
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert lines[:4] == [
        "# small, 2 seeds",
        "# 1205 classes: train 1,200, validation 2, test 3",
        "# 1,000 of 1,010 parameters are trained; weights: random",
        "# float32 on /CPU:0, 64 images in a batch",
    ]
    assert shown.endswith("# affine, which is not trained\n\nr\n")
    written = read_document("\n".join(lines[:-1]), "plan").tree
    assert written["encoder"]["width"] == 0.5
    show_plan(configs, {"small": FOUND}, 2, Path("r"), as_json=True)
    plan = json.loads(capsys.readouterr().out)
    assert (plan["run"], plan["seeds"], plan["configs"]["affine"]) == ("r", 2, None)
    assert plan["configs"]["small"]["encoder"]["width"] == 0.5
    assert plan["found"]["small"]["batch"] == 64
