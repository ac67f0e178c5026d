"""Faults that no config can state: in the data, written as a CSV of its own, or in the code, patched."""

import csv
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

SHARES = {"train": 0.4, "validation": 0.2, "test": 0.4}
"""As in configs/finetune/digits.yaml."""


@dataclass(frozen=True)
class Row:
    """An image, its label, and its split."""

    path: Path
    label: str
    split: str


Change = Callable[[list[Row], np.random.Generator, Path], list[Row]]
"""From the rows of the data to faulty ones; files of its own go into the folder."""


def write_data(images: Path, change: Change, seed: int, folder: Path) -> Path:
    """A CSV in `folder` of the images in the class folders of `images`, divided at random and changed."""
    rng = np.random.default_rng(seed)
    paths = sorted(images.resolve().glob("*/*"))
    bounds = np.cumsum([round(share * len(paths)) for share in SHARES.values()])
    splits = np.array(list(SHARES))[
        np.searchsorted(bounds, rng.permutation(len(paths)), side="right").clip(0, 2)
    ]
    rows = [Row(path, path.parent.name, str(split)) for path, split in zip(paths, splits, strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "data.csv"
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "split"))
        writer.writerows((str(row.path), row.label, row.split) for row in change(rows, rng, folder))
    return target


def shuffle_labels(share: float) -> Change:
    """That share of all labels, permuted among themselves, in every split."""

    def change(rows: list[Row], rng: np.random.Generator, folder: Path) -> list[Row]:
        chosen = rng.permutation(len(rows))[: round(share * len(rows))]
        labels = {int(a): rows[b].label for a, b in zip(chosen, rng.permutation(chosen), strict=True)}
        return [replace(row, label=labels.get(number, row.label)) for number, row in enumerate(rows)]

    return change


def keep_training(count: int) -> Change:
    """So many training images, as many of each class."""

    def change(rows: list[Row], rng: np.random.Generator, folder: Path) -> list[Row]:
        kept: list[Row] = []
        for label in sorted({row.label for row in rows}):
            own = [row for row in rows if row.label == label and row.split == "train"]
            kept += [own[k] for k in rng.permutation(len(own))[: count // 10]]
        return kept + [row for row in rows if row.split != "train"]

    return change


def thin_out(ratio: int) -> Change:
    """Half of the classes keep one training image in `ratio`."""

    def change(rows: list[Row], rng: np.random.Generator, folder: Path) -> list[Row]:
        labels = sorted({row.label for row in rows})
        rare = {labels[k] for k in rng.permutation(len(labels))[: len(labels) // 2]}
        kept = []
        for label in labels:
            own = [row for row in rows if row.label == label and row.split == "train"]
            kept += own[: len(own) // ratio] if label in rare else own
        return kept + [row for row in rows if row.split != "train"]

    return change


def leak_test(rows: list[Row], rng: np.random.Generator, folder: Path) -> list[Row]:
    """A fifth of the test images are copied among the training images, under other names."""
    test = [row for row in rows if row.split == "test"]
    copies = []
    for number in rng.permutation(len(test))[: len(test) // 5]:
        row = test[number]
        target = folder / f"copy-{number}{row.path.suffix}"
        shutil.copyfile(row.path, target)
        copies.append(Row(target, row.label, "train"))
    return rows + copies


@contextmanager
def admit_everything() -> Iterator[None]:
    """Nothing refuses data with the same file in two splits, nor leaves one of both out."""
    with (
        mock.patch("dlpractice.data.dataset.admit", lambda *_: None),
        mock.patch("dlpractice.data.dataset.usable_items", lambda index, audit: list(index.items)),
    ):
        yield


@contextmanager
def skip_preprocessing() -> Iterator[None]:
    """The net sees pixels from 0 to 255."""
    with mock.patch("dlpractice.models.classifier.preprocess", lambda images, scaling: images):
        yield


@contextmanager
def kill_relus() -> Iterator[None]:
    """Hidden layers start with biases so far below zero that no unit fires."""
    from keras import initializers

    with _dense("relu", bias_initializer=initializers.Constant(-20.0)):
        yield


@contextmanager
def end_in_softmax() -> Iterator[None]:
    """The last layer gives probabilities, to a loss that takes logits."""
    with _dense(None, activation="softmax"):
        yield


@contextmanager
def freeze_head() -> Iterator[None]:
    """What the steps compute never reaches the head: it is frozen, as the base is."""
    from dlpractice.training.optimisers import optimisers

    build = optimisers.build_groups

    def build_idle(*arguments: Any, **settings: Any) -> Any:
        groups = build(*arguments, **settings)
        for group in groups:
            group.optimiser.apply = lambda gradients, variables: None
        return groups

    with mock.patch("dlpractice.training.loop.build_groups", build_idle):
        yield


@contextmanager
def _dense(where: str | None, **changes: Any) -> Iterator[None]:
    """Dense layers with that activation are built with other settings."""
    from keras import layers

    dense = layers.Dense

    def build(units: int, **settings: Any) -> layers.Layer:
        return dense(units, **(settings | (changes if settings.get("activation") == where else {})))

    with mock.patch.object(layers, "Dense", build):
        yield
