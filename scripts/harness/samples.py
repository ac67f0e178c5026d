"""Tiny data and configs: what a command does in a second or two."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

BACKBONE = "mobilenetv2"
_BLOCKS = ("one", "two", "three")

FINETUNE: dict[str, Any] = {
    "command": "finetune",
    "strategy": "scratch",
    "data": {"source": "images", "image_size": 16, "validation": 0.2, "test": 0.2},
    "model": {"backbone": BACKBONE, "weights": None, "width": 0.1, "dropout": 0.2},
    "augment": {"flip": "horizontal", "shift": 0.1},
    "training": {
        "epochs": 3,
        "batch_size": 8,
        "learning_rate": 0.003,
        "head_epochs": 2,
        "checkpoint_seconds": 0,
    },
    "hardware": {"precision": "float32"},
}
ONESHOT: dict[str, Any] = {
    "command": "oneshot",
    "data": {
        "source": "alphabets",
        "image_size": 16,
        "validation": 0.2,
        "drawer_pattern": r"^drawer(\d+)$",
    },
    "encoder": {"name": "dense", "width": 0.1},
    "batch": {"alphabets": 2, "classes": 4, "examples": 3},
    "training": {"epochs": 2, "epoch_steps": 4, "checkpoint_seconds": 0},
    "hardware": {"precision": "float32"},
}


def shrink_backbone() -> None:
    """Puts a net of three convolutions in the place of a pretrained one in the table of backbones."""
    import keras

    from dlpractice.registry.backbones import BACKBONES, Backbone

    def build(input_tensor: Any, **options: Any) -> keras.Model:
        assert options == {"include_top": False, "weights": None}
        x = input_tensor
        for prefix in _BLOCKS:
            x = keras.layers.Conv2D(8, 3, 2, padding="same", activation="relu", name=prefix)(x)
        return keras.Model(keras.utils.get_source_inputs(input_tensor), x)

    keras.applications.TinyNet = build
    BACKBONES[BACKBONE] = Backbone("TinyNet", "tf", _BLOCKS, 32, 8, "a net for trials of faults")


def write_weights(file: Path) -> None:
    """Weights of the tiny backbone, to be named in `model.weights`; starts TensorFlow."""
    import keras

    net = keras.applications.TinyNet(keras.Input((16, 16, 3)), include_top=False, weights=None)
    rng = np.random.default_rng(1)
    net.set_weights([rng.normal(0, 0.3, weight.shape) for weight in net.get_weights()])
    net.save_weights(file)


def write_images(folder: Path, per_class: int = 20, classes: int = 2, side: int = 24, seed: int = 0) -> Path:
    """Class folders of noise images, each class with a tint of its own."""
    rng = np.random.default_rng(seed)
    for number in range(classes):
        tint = rng.uniform(60, 190, 3)
        (folder / f"class{number:04d}").mkdir(parents=True)
        for image in range(per_class):
            noise = rng.normal(tint, 50, (side, side, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noise).save(folder / f"class{number:04d}" / f"{image:05d}.png")
    return folder


def write_alphabets(folder: Path) -> Path:
    """Six generated alphabets of six characters, each drawn once by four: alphabet/character/drawer.png."""
    from dlpractice.data.sets.glyphs.alphabets import generate_alphabets

    made = generate_alphabets(6, seed=0, characters=(6, 6), drawers=4)
    for path, drawing in zip(made.paths, np.asarray(made.pixels), strict=True):
        file = folder / f"{path}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawing[:, :, 0]).resize((24, 24), Image.Resampling.BOX).save(file)
    return folder


def write_all(folder: Path) -> Path:
    """`images`, `alphabets`, a folder of weights, and a config of each command, once."""
    if not (folder / "oneshot.yaml").exists():
        write_images(folder / "images")
        write_alphabets(folder / "alphabets")
        for config in (FINETUNE, ONESHOT):
            text = yaml.safe_dump(config)
            (folder / f"{config['command']}.yaml").write_text(text)
    return folder


def link_all(folder: Path, samples: Path) -> Path:
    """A working folder in which the samples lie."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in samples.iterdir():
        if not (folder / entry.name).exists():
            (folder / entry.name).symlink_to(entry)
    return folder
