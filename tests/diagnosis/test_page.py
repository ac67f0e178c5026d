"""The page of rules in docs/ is what the table says."""

from pathlib import Path

from dlpractice.diagnosis.page import write_page
from dlpractice.diagnosis.rules.table import RULES

PAGE = Path(__file__).parents[2] / "docs" / "diagnosis.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_page(), "run scripts/diagnosis-page"


def test_every_rule_is_on_it() -> None:
    page = write_page()
    assert all(f"### {rule.name}\n" in page for rule in RULES)
