"""A tiny data set and a finished run on it, made once for all tests that need one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlpractice.config.schema import Finetune
from dlpractice.runs.directory import RunDirectory


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 40 small photographs-to-be: warm and cold noise, easy to tell apart."""
    root = tmp_path_factory.mktemp("tiny") / "data"
    rng = np.random.default_rng(0)
    for name, tint in (("cold", (60, 90, 160)), ("warm", (160, 90, 60))):
        (root / name).mkdir(parents=True)
        for number in range(40):
            noise = rng.normal(tint, 60, (40, 48, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noise).save(root / name / f"{number:02d}.png")
    return root


@pytest.fixture(scope="session")
def tiny_config(tiny_data: Path) -> Finetune:
    """Seconds of work: 32 pixels, a narrow net, few epochs, no pretrained weights, no timing."""
    return Finetune.model_validate(
        {
            "command": "finetune",
            "strategy": "scratch",
            "data": {"source": str(tiny_data), "image_size": 32, "validation": 0.2, "test": 0.2},
            "model": {"width": 0.25, "weights": None},
            "augment": {"flip": "horizontal", "shift": 0.1},
            "training": {"epochs": 3, "batch_size": 16, "learning_rate": 0.003, "head_epochs": 2},
            "hardware": {"precision": "float32", "devices": 1},
        }
    )


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A DLP_CACHE_DIR for the whole session."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("DLP_CACHE_DIR", str(folder))
        patch.delenv("DLP_DATA_DIR", raising=False)
        yield folder


@pytest.fixture(scope="session")
def finished_run(tiny_config: Finetune, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished `scratch` run on the tiny data."""
    from dlpractice.recipes import finetune

    folder = tmp_path_factory.mktemp("runs") / "scratch"
    with RunDirectory.create(folder) as run:
        finetune.run(tiny_config, run)
    return folder
