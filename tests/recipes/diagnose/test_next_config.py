"""The config that `dlp diagnose --write-config` writes."""

from pathlib import Path
from typing import Any

import pytest

from dlpractice.config.load import dump_config, load_config
from dlpractice.errors import RunError, WriteError
from dlpractice.recipes.diagnose.next_config import write_next_config

FINDING = {
    "name": "overfitting",
    "severity": "warning",
    "confidence": "high",
    "evidence": ["training error 1.0%, validation error 20.0%"],
    "causes": "label errors",
    "remedy": "more regularisation",
    "overrides": ["model.dropout=0.5", "training.weight_decay=0.05"],
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "head"
    folder.mkdir()
    (folder / "config.yaml").write_text(dump_config(load_config("digits", ["seed=7"], "finetune")))
    return folder


def document(*findings: dict[str, Any]) -> dict[str, Any]:
    return {"findings": list(findings)}


def test_the_top_remedy_is_applied_and_the_rest_stays(run: Path, tmp_path: Path) -> None:
    target = tmp_path / "next.yaml"
    first = FINDING | {"name": "worst mistakes", "overrides": []}
    write_next_config(run, document(first, FINDING), target)
    before, after = (load_config(str(path), [], "finetune") for path in (run / "config.yaml", target))
    assert (after.model.dropout, after.training.weight_decay, after.seed) == (0.5, 0.05, 7)
    assert after.data == before.data
    comment = [line for line in target.read_text().splitlines() if line.startswith("#")]
    assert "# training error 1.0%, validation error 20.0%" in comment
    assert "# Changed: model.dropout=0.5" in comment
    assert max(map(len, comment)) <= 110


def test_what_cannot_be_written(run: Path, tmp_path: Path) -> None:
    target = tmp_path / "next.yaml"
    with pytest.raises(RunError, match=r"has no config\.yaml"):
        write_next_config(tmp_path, document(FINDING), target)
    with pytest.raises(RunError, match="no finding"):
        write_next_config(run, document(), target)
    target.write_text("mine")
    with pytest.raises(WriteError, match="exists already"):
        write_next_config(run, document(FINDING), target)
    assert target.read_text() == "mine"
