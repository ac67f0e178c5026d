"""What a saved model may ask for, looked at before any memory is taken.

A file of a few megabytes can stand for terabytes: packed zeros, a layer with a billion units, an image of a
million pixels a side. Keras believes what a file says, and builds it.
"""

import io
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import h5py

from dlpractice.errors import DlpError, PathError
from dlpractice.paths import open_file, status
from dlpractice.zip_files import MAX_RATIO, naming_archive, open_zip, read_entry

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_MOST_CONFIG_BYTES = 2**26
_MOST_WEIGHTS_BYTES = 2**34
_HINT = "train the run again"
# So much is no harm, whatever the file's own size.
_FREE_BYTES = 2**26
_MOST_INPUT = 2**26  # numbers in one image; 1,024 pixels a side in three channels are 3 million
_MOST_SIDE = 1024
_INPUT_KEYS = frozenset({"batch_shape", "batch_input_shape", "target_shape"})
_GROWTH_KEYS = frozenset({"size", "padding", "n", "height", "width", "cropping", "image_size"})
# Weights of 16 bits are counted here as of 32; the rest is for shapes that a file states anew.
_LEEWAY = 8

Layer = tuple[str, Mapping[str, Any], Any]


def refuse_giant(path: Path) -> None:
    """Raises PathError where a .keras file asks for more than it holds, or is damaged."""
    with open_zip(path) as opened:
        config = read_entry(path, opened, _CONFIG, _MOST_CONFIG_BYTES)
        weights = read_entry(path, opened, _WEIGHTS, _MOST_WEIGHTS_BYTES)
        with naming_archive(path, _WEIGHTS):
            stated = _count_stated(io.BytesIO(weights))
        with naming_archive(path, _CONFIG):
            layers = list(_list_layers(json.loads(config)))
            asked = sum(_count_weights(settings, shape) for _, settings, shape in layers)
            wide = next((name for name, settings, _ in layers if _is_wide(settings)), None)
    if stated > MAX_RATIO * len(weights) + _FREE_BYTES:
        raise _refusal(path, f"its weights would grow from {len(weights):,} to {stated:,} bytes")
    if wide is not None:
        raise _refusal(path, f"its layer {wide} asks for larger images than any net here takes")
    if asked > _LEEWAY * len(weights) + _FREE_BYTES:
        raise _refusal(path, f"its layers ask for {asked:,} bytes of weights, and it holds {len(weights):,}")


def refuse_giant_weights(path: Path) -> None:
    """Raises PathError where an HDF5 file of weights would grow far beyond its size, takes what other files
    hold, or is damaged."""
    size = status(path).st_size
    try:
        with open_file(path) as file:
            stated = _count_stated(file)
    except DlpError:
        raise
    except Exception as error:  # HDF5 raises many kinds for a damaged file
        said = str(error).partition("\n")[0] or type(error).__name__
        raise PathError(str(path), "read", f"it is no intact HDF5 file: {said}", "get it again") from error
    if stated > MAX_RATIO * size + _FREE_BYTES:
        reason = f"its weights would grow from {size:,} to {stated:,} bytes"
        raise PathError(str(path), "read", reason, "save the weights anew, if you trust them")


def _refusal(path: Path, reason: str) -> PathError:
    return PathError(str(path), "read", reason, _HINT)


def _count_stated(content: IO[bytes]) -> int:
    """The bytes that the arrays of an HDF5 file take, which may be packed; no array is read.

    Raises ValueError where an array lies in another file, which can be any file of this machine.
    """
    sizes: list[int] = []

    def count(name: str, found: Any) -> str | None:
        if not isinstance(found, h5py.Dataset):
            return None
        sizes.append(found.size * found.dtype.itemsize)
        return name if found.external or found.is_virtual else None

    def follow(name: str, link: Any) -> str | None:
        return name if isinstance(link, h5py.ExternalLink) else None

    with h5py.File(content, "r") as file:
        outside = file.visititems(count) or file.visititems_links(follow)
    if outside:
        raise ValueError(f"{outside} lies in another file")
    return sum(sizes)


def _list_layers(tree: Any) -> Iterator[Layer]:
    """The name, the settings and the shape of the input of each layer of a net, and of the nets in it."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            settings, built = node.get("config"), node.get("build_config")
            if "class_name" in node and isinstance(settings, dict):
                yield (
                    str(settings.get("name")),
                    settings,
                    built.get("input_shape") if isinstance(built, dict) else None,
                )
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _count_weights(settings: Mapping[str, Any], shape: Any) -> int:
    """The bytes of a layer's kernel, of dense layers and convolutions."""
    outputs = [settings.get(key) for key in ("units", "filters", "depth_multiplier")]
    sizes = [math.prod(_numbers(output)) for output in outputs if output is not None]
    inputs = _numbers(shape)[-1:]
    return 4 * math.prod([*sizes, *inputs, *_numbers(settings.get("kernel_size"))]) if sizes else 0


def _is_wide(settings: Mapping[str, Any]) -> bool:
    inputs = (_numbers(settings.get(key)) for key in _INPUT_KEYS)
    growth = (_numbers(settings.get(key)) for key in _GROWTH_KEYS)
    return any(math.prod(sizes) > _MOST_INPUT for sizes in inputs) or any(
        max(sizes, default=0) > _MOST_SIDE for sizes in growth
    )


def _numbers(value: Any) -> list[int]:
    """The whole numbers in a number or a list of them; a shape's None is left out."""
    if isinstance(value, list):
        return [number for one in value for number in _numbers(one)]
    return [abs(value)] if isinstance(value, int) else []
