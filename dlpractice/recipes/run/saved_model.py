"""A finished run's model, ready to classify."""

import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, repeat, takewhile
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

import dlpractice.layers.normalisation  # noqa: F401, registers its layer for files of earlier versions
from dlpractice.data.codecs.levels import Levels
from dlpractice.data.files.decoding import Look
from dlpractice.data.files.unlabelled_images import LoadedImage
from dlpractice.errors import ModelError, PathError
from dlpractice.layers.former_layers import ImageInput, Probabilities
from dlpractice.models.hub_nets import register_hub_layers
from dlpractice.models.model_bounds import refuse_giant
from dlpractice.models.model_file import read_note
from dlpractice.models.precision import set_precision
from dlpractice.paths import exists
from dlpractice.recipes.run.model_note import Calibration, ClassifierNote
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.batches.supply import read_ahead
from dlpractice.training.devices.placement import place
from dlpractice.training.forward import Forward, compile_forward

_FIRST_BATCH, _BATCH = 4, 32
_Note = TypeVar("_Note", bound=BaseModel)


@dataclass(frozen=True)
class SavedModel:
    """A classifier and how its images are decoded."""

    model: keras.Model
    class_names: tuple[str, ...]
    look: Look
    calibration: Calibration | None = None

    def forward(self) -> Forward:
        """From a batch of (n, S, S, 3) pixels to (n, K) probabilities, on this machine's devices."""
        return compile_forward(self.model, place())


def forward_images(
    forward: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    images: Iterable[LoadedImage],
    forward_features: Callable[[NDArray[Any]], NDArray[np.float32]] | None = None,
) -> Iterator[tuple[LoadedImage, NDArray[np.float32] | None]]:
    """Each image with its row of what `forward` gives, in order; None for one that could not be read.

    Images are read while the net computes. The first few are a batch of their own, so that there is an answer
    soon. forward_features: gives the rows of images that have features in the place of pixels.
    """
    remaining = iter(images)
    sizes = chain([_FIRST_BATCH], repeat(_BATCH))
    for batch in read_ahead(takewhile(bool, (list(islice(remaining, size)) for size in sizes))):
        rows = _forward([image.pixels for image in batch], forward)
        if forward_features is not None:
            rows |= _forward([image.features for image in batch], forward_features)
        yield from ((image, rows.get(place)) for place, image in enumerate(batch))


def _forward(
    inputs: Sequence[NDArray[Any] | None], forward: Callable[[NDArray[Any]], NDArray[np.float32]]
) -> dict[int, NDArray[np.float32]]:
    """The rows for those inputs that there are, by their places."""
    there = {place: one for place, one in enumerate(inputs) if one is not None}
    return dict(zip(there, forward(np.stack(list(there.values()))), strict=True)) if there else {}


def load_saved(run: RunDirectory) -> SavedModel:
    """Loads a run's model; it computes in the precision that the run was scored in.

    Raises ModelError where the model is missing, damaged or not one of ours.
    """
    saved = load_keras_file(run.model_path)
    set_precision(saved.model, run.environment()["precision"])
    return replace(saved, look=replace(saved.look, levels=read_levels(run)))


def load_keras_file(path: Path) -> SavedModel:
    """The classifier in a file that a run has kept; it computes in the precision that it was saved in.

    Raises ModelError as `load_saved` does.
    """
    model = load_network(path)
    note = load_note(path, ClassifierNote, "dlp finetune")
    class_names, look = (note.class_names, note.input.look) if note else _read_former_note(model, path)
    if (outputs := getattr(model, "output_shape", None)) != (None, len(class_names)):
        raise ModelError(
            f"{path}: its note names {len(class_names)} classes, and its net gives {outputs}",
            "train the run again",
        )
    return SavedModel(model, class_names, look, note.calibration if note else None)


def _read_former_note(model: keras.Model, path: Path) -> tuple[tuple[str, ...], Look]:
    """Class names and look as earlier versions kept them: in layers of their own."""
    fitted = [layer for layer in model.layers if isinstance(layer, ImageInput)]
    named = [layer for layer in model.layers if isinstance(layer, Probabilities)]
    if not fitted or not named:
        raise foreign_model(path, "dlp finetune")
    look: Any = fitted[0]  # which holds plain strings
    return named[0].class_names, Look(look.image_size, look.resize, look.background)


def load_note(path: Path, kind: type[_Note], command: str) -> _Note | None:
    """The note of a model's file; None for a model that an earlier version saved.

    Raises ModelError where it is the note of a model that `command` has not made.
    """
    try:
        note = read_note(path)
        return None if note is None else kind.model_validate(note)
    except PathError as error:
        reason = f"{path}: its note cannot be read ({error.reason})"
        raise ModelError(reason, "train the run again") from error
    except ValidationError as error:
        raise foreign_model(path, command) from error
    except (ValueError, KeyError, RecursionError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"{path}: its metadata.json is damaged", "train the run again") from error


def load_network(path: Path) -> keras.Model:
    """Whatever network is in a run's file; Keras's safe mode refuses a file that would execute code.

    Raises ModelError where it is missing or damaged.
    """
    if not exists(path):
        raise ModelError(
            f"{path.parent} has no {path.name}", "the run is not finished: continue it with --resume"
        )
    try:
        refuse_giant(path)
        register_hub_layers(path)
        model: Any = keras.saving.load_model(path, compile=False, safe_mode=True)
    except PathError as error:
        raise ModelError(f"{path}: cannot be loaded ({error.reason})", "train the run again") from error
    except ModelError:
        raise
    except Exception as error:  # Keras raises many kinds for a damaged or foreign file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: cannot be loaded ({reason})", "train the run again") from error
    return model


def read_levels(run: RunDirectory) -> Levels | None:
    """The range that the run's images of more than 8 bits were stretched by; None where there were none."""
    audit = run.audit() if run.has_audit else {}
    # Earlier versions kept none, and took 65,535 for white whatever a file held.
    found = audit.get("levels", {"black": 0, "white": 65535})
    return Levels(found["black"], found["white"]) if found else None


def foreign_model(path: Path, command: str) -> ModelError:
    """The error for a network that `command` has not made."""
    return ModelError(f"{path}: not a model of `{command}`", "give the folder of a finished run")
