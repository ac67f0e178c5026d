"""The shape of the project: what no other tool checks."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
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
        if str(module) not in ("paths.py", "whole_files.py")
        and (lines := ask_the_system(ast.parse((PACKAGE / module).read_text(encoding="utf-8"))))
    }
    assert found == {}, "ask dlpractice.paths, whose errors name the path and say what to do"


WRITING = {
    "write_text",
    "write_bytes",
    "touch",
    "mkdir",
    "makedirs",
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "savefig",
    "tofile",
    "replace",
    "rename",
    "link",
    "symlink",
    "symlink_to",
    "hardlink_to",
    "truncate",
    "ftruncate",
    "move",
    "copy",
    "copyfile",
    "copytree",
    "mkstemp",
    "mkdtemp",
    "NamedTemporaryFile",
    "TemporaryDirectory",
}
# Of these names, the calls that write to no disk, by what stands before the dot.
HARMLESS = {"replace": ("os",), "copy": ("shutil",), "move": ("shutil",), "link": ("os",), "rename": ("os",)}


MODES = {"w", "wb", "x", "xb", "a", "ab", "r+", "rb+", "r+b", "w+b"}
WATCHED = {"growing", "replacing", "making_folder", "scratch_folder"}


def find_writing(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.Call]]:
    """The calls that write files, each with the function that it stands in; but for those in a block that
    `whole_files` watches over."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.With) and any(
            isinstance(item.context_expr, ast.Call) and getattr(item.context_expr.func, "id", "") in WATCHED
            for item in node.items
        ):
            continue
        if isinstance(node, ast.Call) and writes(node):
            yield function, node
        yield from find_writing(node, node.name if isinstance(node, ast.FunctionDef) else function)


def writes(call: ast.Call) -> bool:
    is_method = isinstance(call.func, ast.Attribute)
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    owner = getattr(getattr(call.func, "value", None), "id", "")
    if name in ("open", "fdopen", "ZipFile"):
        place = 0 if is_method and name == "open" and owner != "io" else 1
        texts = [*call.args[place:], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
        flags = {part.attr for part in ast.walk(call) if isinstance(part, ast.Attribute)}
        return bool(
            MODES & {text.value for text in texts if isinstance(text, ast.Constant)}
            or flags & {"O_WRONLY", "O_RDWR", "O_CREAT"}
        )
    return is_method and name in WRITING and owner in HARMLESS.get(name, (owner,)) and owner != "atomic_files"


def test_one_module_writes_all_files() -> None:
    """So that each is there whole or not at all, and that a full disk is an error like any other."""
    allowed = {
        "runs/lock.py": {"lock_folder"},  # makes the folder whose lock it takes
        "data/storage/row_store.py": {"_cut_off_unfinished"},  # what a killed process has left
        # These fill folders that their callers have from `making_folder` or `replacing`.
        "data/files/archive.py": {"_extract_one"},
        "data/sets/catalogue.py": {"_write_digits", "_write_glyphs"},
        "models/model_file.py": {"_add_note"},
        "recipes/export/usage_note.py": {"write_usage"},
        "recipes/export/subject.py": {"write_text"},
        "recipes/export/writers.py": {"write_keras", "write_onnx", "write_litert", "write_saved_model"},
        "cli/quiet_import.py": {"_stderr_held_back"},
        "recipes/serve/routes/heat_map_routes.py": {"_draw"},  # into memory
        "recipes/export/litert_metadata.py": {"add_metadata"},  # into memory
        "cli/output/streams.py": {"steady"},  # opens what takes the place of streams that are closed
    }
    found = {
        f"{module}:{call.lineno} {ast.unparse(call.func)}"
        for module in MODULES
        if module != Path("whole_files.py")
        for function, call in find_writing(ast.parse((PACKAGE / module).read_text(encoding="utf-8")))
        if function not in allowed.get(str(module), ())
    }
    assert found == set()


@pytest.mark.parametrize(
    "code",
    [
        'open("a", "w")',
        'path.open("xb")',
        'open("a", mode="a")',
        "os.open(path, os.O_RDWR)",
        'zipfile.ZipFile("a", "w")',
        'path.write_text("")',
        "np.save(path, array)",
        "figure.savefig(path)",
        "os.replace(a, b)",
        "with closing(a):\n    a.write_bytes(b)",
    ],
)
def test_writing_is_seen(code: str) -> None:
    assert len(list(find_writing(ast.parse(code)))) == 1
    watched = "with replacing(path) as new:\n    " + code.replace("\n", "\n    ")
    assert list(find_writing(ast.parse(watched))) == []


@pytest.mark.parametrize("code", ['open("a")', 'path.open("rb")', 'text.replace("a", "b")', "array.copy()"])
def test_what_is_no_writing_is_not_seen(code: str) -> None:
    assert list(find_writing(ast.parse(code))) == []


def test_every_shipped_config_loads_for_its_command() -> None:
    assert len(CONFIGS) == 7, "count the new config here"
    for path in CONFIGS:
        config = load_config(str(path), command=path.parent.name)
        for variant in config.variants():
            assert getattr(config.with_variant(variant), config.VARIANT) == variant
