"""The rows of the formats, and that a file of its own is all that a new one takes."""

import sys
from pathlib import Path

import pytest

from dlpractice.diagnosis.logs import formats, reading
from dlpractice.diagnosis.logs.reading import FORMATS
from dlpractice.errors import RunError

NEW_FORMAT = """
from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.record import Curve, Record

def find(path):
    return path if path.suffix == ".tally" else None

def read(path, mapping):
    losses = tuple(float(line) for line in path.read_text().split())
    return Record(str(path), "tally", {"loss": Curve(tuple(range(1, len(losses) + 1)), losses)})

FORMAT = Format("tally", "a tally of losses", "by its name", (Place(45, find),), read)
"""


def test_every_row_says_what_it_is() -> None:
    assert len(FORMATS) == len(list(Path(formats.__path__[0]).rglob("[!_]*.py"))) >= 5
    ranks = [place.rank for known in FORMATS for place in known.places]
    assert len(set(ranks)) == len(ranks)
    for known in FORMATS:
        assert known.name
        assert known.recognised_by
        assert known.words.startswith("a ")


def test_a_new_file_is_all_that_a_new_format_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "formats").mkdir()
    (tmp_path / "formats" / "tally.py").write_text(NEW_FORMAT)
    log = tmp_path / "log.tally"
    log.write_text("0.9\n0.5\n")
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path / "formats")])
    monkeypatch.delitem(sys.modules, reading.__name__)
    from dlpractice.diagnosis.logs.reading import read_log

    try:
        assert read_log(log, {}).curves["loss"].values == (0.9, 0.5)
        with pytest.raises(RunError) as error:
            read_log(tmp_path / "absent", {})
        assert "a tally of losses" in error.value.hint
    finally:
        sys.modules.pop(f"{formats.__name__}.tally")
