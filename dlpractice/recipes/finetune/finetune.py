"""`dlp finetune`: transfer learning on labelled images, from a config to a finished run directory."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.config.load import dump_config
from dlpractice.config.schema import Finetune
from dlpractice.data.dataset import Dataset
from dlpractice.data.files.decoding import Look
from dlpractice.data.naming.split_names import SplitName
from dlpractice.models.model_file import write_model
from dlpractice.models.precision import computing_in
from dlpractice.progress import Progress, Silent, Subdued
from dlpractice.recipes.finetune.choice.settlement import settle
from dlpractice.recipes.finetune.confidence_record import calibrate
from dlpractice.recipes.finetune.idle_settings import list_idle_settings
from dlpractice.recipes.finetune.setup import (
    Features,
    Setup,
    freeze_features,
    prepare_setup,
)
from dlpractice.recipes.finetune.stages import Watch, train_stages
from dlpractice.recipes.run.batch_scaling import refuse_other_replicas
from dlpractice.recipes.run.compilation_record import was_compiled
from dlpractice.recipes.run.continuation import (
    recorded_precision,
    refuse_other_config,
    refuse_other_data,
    refuse_other_splits,
    refuse_other_weights,
    seconds_before,
)
from dlpractice.recipes.run.environment import describe_environment
from dlpractice.recipes.run.model_note import Calibration, ClassifierNote, describe_input
from dlpractice.recipes.run.saved_model import read_levels
from dlpractice.registry.strategies import IMAGES
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.shares import accuracy
from dlpractice.training.checkpoints import Position
from dlpractice.training.devices.precision_choice import Choice
from dlpractice.training.features import FrozenFront
from dlpractice.training.forward import compile_forward, forward_each, losses_and_predictions

Logits = dict[SplitName, NDArray[np.float32]]
SCORED: tuple[SplitName, ...] = ("validation", "test")


def run(
    config: Finetune,
    run: RunDirectory,
    progress: Progress | None = None,
    auto: Choice | None = None,
    *,
    score_test: bool = True,
    watch: Watch | None = None,
    draw: Callable[[RunDirectory, dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Trains the config's strategy and fills the run directory; goes on where a killed run stopped, in the
    precision that it had, and leaves a finished one as it is. What the config leaves open is chosen first.

    auto: see `prepare_setup`. score_test: false for a run that is only tried out, on validation: the test
    split stays unseen, and the results lack it. watch: is called after each epoch, when its row is written,
    and ends the run there if it raises. draw: makes pictures of the run from its summary, before that is
    written.

    Returns the summary, and as `choice` what choice.json holds where something was left open. Raises DlpError
    where data, weights, devices or the run directory are unfit, and KeyboardInterrupt, with a checkpoint
    written, when interrupted.
    """
    progress = progress or Silent()
    config, auto = settle(config, run, progress, auto, _try_out)
    summary = _train(config, run, progress, auto, score_test=score_test, watch=watch, draw=draw)
    choice = run.choice()
    return summary if choice is None else summary | {"choice": choice}


def _try_out(config: Finetune, run: RunDirectory, progress: Progress, auto: Choice) -> dict[str, Any]:
    """Trains a candidate, which is judged on validation alone and never used. What there is to say of its
    data is said by the run itself."""
    return _train(config, run, Subdued(progress), auto, score_test=False, keep_model=False)


def _train(
    config: Finetune,
    run: RunDirectory,
    progress: Progress,
    auto: Choice | None,
    *,
    score_test: bool,
    keep_model: bool = True,
    watch: Watch | None = None,
    draw: Callable[[RunDirectory, dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """`run` with a config that leaves nothing open."""
    started = time.perf_counter() - seconds_before(run)
    if run.is_prepared:
        refuse_other_config(config, run)
        if run.is_finished:
            return run.summary()
        setup = prepare_setup(config, progress, recorded_precision(run))
        refuse_other_data(setup.dataset.digest, run)
        refuse_other_weights(setup.classifier.weights.digest, run)
        refuse_other_splits(setup.dataset.split_rows(), run)
        refuse_other_replicas(config.hardware.scaling, setup.placement.replicas, run)
        config = config.paced(len(setup.dataset.train))
    else:
        setup = prepare_setup(config, progress, auto)
        config = config.paced(len(setup.dataset.train))
        run.write_config(dump_config(config))
        run.write_splits(setup.dataset.split_rows())
        run.write_audit(setup.dataset.audit.to_json())
        run.write_environment(_describe(config, setup))
    for warning in list_idle_settings(config, setup):
        progress.warn(warning)
    names = SCORED if score_test else SCORED[:1]
    features = freeze_features(config, setup, setup.strategy.cuts, progress, ("train", *names))
    position = train_stages(config, setup, features, run, progress, watch)
    compiled = was_compiled(setup.strategy.stages[-1].name, run, setup.placement)
    logits = score_splits(setup, features, names, progress, compiled=compiled)
    run.write_predictions(list_predictions(setup.dataset, logits))
    validation = setup.dataset.validation
    calibration = calibrate(logits["validation"], validation.labels, validation.bound)
    note = ClassifierNote(
        input=describe_input(_read_look(config, run), config.data.image_size, "colour"),
        class_names=setup.dataset.class_names,
        calibration=Calibration.model_validate(calibration) if calibration else None,
    )
    model = setup.classifier.model
    if keep_model:
        with computing_in(model, setup.precision):
            write_model(model, note.model_dump(mode="json"), run.model_path)
    summary = summarise(setup, logits, position, time.perf_counter() - started)
    summary["input"] = note.input.model_dump(mode="json")
    if calibration:
        summary["calibration"] = calibration
    if (cut := setup.strategy.stages[-1].cut) != IMAGES:
        front = FrozenFront(setup.classifier, setup.precision, setup.placement, progress)
        summary["features"] = front.describe(cut)
    if draw is not None:
        draw(run, summary)
    run.write_summary(summary)
    return summary


def _describe(config: Finetune, setup: Setup) -> dict[str, Any]:
    dataset, weights = setup.dataset, setup.classifier.weights
    return describe_environment(
        seed=config.seed,
        devices=setup.placement.devices,
        replicas=setup.placement.replicas,
        precision=(setup.precision, setup.timings),
        deterministic=config.hardware.deterministic,
        data={"root": str(dataset.root), "digest": dataset.digest},
        weights={"origin": weights.origin, "digest": weights.digest},
    )


def _read_look(config: Finetune, run: RunDirectory) -> Look:
    data = config.data
    return Look(data.image_size, data.resize, data.background, read_levels(run))


def score_splits(
    setup: Setup, features: Features, names: Sequence[SplitName], progress: Progress, *, compiled: bool
) -> Logits:
    """Logits of the splits `names`, `compiled` by XLA or not. The test is scored here and nowhere else."""
    cut = setup.strategy.stages[-1].cut
    progress.stage("scoring", sum(len(setup.dataset.splits[name]) for name in names), "images")
    with computing_in(setup.classifier.model, setup.precision):
        forward = compile_forward(setup.classifier.rest(cut), setup.placement, compiled=compiled)
        supplies = [setup.residence.supply(features[name][cut]) for name in names]
        logits = dict(zip(names, forward_each(forward, supplies), strict=True))
    progress.advance(sum(map(len, logits.values())))
    return logits


def list_predictions(dataset: Dataset, logits: Logits) -> Iterator[dict[str, object]]:
    """The rows of predictions.csv."""
    names = dataset.class_names
    for split_name, values in logits.items():
        split = dataset.splits[split_name]
        losses, predicted = losses_and_predictions(values, split.labels)
        shifted = np.exp(values - values.max(axis=1, keepdims=True))
        confidence = (shifted / shifted.sum(axis=1, keepdims=True)).max(axis=1)
        columns = zip(split.paths, split.labels, predicted, confidence, losses, strict=True)
        for path, label, guess, sure, loss in columns:
            yield {
                "path": path,
                "split": split_name,
                "label": names[label],
                "predicted": names[guess],
                "confidence": sure,
                "loss": loss,
            }


def summarise(setup: Setup, logits: Logits, position: Position, seconds: float) -> dict[str, Any]:
    """What summary.json holds."""
    results: dict[str, Measure] = {}
    for name, values in logits.items():
        split = setup.dataset.splits[name]
        _, predicted = losses_and_predictions(values, split.labels)
        right = accuracy(predicted == split.labels, split.bound)
        results[f"{'val' if name == 'validation' else name}_accuracy"] = right
    rest = setup.classifier.rest(setup.strategy.stages[-1].cut)
    return {
        "results": {name: measure.to_json() for name, measure in results.items()},
        "strategy": setup.strategy.name,
        "class_names": list(setup.dataset.class_names),
        "trainable_parameters": int(sum(np.prod(variable.shape) for variable in rest.trainable_variables)),
        "parameters": int(setup.classifier.model.count_params()),
        "best_epoch": position.best_epoch + 1,
        "epochs": position.epoch,
        "learning_rate": position.learning_rate,
        "seconds": seconds,
        "test_scored": int("test" in logits),
    }
