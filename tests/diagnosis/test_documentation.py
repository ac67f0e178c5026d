"""The lists in docs/diagnosis.md are what the rows say; the text around them is left alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.reading import FORMATS
from dlpractice.diagnosis.rule_table import RULES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "diagnosis.md"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The script and the page, in a folder that may be changed."""
    for file in ("scripts/diagnosis-page", "docs/diagnosis.md"):
        (tmp_path / file).parent.mkdir()
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def run_script(root: Path, *options: str) -> int:
    script = [sys.executable, str(root / "scripts" / "diagnosis-page"), *options]
    return subprocess.run(script, capture_output=True, timeout=1200).returncode


def test_the_page_is_up_to_date(copy: Path) -> None:
    assert run_script(copy, "--check") == 0, "run scripts/diagnosis-page"
    assert run_script(copy) == 0
    assert (copy / "docs" / "diagnosis.md").read_bytes() == PAGE.read_bytes()


def test_lists_are_mended_and_other_text_is_kept(copy: Path) -> None:
    page, text = copy / "docs" / "diagnosis.md", PAGE.read_text(encoding="utf-8")
    changed = text.replace("# What is wrong", "# Said by hand: what is wrong", 1)
    page.write_text(changed.replace("### overfitting\n", "### fitting\n"), encoding="utf-8")
    assert run_script(copy, "--check") == 1
    assert run_script(copy) == 0
    assert page.read_text(encoding="utf-8") == changed != text


def test_a_lost_marker_is_an_error(copy: Path) -> None:
    page = copy / "docs" / "diagnosis.md"
    page.write_text(page.read_text(encoding="utf-8").replace("<!-- end rules -->", ""), encoding="utf-8")
    assert run_script(copy) == 1


def test_every_rule_and_format_is_on_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"### {rule.name}\n" in page for rule in RULES)
    assert all(f"- **{known.name}**: " in page for known in FORMATS)
