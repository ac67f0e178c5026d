"""Every key of a fine-tuning config changes something, or the run says that it changes nothing.

Each key is changed once where it has an effect, in runs whose backbones are tiny.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from traced_runs import Bench, Settings, is_told, list_keys

from dlpractice.config.schema import Finetune
from dlpractice.recipes.finetune import finetune


def make_images(root: Path, rng: np.random.Generator) -> None:
    """Ten dogs and six cats: no squares, half transparent; of the dogs, three pairs look the same."""
    for name, tint, count in (("cat", 90, 6), ("dog", 150, 7)):
        (root / name).mkdir(parents=True)
        for number in range(count):
            coarse = rng.normal(tint, 50, (3, 4, 4)).clip(0, 255).astype(np.uint8)
            values = np.asarray(Image.fromarray(coarse).resize((64, 48), Image.Resampling.BICUBIC)).copy()
            values[..., 3] = np.where(np.arange(64) < 32, 255, 90)
            Image.fromarray(values).save(root / name / f"{number}.png")
            if name == "dog" and number < 3:
                values[0, 0, 0] ^= 8
                Image.fromarray(values).save(root / name / f"{number}-again.png")


def save_net(file: Path) -> None:
    """A net of the user's own, with two layers at one size of the map."""
    import keras

    images = keras.Input((32, 32, 3))
    early = keras.layers.Conv2D(3, 3, 4, activation="relu", name="early")(images)
    keras.Model(images, keras.layers.Conv2D(3, 3, activation="relu", name="late")(early)).save(file)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("keys")
    for number in range(2):
        make_images(folder / f"images-{number}", np.random.default_rng(number))
    make_images(folder / "damaged", np.random.default_rng(0))
    (folder / "damaged" / "dog" / "none.png").write_bytes(b"no image")
    save_net(folder / "mine.keras")
    with Bench(finetune.run, Finetune, FINETUNE, folder).patched() as made:
        yield made


FINETUNE: Settings = {
    "command": "finetune",
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
    "hardware.compile": False,
    "hardware.devices": 1,
}
WHOLE = {
    "strategy": "scratch",
    "model.width": 0.25,
    "model.hidden": (),
    "training.batch_size": 16,
    "training.epochs": 1,
}
TWICE = {"strategy": "top-block", "training.epochs": 1}
OWN = {"strategy": "head", "model.backbone": "mine.keras", "model.preprocessing": "unit"}
VIEWS = {"augment.views": 3, "training.epochs": 1}

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
    "data.fold": ("2/3", {}),
    "data.fraction": (0.5, {}),
    "data.on_bad_image": ("skip", {"data.source": "damaged"}),
    "data.near_duplicates": ("ignore", {}),
    "model.backbone": ("mobilenetv2", {}),
    "model.cuts": (("early",), OWN),
    "model.preprocessing": ("tf", OWN),
    "model.weights": ("another file", {}),
    "model.pooling": ("max", {}),
    "model.hidden": ((5,), {}),
    "model.dropout": (0.5, {}),
    "model.width": (0.5, WHOLE),
    "augment.flip": ("both", VIEWS),
    "augment.rotation": (20.0, VIEWS),
    "augment.zoom": (0.3, VIEWS),
    "augment.shift": (0.2, VIEWS),
    "augment.brightness": (0.3, VIEWS),
    "augment.contrast": (0.5, VIEWS),
    "augment.saturation": (0.9, VIEWS),
    "augment.mixup": (0.5, WHOLE),
    "augment.cutmix": (0.5, WHOLE),
    "augment.views": (2, {"augment.flip": "horizontal", "training.epochs": 1}),
    "training.epochs": (2, {}),
    "training.batch_size": (2, {}),
    "training.accumulation_steps": (2, {}),
    "training.learning_rate": ("auto", {}),
    "training.pretrained_rate": (0.9, TWICE),
    "training.optimizer": ("sgd", {}),
    "training.weight_decay": (0.5, {}),
    "training.label_smoothing": (0.3, {}),
    "training.schedule": ("constant", {}),
    "training.warmup": (1.0, {}),
    "training.patience": (1, {"training.learning_rate": 1e-30}),
    "training.class_weights": ("balanced", {}),
    "training.head_epochs": (1, TWICE),
    "training.head_learning_rate": (0.1, TWICE),
    "training.checkpoint_seconds": (0.0, {}),
    "training.tensorboard": (True, {}),
    "training.diagnostics": (True, {}),
    "hardware.devices": (64, {}),
    "hardware.precision": ("bfloat16", {}),
    "hardware.memory_share": (0.1, {}),
    "hardware.compile": (True, {}),
    "hardware.deterministic": (False, {}),
    "hardware.scaling": ("linear", {}),
}

# Whose other value, or whose first, the run refuses: a machine has no 64 devices.
REFUSED = {"hardware.devices", "data.on_bad_image"}


def test_every_key_of_the_schema_is_here() -> None:
    assert set(CHANGES) == list_keys(Finetune)


@pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions_eagerly`")
@pytest.mark.parametrize("key", CHANGES)
def test_a_key_has_an_effect_or_is_said_to_have_none(key: str, bench: Bench) -> None:
    parted, told = bench.compare(key, *CHANGES[key])
    assert bool(parted) != is_told(key, told), told
    assert parted != "refusal" or key in REFUSED
