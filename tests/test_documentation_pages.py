"""README and docs: links lead somewhere, shown commands are understood, generated parts are up to date."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from dlpractice.cli.main import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
COMMANDS = [
    line.split(" #")[0].strip()
    for page in PAGES
    for line in page.read_text(encoding="utf-8").splitlines()
    if line.startswith("    dlp ") and not line.rstrip().endswith("\\")
]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_were_found() -> None:
    assert len(LINK.findall(README)) > 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        path = page.parent / target if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), f"{target}#{anchor}"


@pytest.mark.parametrize("line", sorted(set(COMMANDS)))
def test_a_shown_command_is_understood(line: str) -> None:
    command = typer.main.get_command(app)
    words = shlex.split(re.split(r"\s{2,}", line)[0])[1:]
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("dlp", words)


@pytest.mark.parametrize("name", ["config-page", "run-directory-page"])
def test_generated_parts_are_up_to_date(name: str) -> None:
    script = [sys.executable, str(ROOT / "scripts" / name), "--check"]
    assert subprocess.run(script, timeout=1200).returncode == 0, f"run scripts/{name}"


def test_the_readme_is_short_and_says_how_to_test() -> None:
    assert len(README.splitlines()) <= 90
    assert "scripts/quickstart" in README and "scripts/test" in README


def test_every_extra_that_is_named_is_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    sources = (ROOT / "dlpractice").rglob("*.py")
    named = {
        extra
        for file in (*PAGES, *sources)
        for extra in re.findall(r"dlpractice\[(\w+)\]", file.read_text(encoding="utf-8"))
    }
    assert "export" in named
    assert named <= extras.keys()
