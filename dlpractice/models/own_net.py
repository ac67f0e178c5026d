"""A net of the user's own as a base, cut at any of its layers: a `.keras` file, or a folder for KerasHub."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, partial
from itertools import count
from math import prod
from pathlib import Path
from typing import Any

import keras

from dlpractice.errors import ModelError, PathError
from dlpractice.layers.preprocessing import Scaling
from dlpractice.models.hub_nets import load_hub_net, register_hub_layers
from dlpractice.models.model_bounds import refuse_giant
from dlpractice.paths import is_file, is_folder, status
from dlpractice.registry.backbones import Backbone

_SUFFIX = "_own"  # of the copied layers' names, which could else meet those of preprocessing and head
_MOST_BLOCKS = 9  # that a strategy can name
_TOKEN_BLOCKS = 4  # of a net that gives tokens
_HINT = "save the net by `model.save(...)` with Keras, from layers of Keras's own"


@dataclass
class _Copy:
    """A net's layers anew, with random weights, on top of other inputs; nets inside it are laid open.

    layers: from the identity of a layer to that layer and its copy, in the order of the net.
    ends: from the name of a layer to what its copy gives.
    """

    layers: dict[int, tuple[keras.layers.Layer, keras.layers.Layer]] = field(default_factory=dict)
    ends: dict[str, Any] = field(default_factory=dict)

    def lay(self, net: keras.Model, inputs: Sequence[Any]) -> list[Any]:
        """Copies `net` on top of `inputs`, and returns its outputs."""
        tensors = dict(zip(map(id, net.inputs), inputs, strict=True))
        for depth in sorted(net._nodes_by_depth, reverse=True):
            for node in net._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                args, kwargs = node.arguments.fill_in(tensors)
                given = self._call(node.operation, args, kwargs)
                tensors |= dict(zip(map(id, node.outputs), given, strict=True))
        return [tensors[id(output)] for output in net.outputs]

    def take_weights(self) -> None:
        """Gives each copied layer the weights of its original."""
        for original, copied in self.layers.values():
            copied.set_weights(original.get_weights())

    def _call(self, operation: Any, args: Any, kwargs: Any) -> list[Any]:
        if isinstance(operation, keras.Model) and hasattr(inner := _open(operation), "_nodes_by_depth"):
            return self.lay(inner, keras.tree.flatten(args))
        if not isinstance(operation, keras.layers.Layer):
            return list(keras.tree.flatten(operation(*args, **kwargs)))  # arithmetic, which has no weights
        given = keras.tree.flatten(self._copy(operation)(*args, **kwargs))
        self.ends[operation.name] = given[0]
        return list(given)

    def _copy(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        if id(layer) not in self.layers:
            taken = {copied.name for _, copied in self.layers.values()}
            names = (f"{layer.name}{_SUFFIX}{number or ''}" for number in count())
            config = {**layer.get_config(), "name": next(name for name in names if name not in taken)}
            self.layers[id(layer)] = layer, type(layer).from_config(config)
        return self.layers[id(layer)][1]


def describe_own(
    place: str, cuts: Sequence[str], scaling: Scaling, image_size: int, *, pretrained: bool
) -> Backbone:
    """The row of a net of the user's own.

    Args:
        place: a `.keras` file, or a folder that `load_hub_net` reads.
        cuts: the names of layers that end its blocks, in the net's order; none for those that are found, see
            `_find_cuts`.
        scaling: what is done to pixels in front of the net.
        image_size: S, the side of the images in pixels.
        pretrained: whether the net keeps the weights that it has, or starts from random ones.

    Raises:
        ModelError: there is no such net, it cannot be loaded or would run code, it takes something else than
            (S, S, 3) images, or a cut is none of its layers or gives no features.
    """
    net = _load(place, _version(place), image_size)
    _require_images(net, place, image_size)
    copy = _lay_on(net, keras.Input((image_size, image_size, 3), dtype="float32"), place)
    names = _check_cuts(copy, tuple(cuts), place) if cuts else _find_cuts(copy, place)
    return Backbone(
        application=Path(place).name,
        scaling=scaling,
        blocks=names,
        native_size=image_size,
        minimum_size=1,
        source="the user's own",
        graft=partial(_graft, net, place, names, pretrained),
        origin=f"the {'file' if is_file(place) else 'folder'} {Path(place).name}",
    )


def _graft(
    net: keras.Model, place: str, names: Sequence[str], pretrained: bool, images: Any
) -> tuple[keras.Model, list[Any]]:
    """The base on top of preprocessed images, up to the last cut, and what each cut gives."""
    copy = _lay_on(net, images, place)
    if pretrained:
        copy.take_weights()
    ends = [copy.ends[name] for name in names]
    return keras.Model(keras.utils.get_source_inputs(images)[0], ends[-1]), ends


def _lay_on(net: keras.Model, images: Any, place: str) -> _Copy:
    copy = _Copy()
    try:
        copy.lay(net, [images])
    except Exception as error:  # Keras raises many kinds where shapes do not fit one another
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{place}: the net does not take images of {images.shape[1]} pixels a side ({reason})",
            "set data.image_size to the size that it was trained at",
        ) from error
    return copy


def _version(place: str) -> tuple[int, int]:
    """What changes when the net is saved anew."""
    if not (is_file(place) or is_folder(place)):
        raise ModelError(
            f"model.backbone: there is no file or folder {place}",
            "give the path of a .keras file, or the name of a backbone",
        )
    found = status(place)
    return found.st_mtime_ns, found.st_size


@cache  # a comparison builds several nets
def _load(place: str, version: tuple[int, int], image_size: int) -> keras.Model:
    if is_folder(place):
        return _open(load_hub_net(Path(place), image_size))
    try:
        refuse_giant(Path(place))
        register_hub_layers(Path(place))
        net: Any = keras.saving.load_model(place, compile=False, safe_mode=True)
    except PathError as error:
        raise ModelError(f"{place}: no net that Keras has saved: {error.reason}", _HINT) from error
    except ModelError:
        raise
    except Exception as error:  # Keras raises many kinds for a damaged or foreign file
        said = str(error)
        if "unsafe" in said or "Lambda" in said:
            reason = "it holds code (a Lambda layer), and code in a file is never run"
        else:
            reason = (said.splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{place}: the net cannot be loaded: {reason}", _HINT) from error
    opened = _open(net)
    if not hasattr(opened, "_nodes_by_depth"):
        raise ModelError(f"{place}: the net is a class of its own, and no graph of layers to be cut", _HINT)
    return opened


def _open(net: Any) -> Any:
    """The graph of a sequential net, or of one with named inputs; any other as it is."""
    try:
        return keras.Model(list(net.inputs), list(net.outputs))
    except (AttributeError, ValueError, TypeError):
        return net


def _require_images(net: keras.Model, place: str, image_size: int) -> None:
    shapes = [tuple(tensor.shape) for tensor in net.inputs]
    if len(shapes) != 1:
        raise ModelError(f"{place}: the net has {len(shapes)} inputs, and images are one", _HINT)
    (shape,) = shapes
    if len(shape) != 4 or shape[3] not in (3, None):
        raise ModelError(
            f"{place}: the net takes {shape}, not colour images (N, S, S, 3)",
            "name a net whose channels come last, and are red, green and blue",
        )
    if any(side not in (image_size, None) for side in shape[1:3]):
        wanted = f"{shape[1]} x {shape[2]}"
        hint = f"set data.image_size to {shape[1]}" if shape[1] == shape[2] else "name a net for squares"
        raise ModelError(f"{place}: the net takes images of {wanted} pixels; got {image_size}", hint)


def _check_cuts(copy: _Copy, cuts: tuple[str, ...], place: str) -> tuple[str, ...]:
    names = list(copy.ends)
    for cut in cuts:
        if cut not in copy.ends:
            near = get_close_matches(cut, names, 3, 0.5) or names[-3:]
            raise ModelError(
                f"model.cuts: {place} has no layer {cut!r}", f"its layers are such as {', '.join(near)}"
            )
        if not _gives_features(copy.ends[cut]):
            raise ModelError(
                f"model.cuts: the layer {cut} of {place} gives {tuple(copy.ends[cut].shape)}, neither a "
                "feature map (N, H, W, C), nor tokens (N, T, C), nor features (N, C)",
                "choose another layer",
            )
    if sorted(cuts, key=names.index) != list(cuts) or len(set(cuts)) < len(cuts):
        raise ModelError(
            "model.cuts must be layers in the order of the net, each once",
            f"write {', '.join(sorted(set(cuts), key=names.index))}",
        )
    return cuts


def _gives_features(tensor: Any) -> bool:
    return 2 <= len(tensor.shape) <= 4 and None not in tensor.shape[1:] and prod(tensor.shape[1:]) > 0


def _find_cuts(copy: _Copy, place: str) -> tuple[str, ...]:
    """The last layer at each size of the feature map, from the first layer with weights on.

    A layer counts if nothing leads past it. Tokens of a transformer have one size: four such layers are taken
    at equal distances.
    """
    weighted = next((n for n, (_, copied) in enumerate(copy.layers.values()) if copied.weights), 0)
    learnt = {copied.name for _, copied in list(copy.layers.values())[weighted:]}
    maps = [
        (name, tuple(tensor.shape[1:-1]))
        for name, tensor in copy.ends.items()
        if tensor._keras_history.operation.name in learnt
        and len(tensor.shape) > 2
        and _gives_features(tensor)
    ]
    through = [(name, sides) for name, sides in maps if _is_bottleneck(copy, name)]
    if not through:
        raise ModelError(
            f"{place}: no layer gives a feature map (N, H, W, C) that all later ones read",
            "name the layers to cut behind in model.cuts",
        )
    if len(through[-1][1]) == 2:
        return tuple({sides: name for name, sides in through}.values())[-_MOST_BLOCKS:]
    names = [name for name, sides in through if sides == through[-1][1]]
    places = {round((n + 1) * len(names) / _TOKEN_BLOCKS) - 1 for n in range(_TOKEN_BLOCKS)}
    return tuple(names[place] for place in sorted(places) if place >= 0)


def _is_bottleneck(copy: _Copy, name: str) -> bool:
    """Whether the net's last layer can be computed from what the layer `name` gives alone."""
    *_, last = copy.ends.values()
    if copy.ends[name] is last:
        return True
    try:
        keras.Model(copy.ends[name], last)
    except (ValueError, KeyError):
        return False
    return True
