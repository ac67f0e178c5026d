"""Nets of KerasHub, from folders: its own presets, and those of timm and Hugging Face that it converts."""

import json
from pathlib import Path
from typing import Any

from dlpractice.errors import ModelError
from dlpractice.models.model_bounds import refuse_giant_weights
from dlpractice.paths import find_below, is_file, read_file
from dlpractice.zip_files import open_zip, read_entry

_PACKAGE = b"keras_hub"
_MOST_BYTES = 2**26


def load_hub_net(folder: Path, image_size: int) -> Any:
    """The backbone in a folder that KerasHub's `from_preset` reads.

    It is a preset that KerasHub has saved, or a `config.json` with `model.safetensors` of timm or Hugging
    Face, of a kind that KerasHub converts. Nothing is downloaded, and no code of the folder is run.

    image_size: S, in pixels, for nets that are made for one size.

    Raises:
        ModelError: KerasHub is not installed, or the folder holds no net that it reads.
    """
    config = folder / "config.json"
    if not is_file(config):
        raise ModelError(
            f"model.backbone: the folder {folder} has no config.json",
            "give a folder of KerasHub, timm or Hugging Face, or a .keras file",
        )
    _require_plain(config)
    for weights in find_below(folder, "*.h5"):
        refuse_giant_weights(weights)
    hub = _import_hub()
    for options in ({"image_shape": (image_size, image_size, 3)}, {}):
        try:
            return hub.models.Backbone.from_preset(str(folder), **options)
        except Exception as error:  # KerasHub and Keras raise many kinds
            failed = error
            if "image_shape" not in str(error):
                break
    reason = (str(failed).splitlines() or [type(failed).__name__])[0]
    raise ModelError(
        f"{folder}: KerasHub cannot read the net: {reason}",
        "give a folder whose model is of a kind that KerasHub reads or converts",
    ) from failed


def register_hub_layers(file: Path) -> None:
    """Imports KerasHub if a `.keras` file has layers of it, since Keras finds only layers that are known.

    Raises:
        ModelError: the file needs KerasHub, and it is not installed.
        PathError: the file cannot be read.
    """
    with open_zip(file) as opened:
        needed = _PACKAGE in read_entry(file, opened, "config.json", _MOST_BYTES)
    if needed:
        _import_hub()


def _require_plain(config: Path) -> None:
    """Raises ModelError where a config is no JSON mapping, or names layers that are neither KerasHub's nor
    Keras's."""
    try:
        tree = json.loads(read_file(config, _MOST_BYTES))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{config}: not JSON ({error})", "get the folder again") from error
    if not isinstance(tree, dict):
        raise ModelError(f"{config}: not a mapping", "get the folder again")
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            module = node.get("module")
            if (
                "class_name" in node
                and module
                and str(module).partition(".")[0] not in ("keras", "keras_hub")
            ):
                raise ModelError(
                    f"{config}: it names code of {module}, and no code but that of Keras and KerasHub is run",
                    "give a folder of KerasHub's own nets",
                )
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _import_hub() -> Any:
    try:
        import keras_hub
    except ImportError as error:
        raise ModelError(
            f"the net needs the package keras-hub ({error})", "pip install dlpractice[hub]"
        ) from error
    return keras_hub
