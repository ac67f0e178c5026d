"""Tiny random nets in each format that KerasHub reads, where it is installed; folders that are none."""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.errors import ModelError
from dlpractice.models.classifier import Design, build_classifier
from dlpractice.models.hub_nets import load_hub_net, register_hub_layers
from dlpractice.models.model_file import write_model
from dlpractice.models.own_net import describe_own
from dlpractice.registry.strategies import plan_strategy

SIDE, WIDTH, LAYERS = 32, 8, 2
PIXELS = np.random.default_rng(0).uniform(0, 1, (2, SIDE, SIDE, 3)).astype(np.float32)
RNG = np.random.default_rng(1)


def save_preset(folder: Path) -> None:
    """DINOv2 as KerasHub saves it."""
    hub = pytest.importorskip("keras_hub")
    net = hub.models.DINOV2Backbone(
        patch_size=8,
        num_layers=LAYERS,
        hidden_dim=WIDTH,
        num_heads=2,
        intermediate_dim=16,
        image_shape=(SIDE, SIDE, 3),
        position_embedding_shape=(SIDE, SIDE),
    )
    net.save_to_preset(str(folder))


def save_hugging_face(folder: Path) -> None:
    """DINOv2 as Hugging Face keeps it."""
    config = {
        "model_type": "dinov2",
        "image_size": SIDE,
        "hidden_size": WIDTH,
        "mlp_ratio": 2,
        "patch_size": 8,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "layerscale_value": 1.0,
        "use_swiglu_ffn": False,
        "hidden_dropout_prob": 0.0,
        "drop_path_rate": 0.0,
    }
    shapes = {
        "embeddings.cls_token": (1, 1, WIDTH),
        "embeddings.mask_token": (1, WIDTH),
        "embeddings.position_embeddings": (1, 17, WIDTH),
        "embeddings.patch_embeddings.projection.weight": (WIDTH, 3, 8, 8),
        "embeddings.patch_embeddings.projection.bias": (WIDTH,),
        "layernorm.weight": (WIDTH,),
        "layernorm.bias": (WIDTH,),
    }
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        dense = {f"attention.attention.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        dense |= {"attention.output.dense": (WIDTH, WIDTH), "mlp.fc1": (16, WIDTH), "mlp.fc2": (WIDTH, 16)}
        for name, shape in dense.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
        for name in ("norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"):
            shapes[f"{layer}.{name}"] = (WIDTH,)
        shapes |= {f"{layer}.layer_scale{part}.lambda1": (WIDTH,) for part in (1, 2)}
    _write(folder, config, shapes)


def save_timm(folder: Path) -> None:
    """VGG11 as timm keeps it."""
    channels = (3, 64, 128, 256, 256, 512, 512, 512, 512)
    places = (0, 3, 6, 8, 11, 13, 16, 18)  # activations and pools are counted, too
    shapes: dict[str, tuple[int, ...]] = {}
    for place, taken, made in zip(places, channels[:-1], channels[1:], strict=True):
        shapes |= {f"features.{place}.weight": (made, taken, 3, 3), f"features.{place}.bias": (made,)}
    _write(folder, {"architecture": "vgg11", "num_classes": 10}, shapes)


def _write(folder: Path, config: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    tensors: dict[str, NDArray[np.float32]] = {
        name: RNG.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()
    }
    numpy.save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize("save", [save_preset, save_hugging_face, save_timm])
def test_a_folder_gives_what_kerashub_gives(save: Any, tmp_path: Path) -> None:
    hub = pytest.importorskip("keras_hub")
    save(tmp_path / "net")
    net = hub.models.Backbone.from_preset(str(tmp_path / "net"))
    wanted = np.asarray(keras.Model(net.inputs, net.outputs)([PIXELS]))
    row = describe_own(str(tmp_path / "net"), (), "unchanged", SIDE, pretrained=True)
    plan = plan_strategy("head", len(row.blocks), pretrained=True)
    classifier = build_classifier(row, plan, 2, SIDE, Design("imagenet"))
    found = np.asarray(classifier.front([f"block{len(row.blocks)}"])(PIXELS))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert np.std(found) > 0 and classifier.weights.origin == "the folder net"
    write_model(classifier.model, {}, tmp_path / "model.keras")
    register_hub_layers(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(loaded(PIXELS), classifier.model(PIXELS), rtol=1e-5)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (None, "has no config.json"),
        ("{", "not JSON"),
        ("[]", "not a mapping"),
        ('{"class_name": "system", "module": "os"}', "it names code of os, and no code but"),
    ],
)
def test_folders_that_are_none(tmp_path: Path, config: str | None, said: str) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(ModelError, match=said):
        load_hub_net(tmp_path, SIDE)


def test_a_kind_that_kerashub_does_not_convert(tmp_path: Path) -> None:
    pytest.importorskip("keras_hub")
    (tmp_path / "config.json").write_text('{"architecture": "convnextv2_atto"}')
    with pytest.raises(ModelError, match=r"KerasHub cannot read the net: .*convnextv2_atto"):
        load_hub_net(tmp_path, SIDE)


def test_without_kerashub_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="needs the package keras-hub") as caught:
        load_hub_net(tmp_path, SIDE)
    assert caught.value.hint == "pip install dlpractice[hub]"
