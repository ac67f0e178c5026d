"""`dlp oneshot`: learn what makes two drawings the same character, from a config to a finished run."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from dlpractice.config.load import dump_config
from dlpractice.config.schema import Oneshot
from dlpractice.data.oneshot.class_split import ClassSplit
from dlpractice.data.oneshot.episodes import EpisodeSampler
from dlpractice.models.precision import computing_in
from dlpractice.models.siamese import build_siamese
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.oneshot.examinations import (
    draw_training_tasks,
    examine_training,
    examine_validation,
)
from dlpractice.recipes.oneshot.idle_settings import list_idle_settings
from dlpractice.recipes.oneshot.pictures import Pictures, collect_pictures
from dlpractice.recipes.oneshot.recorder import record_pairs
from dlpractice.recipes.oneshot.results import (
    Exam,
    Scored,
    list_answers,
    plan_exam,
    score_exam,
    score_validation,
)
from dlpractice.recipes.oneshot.saved_siamese import save_siamese
from dlpractice.recipes.oneshot.setup import OneshotSetup, prepare_oneshot, read_distortion
from dlpractice.recipes.run.compilation_record import (
    record_compilation,
    resolve_compilation,
    was_compiled,
)
from dlpractice.recipes.run.continuation import (
    open_checkpoints,
    recorded_precision,
    refuse_other_config,
    refuse_other_data,
    refuse_other_splits,
    seconds_before,
)
from dlpractice.recipes.run.environment import describe_environment
from dlpractice.recipes.run.saved_model import read_levels
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.assignment import Examinations, Outputs, Settings, Subject
from dlpractice.training.batches.feed import Share, take_all
from dlpractice.training.checkpoints import Position
from dlpractice.training.devices.precision_choice import Choice
from dlpractice.training.forward import compile_forward
from dlpractice.training.loop import Trainer
from dlpractice.training.pairs import EpisodeFeed, pairs_loss
from dlpractice.training.steps import Loss

Draw = Callable[[RunDirectory, Pictures], None]


def run(
    config: Oneshot,
    run: RunDirectory,
    progress: Progress | None = None,
    auto: Choice | None = None,
    draw: Draw | None = None,
    *,
    score_test: bool = True,
) -> dict[str, Any]:
    """Trains the config's net and fills the run directory; goes on where a killed run stopped, in the
    precision that it had, and leaves a finished one as it is.

    auto: see `prepare_oneshot`. draw: makes figures of what is worth seeing of the run.
    score_test: false for a run that is only tried out, on validation tasks: it answers no others, and keeps
    its answers but no net, since nothing was measured that a verdict could stand on.

    Returns the summary. Raises DlpError where data, devices or the run directory are unfit, and
    KeyboardInterrupt, with a checkpoint written, when interrupted.
    """
    progress, started = progress or Silent(), time.perf_counter() - seconds_before(run)
    if run.is_prepared:
        refuse_other_config(config, run)
        if run.is_finished:
            return run.summary()
        setup = prepare_oneshot(config, progress, recorded_precision(run))
        refuse_other_data(setup.class_split.digest, run)
        refuse_other_splits(setup.class_split.split_rows(), run)
    else:
        setup = prepare_oneshot(config, progress, auto)
    exam = plan_tasks(config, setup.class_split)
    if not run.is_prepared:
        _record_start(config, setup, run)
    for warning in list_idle_settings(config, setup):
        progress.warn(warning)
    position = train(config, setup, run, progress)
    with computing_in(setup.siamese.model, setup.precision):
        compiled = was_compiled(config.method, run, setup.placement)
        forward = compile_forward(setup.siamese.encoder, setup.placement, compiled=compiled)
        if score_test:
            scored = score_exam(config, setup, exam, forward, progress)
        else:
            scored = score_validation(exam, forward, setup.siamese.similarity, config.data.image_size)
        if draw is not None:
            draw(run, collect_pictures(config, setup, make_feed(config, setup), forward, scored))
    run.write_predictions(list_answers(scored))
    note = _save_net(setup, scored, run) if score_test else {}
    summary = summarise(config, setup, scored, position, time.perf_counter() - started) | note
    run.write_summary(summary)
    return summary


def plan_tasks(config: Oneshot, class_split: ClassSplit) -> Exam:
    """All that a run is asked in the end, drawn before any training, as are the tasks after each epoch.

    Raises DataError where a part has too few classes, examples or drawers for them.
    """
    draw_training_tasks(config, class_split)
    return plan_exam(config, class_split)


def _save_net(setup: OneshotSetup, scored: Scored, run: RunDirectory) -> dict[str, Any]:
    """Saves the net, and gives what the summary says of its inputs."""
    siamese = setup.siamese
    with computing_in(siamese.model, setup.precision):
        whole = build_siamese(siamese.encoder, siamese.similarity, scored.verdict)
        note = save_siamese(whole, run.model_path, read_levels(run))
    return {"input": note.model_dump(mode="json")}


def _record_start(config: Oneshot, setup: OneshotSetup, run: RunDirectory) -> None:
    class_split = setup.class_split
    run.write_config(dump_config(config))
    run.write_splits(class_split.split_rows())
    run.write_audit(class_split.audit)
    run.write_environment(
        describe_environment(
            seed=config.seed,
            devices=setup.placement.devices,
            replicas=setup.placement.replicas,
            precision=(setup.precision, setup.timings),
            deterministic=config.hardware.deterministic,
            data={"root": class_split.root, "digest": class_split.digest},
            weights={"origin": config.encoder.weights or "random", "digest": None},
        )
    )


def train(config: Oneshot, setup: OneshotSetup, run: RunDirectory, progress: Progress) -> Position:
    """Trains from the checkpoint of the run, or from the start, to the end; the best epoch on validation
    alphabets is restored."""
    checkpoints, position, saved = open_checkpoints(run, setup.placement, config.training.checkpoint_seconds)
    model, encoder = setup.siamese.model, setup.siamese.encoder
    feed = make_feed(config, setup, setup.placement.share)
    loss = pairs_loss(encoder, setup.loss)
    with computing_in(model, setup.precision):
        subject = Subject(model, loss, scored=encoder, is_pretrained=lambda variable: False)
        compiled = resolve_compilation(config.hardware.compile, config.method, run, setup.placement)
        settings = replace(_read_settings(config, setup.precision), compiled=compiled)
        examinations = Examinations(examine_training(config, setup), examine_validation(config, setup))
        callbacks = _make_callbacks(config, setup, feed, loss, run)
        note = record_compilation(run, setup.placement)
        outputs = Outputs(checkpoints, run.append_metrics, progress, callbacks, note)
        trainer = Trainer(config.method, subject, settings, feed, examinations, setup.placement, outputs)
        return trainer.train(position, saved)


def _make_callbacks(
    config: Oneshot, setup: OneshotSetup, feed: EpisodeFeed, loss: Loss, run: RunDirectory
) -> list[keras.callbacks.Callback]:
    callbacks: list[keras.callbacks.Callback] = []
    if config.training.tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(run.tensorboard / config.method, write_graph=False))
    if config.training.diagnostics:
        callbacks.append(record_pairs(setup, feed, loss, config.method, run))
    return callbacks


def make_feed(config: Oneshot, setup: OneshotSetup, share: Share = take_all) -> EpisodeFeed:
    """The batches of training, or this worker's share of them."""
    background, batch = setup.class_split.background, config.batch
    quarters = range(4 if batch.quarter_turns else 1)
    sampler = EpisodeSampler(
        background,
        alphabets=batch.alphabets,
        classes=batch.classes,
        drawings=batch.examples,
        turns=[turn + 4 * mirror for mirror in range(1 + batch.mirror) for turn in quarters],
    )
    return EpisodeFeed(
        setup.residence.supply(background.pixels),
        sampler,
        read_distortion(config),
        config.data.image_size,
        config.training.epoch_steps,
        config.seed,
        share,
    )


def _read_settings(config: Oneshot, precision: str) -> Settings:
    training = config.training
    return Settings(
        epochs=training.epochs,
        learning_rate=training.learning_rate,
        optimiser=training.optimizer,
        weight_decay=training.weight_decay,
        schedule=training.schedule,
        warmup=training.warmup,
        patience=training.patience,
        precision=precision,
        monitor="val_accuracy",
    )


def summarise(
    config: Oneshot, setup: OneshotSetup, scored: Scored, position: Position, seconds: float
) -> dict[str, Any]:
    """What summary.json holds."""
    model = setup.siamese.model
    return {
        "results": scored.results,
        "method": config.method,
        "objective": config.objective.name,
        "encoder": config.encoder.name,
        "trainable_parameters": int(sum(np.prod(variable.shape) for variable in model.trainable_variables)),
        "parameters": int(model.count_params()),
        "dimensions": int(setup.siamese.encoder.output_shape[1]),
        "threshold": scored.threshold,
        "validation_alphabets": list(setup.class_split.validation.present_alphabets()),
        "best_epoch": position.best_epoch + 1,
        "epochs": position.epoch,
        "steps": position.optimiser_steps,
        "seconds": seconds,
        "test_scored": int(scored.headline.split == "test"),
    }
