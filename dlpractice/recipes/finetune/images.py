"""The images of a fine-tuning run, read as its config says; no TensorFlow is needed for that."""

from typing import Any

from dlpractice.config.schema import Finetune
from dlpractice.config.sections.finetune import read_fold
from dlpractice.data.dataset import Dataset, Survey, prepare, survey
from dlpractice.data.files.decoding import Look
from dlpractice.data.image_split import Fold, Shares
from dlpractice.progress import Progress


def read_dataset(config: Finetune, progress: Progress) -> Dataset:
    """The data set that the config names, decoded and divided as it says.

    Raises DataError where it cannot be had or used.
    """
    return prepare(config.data.source, progress=progress, **_read_settings(config))


def survey_images(config: Finetune, progress: Progress) -> Survey:
    """What is in the data set that the config names, and whether `read_dataset` would refuse it.

    Raises DataError where it cannot be had, or is not laid out as a data set.
    """
    return survey(config.data.source, progress=progress, **_read_settings(config))


def _read_settings(config: Finetune) -> dict[str, Any]:
    data = config.data
    fold = None if data.fold is None else Fold(*read_fold(data.fold))
    return {
        "look": Look(data.image_size, data.resize, data.background),
        "shares": Shares(data.validation, data.test, data.fraction, data.split_seed, fold),
        "on_bad_image": data.on_bad_image,
        "near_duplicates": data.near_duplicates,
    }
