"""The shape of the project: what no other tool checks."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from dlpractice.cli.main import find_commands
from dlpractice.config.load import load_config

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dlpractice"
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
TESTS = ROOT / "tests"
TEST_FILES = sorted(path.relative_to(TESTS) for path in TESTS.rglob("test_*.py"))
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


def test_modules_were_found() -> None:
    assert len(MODULES) > 30


def defines_a_function(module: Path) -> bool:
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) for node in ast.walk(tree))


@pytest.mark.parametrize("room", sorted({path.parent for path in MODULES}), ids=str)
def test_every_room_that_can_go_wrong_is_tested(room: Path) -> None:
    """What holds nothing but rows and fields is tested where it is used."""
    modules = [path for path in MODULES if path.parent == room and not path.name.startswith("__")]
    if any(defines_a_function(module) for module in modules):
        assert list((TESTS / room).glob("test_*.py")), f"tests/{room} has no tests"


@pytest.mark.parametrize("test", [path for path in TEST_FILES if path.parent != Path()], ids=str)
def test_every_test_lies_where_what_it_tests_lies(test: Path) -> None:
    """Below `tests/X/` are tests that import from the room X, or call the program; they move with it."""
    room = next(folder for folder in test.parents if (PACKAGE / folder).is_dir())
    text = (TESTS / test).read_text(encoding="utf-8")
    assert room != Path(), f"tests/{test.parent} stands for no room"
    assert ".".join(("dlpractice", *room.parts)) in text or "dlpractice.cli.main" in text, (
        f"no test of {room}"
    )


def test_no_room_is_a_heap() -> None:
    rooms = Counter(path.parent for path in MODULES if not path.name.startswith("__"))
    assert {str(room): count for room, count in rooms.items() if count > 15} == {}


def test_no_name_means_two_things() -> None:
    """A module or room has a name of its own, but for these, which are one thing in several places.

    A command has one name everywhere; a module named like its room is its door; what several commands do
    alike (`recipes/*/setup.py`) is called alike; models are built, in `models/X.py`, from the rows of
    `registry/X.py`; and the benchmark, a slice through all layers, has rooms named like the package's.
    """
    commands = find_commands()
    outer = {path.parts[0] for path in MODULES}
    places: dict[str, set[str]] = defaultdict(set)
    for path in {*MODULES, *(path.parent for path in MODULES if path.parent != Path())}:
        name, parts = path.stem, path.with_suffix("").parts
        if name.startswith("__") or name in commands or parts[-2:] == (name, name):
            continue
        if parts[0] == "benchmark" and len(parts) == 2 and name in outer:
            continue
        if parts[0] == "recipes" and len(parts) == 3:
            parts = ("recipes", "*", name)
        if parts[0] in ("registry", "models") and len(parts) == 2:
            parts = ("registry and models", name)
        places[name].add("/".join(parts))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_modules_stay_in_size() -> None:
    lengths = {str(path): len((PACKAGE / path).read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > 300} == {}


def test_no_room_or_module_has_a_vague_name() -> None:
    names = {part.removesuffix(".py") for path in MODULES for part in path.parts}
    assert names & VAGUE == set()


# Methods of paths that ask the system, and raise what it answers, each in its own way.
ASKING = {
    *(
        "exists",
        "is_dir",
        "is_file",
        "is_symlink",
        "is_fifo",
        "is_mount",
        "stat",
        "lstat",
        "resolve",
        "absolute",
    ),
    *("expanduser", "iterdir", "glob", "rglob", "samefile", "readlink", "owner", "read_bytes", "read_text"),
}


def ask_the_system(tree: ast.AST) -> list[int]:
    """The lines on which a program asks the system about a path, or opens a file to read it."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            reads = node.func.attr == "open" and any(
                isinstance(mode, ast.Constant) and str(mode.value).startswith("r") for mode in node.args[:1]
            )
            # A function of ours that reads takes the path, a method has it.
            if (node.func.attr in ASKING and not (node.func.attr.startswith("read") and node.args)) or reads:
                lines.append(node.lineno)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            lines.append(node.lineno)
    return lines


def test_only_one_module_asks_the_system_about_paths() -> None:
    """Ruff keeps out `os.path`, `os.stat` and the like; of a method it does not see that it is a path's."""
    wild = "Path(a).exists(), (a / b).glob('*'), a.open('rb'), open(a), a.open('x'), exists(a), zip.open(a)"
    assert len(ask_the_system(ast.parse(wild))) == 4
    found = {
        str(module): lines
        for module in MODULES
        if str(module) != "paths.py"
        and (lines := ask_the_system(ast.parse((PACKAGE / module).read_text(encoding="utf-8"))))
    }
    assert found == {}, "ask dlpractice.paths, whose errors name the path and say what to do"


def test_every_shipped_config_loads_for_its_command() -> None:
    assert len(CONFIGS) == 7, "count the new config here"
    for path in CONFIGS:
        config = load_config(str(path), command=path.parent.name)
        for variant in config.variants():
            assert getattr(config.with_variant(variant), config.VARIANT) == variant
