"""docs/extending.md, followed to the letter: its blocks go into a copy of the package, its commands run."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "extending.md"
BLOCK = re.compile(r"^```(?P<kind>python|sh)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"# (?P<how>a new file:|at the end of) (?P<file>\S+)\n")

# All commands in one process, so that TensorFlow is imported once.
RUN = """
import os, shlex, sys
import pytest
from dlpractice.cli.main import main

for line in open(sys.argv[1]):
    command, *arguments = shlex.split(line)
    print("$", line, end="", flush=True)
    if command == "pytest":
        status = pytest.main(["--import-mode=importlib", "-p", "no:cacheprovider", *arguments])
    elif command == "dlp":
        sys.argv[1:] = arguments
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code
    else:
        status = os.system(line)
    print("status", status, flush=True)
"""


@dataclass(frozen=True)
class Followed:
    """What became of the page: the folder in which its commands ran, and what each printed."""

    folder: Path
    outputs: dict[str, str]


def put(tree: Path, text: str) -> None:
    """Puts a block of code where its first line says."""
    place = PLACE.match(text)
    assert place, f"the block does not say where it goes: {text.partition(chr(10))[0]}"
    file, code = tree / place["file"], text[place.end() :]
    is_new = place["how"] == "a new file:"
    assert file.exists() != is_new, file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(code if is_new else file.read_text() + code)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path, tiny_alphabets: Path) -> Followed:
    folder = tmp_path_factory.mktemp("extended")
    for name in ("dlpractice", "configs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "photos").symlink_to(tiny_data)
    (folder / "alphabets").symlink_to(tiny_alphabets)
    blocks = list(BLOCK.finditer(PAGE.read_text(encoding="utf-8")))
    for block in blocks:
        if block["kind"] == "python":
            put(folder, block["text"])
    commands = "".join(block["text"] for block in blocks if block["kind"] == "sh")
    (folder / "commands").write_text(commands)
    environment = {**os.environ, "PYTHONPATH": str(folder), "DLP_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", RUN, "commands"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    printed = re.split(r"^\$ (.+)$", done.stdout, flags=re.MULTILINE)[1:]
    outputs = dict(zip(printed[::2], printed[1::2], strict=True))
    assert list(outputs) == commands.splitlines()
    for command, output in outputs.items():
        assert output.endswith("status 0\n"), f"{command}\n{output}\n{done.stderr}"
    return Followed(folder, outputs)


def test_a_backbone_is_trained_on(followed: Followed) -> None:
    summary = json.loads((followed.folder / "mobilenet" / "summary.json").read_text())
    assert summary["results"]["test_accuracy"]["n"] == 32


def test_an_encoder_and_an_objective_are_trained_with(followed: Followed) -> None:
    config = (followed.folder / "nca" / "config.yaml").read_text()
    assert "name: pooled" in config and "name: nca" in config
    assert (followed.folder / "nca" / "model.keras").is_file()


def test_a_rule_is_asked(followed: Followed) -> None:
    output = followed.outputs["dlp diagnose history.json"]
    assert output.startswith("\nValidation on training data: training and validation loss are the same")


def test_a_log_format_is_read(followed: Followed) -> None:
    document = json.loads(followed.outputs["dlp diagnose log.dat --json"].rpartition("status")[0])
    assert document["kind"] == "gnuplot data"
    assert document["curves"]["loss"]["values"] == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]


def test_a_command_is_called(followed: Followed) -> None:
    assert followed.outputs["dlp epochs nca"].startswith("\n1\n")


def test_the_names_are_in_schemas_and_tables(followed: Followed) -> None:
    code = (
        "import json\n"
        "from dlpractice.config.schema import json_schema\n"
        "from dlpractice.registry.tables import TABLES\n"
        "print(json.dumps([json_schema('finetune'), json_schema('oneshot')]))\n"
        "print(*(table() for table in TABLES.values()))"
    )
    environment = {**os.environ, "PYTHONPATH": str(followed.folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=followed.folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    schemas, tables = done.stdout.split("\n", 1)
    finetune, oneshot = (document["$defs"] for document in json.loads(schemas))
    assert "mobilenet" in finetune["Model"]["properties"]["backbone"]["anyOf"][0]["enum"]
    assert {"mobilenet", "pooled"} <= set(oneshot["Encoder"]["properties"]["name"]["enum"])
    assert "nca" in oneshot["Objective"]["properties"]["name"]["enum"]
    for name in ("mobilenet", "pooled", "nca"):
        assert f"| `{name}` |" in tables
