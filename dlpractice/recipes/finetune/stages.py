"""The stages of a fine-tuning run: the head first, then what lies under it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.config.schema import Finetune
from dlpractice.errors import RunError
from dlpractice.models.precision import computing_in
from dlpractice.progress import Progress
from dlpractice.recipes.finetune.recorder import record_stage
from dlpractice.recipes.finetune.setup import Features, Setup, read_augmentation, whole_batch
from dlpractice.recipes.run.batch_scaling import scale_batch
from dlpractice.recipes.run.compilation_record import record_compilation, resolve_compilation
from dlpractice.recipes.run.continuation import open_checkpoints
from dlpractice.recipes.run.expected_time import record_expectation
from dlpractice.registry.strategies import IMAGES, Stage
from dlpractice.runs.directory import RunDirectory
from dlpractice.runs.rate_range import write_range
from dlpractice.training.assignment import Examinations, Labelled, Outputs, Settings, Subject
from dlpractice.training.batches.feed import Feed, weigh_classes
from dlpractice.training.batches.supply import Rows, Subset
from dlpractice.training.checkpoints import Checkpoints, Position
from dlpractice.training.loop import Trainer
from dlpractice.training.rate_finder import RangeTest
from dlpractice.training.steps import classification_loss

_ROWS_AT_ONCE = 1024
Watch = Callable[[RunDirectory], None]
"""Is called after each epoch."""


def train_stages(
    config: Finetune,
    setup: Setup,
    features: Features,
    run: RunDirectory,
    progress: Progress,
    watch: Watch | None = None,
) -> Position:
    """Trains stage after stage, each from the best epoch of the one before, and returns where the last one
    ended.

    A checkpoint in the run directory is gone on from: stages behind it are skipped, and rows of metrics.csv
    that were written after it are written again.

    watch: is called when the row of an epoch is written; if it raises, training ends there.
    """
    checkpoints, position, saved = open_checkpoints(run, setup.placement, config.training.checkpoint_seconds)
    if position.stage >= len(setup.strategy.stages):
        raise RunError(
            f"the checkpoint in {run.path} is of a stage that the run does not have",
            "put the run's own checkpoint there, or delete it to begin this run anew",
        )
    with computing_in(setup.classifier.model, setup.precision):
        for number, stage in enumerate(setup.strategy.stages):
            if number < position.stage:
                continue
            if number > position.stage:
                position, saved = Position(stage=number, rows=position.rows), None
            trainer = _prepare_trainer(
                config, setup, stage, features, checkpoints, run, progress, watch, keep_start=number > 0
            )
            position = trainer.train(position, saved)
    return position


def _prepare_trainer(
    config: Finetune,
    setup: Setup,
    stage: Stage,
    features: Features,
    checkpoints: Checkpoints,
    run: RunDirectory,
    progress: Progress,
    watch: Watch | None,
    *,
    keep_start: bool,
) -> Trainer:
    train, validation, classifier = setup.dataset.train, setup.dataset.validation, setup.classifier
    rows = features["train"][stage.cut]
    classifier.freeze(stage.cut)
    if stage.cut.startswith("pooled"):
        plain = np.array_split(np.arange(len(train)), -(-len(train) // _ROWS_AT_ONCE))
        classifier.standardise_features(rows[part] for part in plain)
    rest = classifier.rest(stage.cut)
    feed = _make_feed(config, setup, stage, rows)
    subject = Subject(rest, classification_loss(rest), rest, classifier.is_pretrained, keep_start)
    sample = _pick_sample(len(train), len(validation), config.data.split_seed)
    supply = setup.residence.supply
    examinations = Examinations(
        Labelled(Subset(supply(rows), sample), train.labels[sample]),
        Labelled(supply(features["validation"][stage.cut]), validation.labels),
    )
    callbacks = _make_callbacks(config, setup, stage, subject, feed, run)
    note = record_compilation(run, setup.placement)

    def record(row: Mapping[str, object]) -> None:
        run.append_metrics(row)
        if watch is not None:
            watch(run)

    outputs = Outputs(
        checkpoints,
        record,
        progress,
        callbacks,
        note,
        partial(_keep_range, run),
        record_expectation(run, setup.placement),
    )
    compiled = resolve_compilation(config.hardware.compile, stage.name, run, setup.placement)
    settings = replace(_read_settings(config, setup, stage), compiled=compiled)
    return Trainer(stage.name, subject, settings, feed, examinations, setup.placement, outputs)


def _keep_range(run: RunDirectory, test: RangeTest) -> None:
    columns = zip(*(column.tolist() for column in (test.rates, test.losses, test.smoothed)), strict=True)
    write_range(
        run,
        (
            {"rate": rate, "loss": _finite(loss), "smoothed": _finite(smoothed)}
            for rate, loss, smoothed in columns
        ),
    )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _make_callbacks(
    config: Finetune, setup: Setup, stage: Stage, subject: Subject, feed: Feed, run: RunDirectory
) -> list[keras.callbacks.Callback]:
    callbacks: list[keras.callbacks.Callback] = []
    if config.training.tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(run.tensorboard / stage.name, write_graph=False))
    if config.training.diagnostics:
        callbacks.append(record_stage(setup, stage, subject.model, feed, subject.loss, run))
    return callbacks


def _read_settings(config: Finetune, setup: Setup, stage: Stage) -> Settings:
    training = config.training
    scaling = scale_batch(config.hardware.scaling, setup.placement.replicas)
    epochs = training.passes(warm_up=stage.warm_up)
    rate = training.head_learning_rate if stage.warm_up else training.learning_rate
    warmup = 0.0 if stage.warm_up else training.warmup
    return Settings(
        epochs=epochs,
        learning_rate=rate if rate == "auto" else rate * scaling.rate,  # what is found is for this batch
        pretrained_rate=training.pretrained_rate,
        optimiser=training.optimizer,
        weight_decay=training.weight_decay,
        schedule=training.schedule,
        warmup=max(warmup, scaling.warmup_share * epochs),
        patience=training.patience,
        precision=setup.precision,
        accumulation_steps=training.accumulation_steps,
    )


def _make_feed(config: Finetune, setup: Setup, stage: Stage, rows: Rows) -> Feed:
    training, train, class_count = config.training, setup.dataset.train, len(setup.dataset.class_names)
    augmentation = read_augmentation(config)
    augments = stage.cut == IMAGES and (augmentation.changes_pixels or augmentation.mixes)
    return Feed(
        setup.residence.supply(rows),
        train.labels,
        weigh_classes(train.labels, class_count, balanced=training.class_weights == "balanced"),
        whole_batch(config, setup.placement),
        config.seed,
        label_smoothing=training.label_smoothing,
        augmentation=augmentation if augments else None,
        share=setup.placement.share,
        divided=setup.placement.replicas * training.accumulation_steps > 1,
    )


def _pick_sample(count: int, size: int, seed: int) -> NDArray[np.int64]:
    """Draws the training images on which the train metrics are measured.

    They are as many as there are for validation, so that both metrics are equally exact, and scoring costs no
    more.
    """
    return np.sort(np.random.default_rng(seed).permutation(count)[:size])
