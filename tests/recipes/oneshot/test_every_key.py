"""Every key of a one-shot config changes something, or the run says that it changes nothing.

Each key is changed once where it has an effect, in runs of a small dense net on few alphabets.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from strict_patches import StrictPatch
from traced_runs import Bench, Settings, is_told, list_keys

from dlpractice.config.schema import Oneshot
from dlpractice.data.examples import Examples
from dlpractice.data.sets.glyphs.alphabets import generate_alphabets
from dlpractice.data.sets.omniglot import Omniglot
from dlpractice.recipes.oneshot import oneshot


def make_images(root: Path) -> None:
    """Eight classes of four, no squares, half transparent."""
    rng = np.random.default_rng(0)
    for name in "abcdefgh":
        (root / name).mkdir(parents=True)
        for number in range(4):
            values = rng.integers(0, 256, (18, 26, 4), np.uint8)
            values[..., 3] = np.where(np.arange(26) < 13, 255, 90)
            Image.fromarray(values).save(root / name / f"drawer{number}.png")


def generate_small(count: int, *, seed: int, progress: Any = None) -> Examples:
    """Generated alphabets of three characters, each drawn by three."""
    return generate_alphabets(count, seed=seed, characters=(3, 3), drawers=3)


def read_small_omniglot(progress: Any) -> Omniglot:
    """Too small for either division: each is refused in words of its own."""
    return Omniglot(generate_small(2, seed=0), generate_small(1, seed=1), (), "")


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, shared_cache: Path, tiny_alphabets: Path
) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("images", "damaged"):
        make_images(folder / name)
    (folder / "damaged" / "a" / "drawer9.png").write_bytes(b"no image")
    (folder / "alphabets").symlink_to(tiny_alphabets)
    with StrictPatch.context() as patch, Bench(oneshot.run, Oneshot, ONESHOT, folder).patched() as made:
        patch.setattr("dlpractice.data.oneshot.class_split.read_omniglot", read_small_omniglot)
        patch.setattr("dlpractice.data.oneshot.class_split.generate_alphabets", generate_small)
        digits = generate_alphabets(1, seed=2, characters=(10, 10), drawers=2)
        patch.setattr("dlpractice.data.oneshot.class_split.read_digit_examples", lambda: digits)
        yield made


ONESHOT: Settings = {
    "command": "oneshot",
    "data.source": "alphabets",
    "data.image_size": 16,
    "data.validation": 0.2,
    "data.drawer_pattern": r"^drawer(\d+)$",
    "encoder.name": "dense",
    "encoder.width": 0.1,
    "batch.alphabets": 2,
    "batch.classes": 4,
    "batch.examples": 3,
    "distortion.probability": 0.9,
    "training.epochs": 2,
    "training.epoch_steps": 2,
    "training.checkpoint_seconds": 1000.0,
    "hardware.precision": "float32",
    "hardware.compile": False,
    "hardware.devices": 1,
}
IMAGES: Settings = {"data.source": "images", "batch.alphabets": 1, "training.epochs": 1}
GLYPHS: Settings = {
    "data.source": "glyphs",
    "data.glyph_alphabets": 1,
    "data.validation_alphabets": 1,
    "data.evaluation_alphabets": 1,
    "training.epochs": 1,
}
MAPS: Settings = {
    "encoder.name": "conv4",
    "data.image_size": 32,
    "training.epochs": 1,
    "training.epoch_steps": 1,
}
BACKBONE: Settings = {
    "encoder.name": "vgg16",
    "encoder.width": 1.0,
    "data.image_size": 32,
    "training.epochs": 1,
}
AT_REST: Settings = {"training.learning_rate": 1e-30, "training.epochs": 3}

# For each key another value, and what else is set on both sides.
CHANGES: dict[str, tuple[Any, Settings]] = {
    "method": ("other", {}),
    "seed": (1, {}),
    "methods": ({"siamese": {"batch": {"classes": 3}}}, {}),
    "data.source": ("images", {}),
    "data.image_size": (20, {}),
    "data.colour": ("colour", {}),
    "data.resize": ("crop", IMAGES),
    "data.background": ("#000000", IMAGES),
    "data.split": ("vinyals", {"data.source": "omniglot", "data.validation_alphabets": 1}),
    "data.validation_alphabets": (2, GLYPHS),
    "data.evaluation_alphabets": (2, GLYPHS),
    "data.validation": (0.4, {}),
    "data.evaluation": (0.5, {}),
    "data.glyph_alphabets": (2, GLYPHS),
    "data.examples_per_class": (1, {}),
    "data.split_seed": (3, {}),
    "data.drawer_pattern": (None, {}),
    "data.on_bad_image": ("skip", {**IMAGES, "data.source": "damaged"}),
    "encoder.name": ("residual", {}),
    "encoder.weights": ("a file", BACKBONE),
    "encoder.width": (0.2, {}),
    "encoder.dimensions": (5, {}),
    "objective.name": ("verification", {}),
    "objective.temperature": (0.5, {}),
    "objective.margin": (2.0, {"objective.name": "triplet"}),
    "batch.alphabets": (1, {}),
    "batch.classes": (3, {}),
    "batch.examples": (2, {}),
    "batch.quarter_turns": (True, {}),
    "batch.mirror": (True, {}),
    "distortion.rotation": (40.0, {}),
    "distortion.shear": (0.1, {}),
    "distortion.scale": (0.5, {}),
    "distortion.shift": (0.2, {}),
    "distortion.elastic": (0.1, {}),
    "distortion.thickness": (0.9, {}),
    "distortion.subimage": (0.5, {}),
    "distortion.probability": (0.3, {}),
    "training.epochs": (1, {}),
    "training.epoch_steps": (3, {}),
    "training.learning_rate": (0.01, {}),
    "training.optimizer": ("sgd", {}),
    "training.weight_decay": (0.5, {}),
    "training.schedule": ("constant", {}),
    "training.warmup": (1.0, {}),
    "training.patience": (1, AT_REST),
    "training.checkpoint_seconds": (0.0, {}),
    "training.tensorboard": (True, {}),
    "training.diagnostics": (True, {}),
    "evaluation.views": (2, {}),
    "evaluation.alignment": (1, MAPS),
    "evaluation.transductive": (True, {}),
    "evaluation.false_accept_rate": (0.3, {}),
    "hardware.devices": (64, {}),
    "hardware.precision": ("bfloat16", MAPS),
    "hardware.memory_share": (0.1, {}),
    "hardware.compile": (True, {}),
    "hardware.deterministic": (False, {}),
    "hardware.scaling": ("linear", {}),
}

# Whose other value, or whose first, the run refuses.
REFUSED = {"data.split", "data.on_bad_image", "hardware.devices", "hardware.scaling"}


def test_every_key_of_the_schema_is_here() -> None:
    assert set(CHANGES) == list_keys(Oneshot)


@pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions_eagerly`")
@pytest.mark.parametrize("key", CHANGES)
def test_a_key_has_an_effect_or_is_said_to_have_none(key: str, bench: Bench) -> None:
    parted, told = bench.compare(key, *CHANGES[key])
    assert bool(parted) != is_told(key, told), told
    assert parted != "refusal" or key in REFUSED
