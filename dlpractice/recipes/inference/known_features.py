"""The frozen features that a run has kept of its images: their answers take only the rest of the net."""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.data.files.pixel_cache import list_sound
from dlpractice.data.storage.row_store import RowStore, RowView
from dlpractice.models.weights import digest_tensors
from dlpractice.paths import exists
from dlpractice.recipes.run.saved_model import SavedModel
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.devices.placement import fill_up, place
from dlpractice.training.features import Origin, name_devices, row_type
from dlpractice.training.forward import Forward, compile_forward


@dataclass(frozen=True)
class KnownFeatures:
    """Rows of features, the place of each by the sha256 of the image's file, and what gives them to (n, K)
    probabilities."""

    rows: RowView
    places: Mapping[str, int]
    forward: Forward

    def recall(self, digest: str) -> NDArray[np.generic] | None:
        """The features of the image whose file has that sha256; None where there are none."""
        place = self.places.get(digest)
        return None if place is None else self.rows[place]

    def probabilities(self, features: NDArray[np.generic]) -> NDArray[np.float32]:
        """(n, ...) features -> (n, K) probabilities, without calibration."""
        filled = fill_up(features, 1 << (len(features) - 1).bit_length())
        return np.asarray(self.forward(filled)[: len(features)], np.float32)


def find_known(saved: SavedModel, run: RunDirectory) -> KnownFeatures | None:
    """What the cache holds of the run's images; None where it holds nothing, or the run trained on pixels.

    It is found by the keys that training has for it, so nothing is used that training would compute anew: of
    an image whose bytes have changed, of other weights, code, devices or precision. Images of which Pillow
    warned are left out, since their rows say so. Nothing is computed, or written.
    """
    note = run.summary().get("features") if run.is_finished else None
    if note is None:
        return None
    placement, precision = place(), run.environment()["precision"]
    origin = Origin(
        layers=note["layers"],
        weights=note["weights"],
        precision=precision,
        devices=name_devices(placement),
        pixels=saved.look.cache_key,
    )
    folder = origin.cache_place("features")
    if not exists(folder):
        return None
    cut = saved.model.get_layer(note["layer"]).output
    if digest_tensors(keras.Model(saved.model.input, cut).get_weights()) != note["weights"]:
        return None  # the file is of another net than the summary
    store = RowStore(folder, cut.shape[1:], row_type(note["cut"], precision))
    sound = list_sound(saved.look)
    keys = [key for key in store.list_keys() if key in sound]
    forward = compile_forward(keras.Model(cut, saved.model.output), placement)
    return KnownFeatures(store.view(keys), {key: number for number, key in enumerate(keys)}, forward)
