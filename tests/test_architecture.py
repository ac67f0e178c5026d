"""The shape of the project: what no other tool checks."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

from dlpractice.config.load import load_config

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dlpractice"
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
CONFIGS = sorted((ROOT / "configs").rglob("*.y*ml"))

VAGUE = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "manager",
    "managers",
    "misc",
    "tools",
    "core",
}


def normalised(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_modules_were_found() -> None:
    assert len(MODULES) > 30


@pytest.mark.parametrize("module", [path for path in MODULES if not path.name.startswith("__")], ids=str)
def test_every_module_has_its_test(module: Path) -> None:
    test = ROOT / "tests" / module.with_name(f"test_{module.name}")
    assert test.is_file(), f"dlpractice/{module} has no {test.relative_to(ROOT)}"


def test_modules_stay_in_size() -> None:
    lengths = {str(path): len((PACKAGE / path).read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > 300} == {}


def test_no_room_or_module_has_a_vague_name() -> None:
    names = {part.removesuffix(".py") for path in MODULES for part in path.parts}
    assert names & VAGUE == set()


def test_every_shipped_config_loads_for_its_command() -> None:
    assert len(CONFIGS) == 7, "count the new config here"
    for path in CONFIGS:
        config = load_config(str(path), command=path.parent.name)
        for variant in config.variants():
            assert getattr(config.with_variant(variant), config.VARIANT) == variant


def imported_packages(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def test_every_import_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    declared = {normalised(re.split(r"[\s\[<>=!~;]", requirement)[0]) for requirement in requirements}
    providers = packages_distributions()
    imported = set().union(*(imported_packages(PACKAGE / path) for path in MODULES))
    for name in imported - set(sys.stdlib_module_names) - {"dlpractice"}:
        distributions = {normalised(found) for found in providers.get(name, [name])}
        assert distributions & declared, f"pyproject.toml does not name {name}, which is imported"
