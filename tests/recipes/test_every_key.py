"""Every key of a fine-tuning config changes something, or the run says that it changes nothing.

Each key is changed once where it has an effect, in whole runs of a net of five tiny convolutions. What a run
leaves, and what it has done, must then differ, or be the same and said to be.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from pydantic import BaseModel, ValidationError
from strict_patches import StrictPatch

from dlpractice.config.schema import Finetune
from dlpractice.errors import DlpError
from dlpractice.models.weights import LoadedWeights
from dlpractice.progress import Silent
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.checkpoints import Checkpoints

Settings = Mapping[str, Any]
"""Values by key, with dots."""


class Listener(Silent):
    """Keeps what a run warns of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def build_tiny(backbone: Any, images: Any) -> keras.Model:
    """A base of one convolution for each block, from the same pixels as the backbone."""
    x = images
    for prefix in backbone.blocks:
        x = keras.layers.Conv2D(4, 3, 2, padding="same", activation="relu", name=f"{prefix}tiny")(x)
    return keras.Model(keras.utils.get_source_inputs(images), x)


def load_tiny(base: Any, backbone: Any, weights: str | None) -> LoadedWeights:
    """Whatever is asked for is there, and each file holds weights of its own."""
    if weights is None:
        return LoadedWeights("random", "")
    rng = np.random.default_rng(len(weights))
    base.set_weights([rng.normal(0, 0.3, weight.shape) for weight in base.get_weights()])
    return LoadedWeights(weights, weights)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Iterator["Bench"]:
    with StrictPatch.context() as patch:
        patch.setattr("dlpractice.models.classifier.build_base", build_tiny)
        patch.setattr("dlpractice.models.classifier.load_weights", load_tiny)
        tf.config.run_functions_eagerly(True)  # to trace the functions of so small a net takes longest
        try:
            yield Bench(tmp_path_factory.mktemp("keys"), patch)
        finally:
            tf.config.run_functions_eagerly(False)


class Bench:
    """Runs configs, each once, and tells what came out."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._known: dict[str, tuple[dict[str, str], list[str]]] = {}
        self._done: list[str] = []
        for number in range(2):
            make_images(folder / f"images-{number}", np.random.default_rng(number))
        make_images(folder / "damaged", np.random.default_rng(0))
        (folder / "damaged" / "dog" / "none.png").write_bytes(b"no image")
        for split in ("train", "validation", "test"):
            make_images(folder / "divided" / split, np.random.default_rng(ord(split[1])))
        self._count(patch, Checkpoints, "write")

    def _count(self, patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        plain = getattr(owner, name)

        def counted(*arguments: Any, **settings: Any) -> Any:
            self._done.append(name)
            return plain(*arguments, **settings)

        patch.setattr(owner, name, counted)

    def run(self, command: str, settings: Settings) -> tuple[dict[str, str], list[str]]:
        """What a run leaves and does, by name, and what it warns of. A refusal is all that is left of a run
        that is refused."""
        key = json.dumps([command, settings], sort_keys=True)
        if key not in self._known:
            listener, self._done = Listener(), []
            folder = self.folder / f"run-{len(self._known)}"
            recipe = import_module(f"dlpractice.recipes.{command}.{command}")
            try:
                config = BASES[command][0].model_validate(nest(command, settings, self.folder))
                with RunDirectory.create(folder) as run:
                    recipe.run(config.with_variant(getattr(config, config.VARIANT)), run, listener)
                found = describe(folder) | {"done": " ".join(self._done)}
            except (DlpError, ValidationError) as error:
                found = {"refused": str(error)}
            self._known[key] = found, listener.warnings
        return self._known[key]


def make_images(root: Path, rng: np.random.Generator) -> None:
    """Ten dogs and six cats: no squares, half transparent, all of a noise of their own; two look the same."""
    for name, tint, count in (("cat", 90, 6), ("dog", 150, 10)):
        (root / name).mkdir(parents=True)
        for number in range(count):
            values = rng.normal(tint, 50, (24, 32, 4)).clip(0, 255).astype(np.uint8)
            values[..., 3] = np.where(np.arange(32) < 16, 255, 90)
            Image.fromarray(values).save(root / name / f"{number}.png")
    values[0, 0, 0] ^= 8
    Image.fromarray(values).save(root / "dog" / "twin.png")


def describe(folder: Path) -> dict[str, str]:
    """What a run has left, apart from times: what its tables say, its weights, and the names of its files."""
    run = RunDirectory.read(folder)
    environment = run.environment()
    found: dict[str, Any] = {
        "files": sorted({path.relative_to(folder).parts[0] for path in folder.rglob("*")}),
        "splits": run.splits(),
        "predictions": run.predictions(),
        "metrics": [row | {"seconds": 0, "images_per_second": 0} for row in run.metrics()],
        "summary": run.summary() | {"seconds": 0},
        "audit": run.audit(),
        "environment": [environment[name] for name in ("precision", "devices", "replicas")],
    }
    with zipfile.ZipFile(folder / "model.keras") as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    digest = hashlib.sha256()
    file.visititems(
        lambda _, item: digest.update(np.array(item).tobytes()) if isinstance(item, h5py.Dataset) else None
    )
    return {name: json.dumps(value, default=str) for name, value in found.items()} | {
        "weights": digest.hexdigest()
    }


def nest(command: str, settings: Settings, folder: Path) -> dict[str, Any]:
    """A config's document: the base of the command, with `settings` laid over it."""
    document: dict[str, Any] = {"command": command}
    for key, value in (BASES[command][1] | dict(settings)).items():
        *path, name = key.split(".")
        section = document
        for part in path:
            section = section.setdefault(part, {})
        is_path = key == "data.source" and (folder / str(value)).exists()
        section[name] = str(folder / value) if is_path else value
    return document


def list_keys(schema: type[BaseModel]) -> set[str]:
    """All keys that a config of that schema may have, but for `command`, which says which schema it is."""
    keys: set[str] = set()
    for name, field in schema.model_fields.items():
        inner = field.annotation
        is_section = isinstance(inner, type) and issubclass(inner, BaseModel)
        keys |= {f"{name}.{key}" for key in inner.model_fields} if is_section else {name}
    return keys - {"command"}


FINETUNE = {
    "strategy": "linear@block2",
    "data.source": "images-0",
    "data.image_size": 32,
    "data.validation": 0.25,
    "data.test": 0.25,
    "model.hidden": (3,),
    "training.epochs": 3,
    "training.head_epochs": 2,
    "training.batch_size": 3,
    "training.learning_rate": 0.05,
    "training.checkpoint_seconds": 1000.0,
    "hardware.precision": "float32",
    "hardware.devices": 1,
}
WHOLE = {"strategy": "scratch", "model.width": 0.25, "model.hidden": (), "training.epochs": 1}
TWICE = {"strategy": "top-block"}

# For each key another value, and what else is set on both sides.
CHANGES: dict[str, tuple[Any, Settings]] = {
    "strategy": ("head", {}),
    "seed": (1, {}),
    "strategies": ({"linear@block2": {"training": {"epochs": 1}}}, {}),
    "data.source": ("images-1", {}),
    "data.image_size": (48, {}),
    "data.resize": ("crop", {}),
    "data.background": ("#000000", {}),
    "data.validation": (0.4, {}),
    "data.test": (0.4, {}),
    "data.split_seed": (3, {}),
    "data.fraction": (0.5, {}),
    "data.on_bad_image": ("skip", {"data.source": "damaged"}),
    "model.backbone": ("mobilenetv2", {}),
    "model.weights": ("another file", {}),
    "model.pooling": ("max", {}),
    "model.hidden": ((5,), {}),
    "model.dropout": (0.5, {}),
    "model.width": (0.5, WHOLE),
    "augment.flip": ("both", {"augment.views": 3}),
    "augment.rotation": (20.0, {"augment.views": 3}),
    "augment.zoom": (0.3, {"augment.views": 3}),
    "augment.shift": (0.2, {"augment.views": 3}),
    "augment.brightness": (0.3, {"augment.views": 3}),
    "augment.contrast": (0.5, {"augment.views": 3}),
    "augment.saturation": (0.9, {"augment.views": 3}),
    "augment.mixup": (0.5, WHOLE),
    "augment.cutmix": (0.5, WHOLE),
    "augment.views": (2, {"augment.flip": "horizontal"}),
    "training.epochs": (2, {}),
    "training.batch_size": (4, {}),
    "training.accumulation_steps": (2, {}),
    "training.learning_rate": ("auto", {}),
    "training.pretrained_rate": (0.9, TWICE),
    "training.optimizer": ("sgd", {}),
    "training.weight_decay": (0.5, {}),
    "training.label_smoothing": (0.3, {}),
    "training.schedule": ("constant", {}),
    "training.warmup": (1.0, {}),
    "training.patience": (1, {"training.learning_rate": 5.0, "training.epochs": 6}),
    "training.class_weights": ("balanced", {}),
    "training.head_epochs": (1, TWICE),
    "training.head_learning_rate": (0.1, TWICE),
    "training.checkpoint_seconds": (0.0, {}),
    "training.tensorboard": (True, {}),
    "training.diagnostics": (True, {}),
    "hardware.devices": (64, {}),
    "hardware.precision": ("bfloat16", {}),
    "hardware.scaling": ("linear", {}),
}

BASES: dict[str, tuple[Any, Settings]] = {"finetune": (Finetune, FINETUNE)}


# Its effect needs pictures that look alike: see tests/data/audit/test_near_duplicates.py.
ELSEWHERE = {"data.near_duplicates"}


def test_every_key_of_the_schema_is_here() -> None:
    assert set(CHANGES) | ELSEWHERE == list_keys(Finetune)


def is_told(key: str, messages: list[str]) -> bool:
    return any(key in message.partition(": no effect")[0] for message in messages if "no effect" in message)


@pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions_eagerly`")
@pytest.mark.parametrize("key", CHANGES)
def test_a_key_has_an_effect_or_is_said_to_have_none(key: str, bench: Bench) -> None:
    value, around = CHANGES[key]
    before, _ = bench.run("finetune", around)
    assert "refused" not in before or key == "data.on_bad_image", before
    after, told = bench.run("finetune", {**around, key: value})
    assert (before != after) != is_told(key, told), told
