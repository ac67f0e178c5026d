"""The wheel alone, away from the checkout: configs, schema and commands travel with it."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hatchling.builders.wheel import WheelBuilder
from PIL import Image

from dlpractice import __version__

ROOT = Path(__file__).resolve().parent.parent

TINY = """\
command: finetune
strategy: scratch
data: {source: photos, image_size: 16, validation: 0.25, test: 0.25}
model: {width: 0.25}
training: {epochs: 1, batch_size: 4}
hardware: {precision: float32}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return Path(built)


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the wheel. It borrows the dependencies, as no test needs a network."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    # Python reads no .pth files where a .pth file points, so an editable dlpractice stays out of sight.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return folder


def run(environment: Path, folder: Path, *command: str) -> str:
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DLP_"))}
    done = subprocess.run(
        [str(environment / "bin" / command[0]), *command[1:]],
        cwd=folder,
        env={**settings, "DLP_CACHE_DIR": str(folder / "cache"), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_and_its_configs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    configs = {str(path.relative_to(ROOT)) for path in (ROOT / "configs").rglob("*.*")}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "dlpractice").rglob("*.py")}
    assert {f"dlpractice/{name}" for name in configs} | modules <= names
    assert all(name.startswith(("dlpractice/", f"dlpractice-{__version__}.dist-info/")) for name in names)


def test_the_commands_run_from_the_wheel(environment: Path, tmp_path: Path) -> None:
    where = run(environment, tmp_path, "python", "-c", "import dlpractice; print(dlpractice.__file__)")
    assert Path(where.strip()).is_relative_to(environment)
    assert run(environment, tmp_path, "dlp", "--version") == f"dlp {__version__}\n"
    listed = run(environment, tmp_path, "dlp", "config", "ls")
    assert "cats-dogs" in listed
    assert "digits" in listed
    copied = run(environment, tmp_path, "dlp", "config", "copy", "digits", "mine.yaml")
    assert copied == "mine.yaml\n"
    schema = (tmp_path / "mine.yaml").read_text().splitlines()[0].partition("$schema=")[2]
    assert (tmp_path / schema).is_file()


def test_a_tiny_training_runs_from_the_wheel(environment: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, level in (("dark", 40), ("light", 200)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(level - 40, level + 40, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    (tmp_path / "tiny.yaml").write_text(TINY)
    output = run(environment, tmp_path, "dlp", "finetune", "tiny", "--run-dir", "run")
    assert output.splitlines()[-1] == "run"
    assert (tmp_path / "run" / "summary.json").is_file()
