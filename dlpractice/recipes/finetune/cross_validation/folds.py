"""`dlp finetune --folds`: a run for each fold, what all of them say together, and their models in one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from dlpractice.config.load import load_config
from dlpractice.config.schema import Finetune
from dlpractice.models.model_file import write_model
from dlpractice.progress import Progress, Silent, Subdued
from dlpractice.recipes.finetune import finetune
from dlpractice.recipes.finetune.comparison import describe_variant
from dlpractice.recipes.finetune.confidence_record import calibrate
from dlpractice.recipes.finetune.cross_validation.averaged_net import average_nets
from dlpractice.recipes.finetune.setup import Setup, freeze_features, prepare_setup
from dlpractice.recipes.run.compilation_record import was_compiled
from dlpractice.recipes.run.continuation import agree_on_precision, recorded_precision
from dlpractice.recipes.run.member_runs import train_members
from dlpractice.recipes.run.model_note import Calibration, ClassifierNote
from dlpractice.recipes.run.saved_model import load_network, load_note
from dlpractice.runs.comparison_folder import Folds
from dlpractice.runs.directory import CONFIG, RunDirectory
from dlpractice.statistics.fold_accuracy import pooled_accuracy
from dlpractice.statistics.shares import per_class_accuracy

KEY = "data.fold"


def run(variants: Mapping[str, Finetune], folder: Folds, progress: Progress | None = None) -> dict[str, Any]:
    """Trains a net for each of `variants`, the configs of all folds by the names of their folders; writes
    what each image was taken for by the net that had not seen it, the table, and the model of them all.

    Finished runs are kept, and one that was killed goes on.

    Returns what folds.json holds. Raises DlpError as `finetune.run` does.
    """
    progress = progress or Silent()
    first = next(iter(variants.values()))
    auto = agree_on_precision(first.hardware.precision, first.hardware.devices, folder)
    train_members(
        variants,
        [first.seed],
        folder,
        lambda config, run: finetune.run(config, run, progress, auto),
        progress,
    )
    members = [folder.members(name, [first.seed])[0] for name in variants]
    table = _describe_folds(variants, members, folder) | _pool(members, folder)
    folder.write_table(table | {"temperature": _write_average(members, folder, progress)})
    return folder.table()


def _describe_folds(
    variants: Mapping[str, Finetune], members: Sequence[RunDirectory], folder: Folds
) -> dict[str, Any]:
    """A row for each fold."""
    rows = [
        describe_variant(config, [config.seed], [member], folder) | {"name": name, "value": config.data.fold}
        for (name, config), member in zip(variants.items(), members, strict=True)
    ]
    source = next(iter(variants.values())).data.source
    return {"command": "finetune", "data": source, "key": KEY, "rows": rows}


def _pool(members: Sequence[RunDirectory], folder: Folds) -> dict[str, Any]:
    """What all images say together, each by the net that it tests; writes their rows of out-of-fold.csv."""
    names: list[str] = members[0].summary()["class_names"]
    code = {name: number for number, name in enumerate(names)}
    bound: dict[str, str] = {}
    rows, ratios = [], []
    for number, member in enumerate(members, 1):
        rows += [row | {"fold": number} for row in member.predictions() if row["split"] == "test"]
        splits = member.splits()
        bound |= {row["path"]: row["bound"] for row in splits if row["split"] == "test"}
        sizes = [sum(row["split"] == split for row in splits) for split in ("test", "train")]
        ratios.append(sizes[0] / sizes[1])
    rows.sort(key=lambda row: row["path"])
    folder.write_predictions({key: value for key, value in row.items() if key != "split"} for row in rows)
    truth, guess = (np.array([code[row[key]] for row in rows]) for key in ("label", "predicted"))
    groups = [bound[row["path"]] for row in rows]
    folds = [row["fold"] for row in rows]
    by_class = per_class_accuracy(truth, guess, names, groups)
    return {
        "accuracy": pooled_accuracy(truth == guess, groups, folds, float(np.mean(ratios))).to_json(),
        "per_class": {name: measure.to_json() for name, measure in by_class.items()},
        "class_names": names,
        "confusion": confusion_matrix(truth, guess, labels=range(len(names))).tolist(),
    }


def _write_average(members: Sequence[RunDirectory], folder: Folds, progress: Progress) -> float | None:
    """Writes the model of all folds, and returns the temperature of its softmax: None where there is none.

    The temperature is fitted to the logits that each image got from the net that it tests. What the file says
    of how far confidence can be trusted is of single nets; their mean is seldom more sure than right.
    """
    notes = [load_note(member.model_path, ClassifierNote, "dlp finetune") for member in members]
    note = notes[0]
    if note is None or any(other is None or other.input != note.input for other in notes):
        progress.warn(
            "the folds' nets take different images, since each fold chose for itself: no model is made"
        )
        return None
    progress.say("making one model of all folds")
    setups = [_load_setup(member, Subdued(progress)) for member in members]
    logits = [
        _score_test(setup, member, Subdued(progress)) for setup, member in zip(setups, members, strict=True)
    ]
    tested = [setup.dataset.test for setup in setups]
    labels = np.concatenate([split.labels for split in tested])
    found = calibrate(np.concatenate(logits), labels, [name for split in tested for name in split.bound])
    temperature = found["temperature"] if found else 1.0
    kept = Calibration.model_validate(found | {"temperature": 1.0}) if found else None
    net = average_nets(setups, temperature)
    whole = note.model_copy(update={"calibration": kept})
    write_model(net, whole.model_dump(mode="json"), folder.model_path)
    return temperature


def _load_setup(run: RunDirectory, progress: Progress) -> Setup:
    """The setup of a finished run, with the weights that it kept."""
    config = load_config(str(run.path / CONFIG))
    assert isinstance(config, Finetune)
    setup = prepare_setup(config, progress, recorded_precision(run))
    setup.classifier.model.set_weights(load_network(run.model_path).get_weights())
    return setup


def _score_test(setup: Setup, run: RunDirectory, progress: Progress) -> NDArray[np.float32]:
    """(n, K) logits of the test images of a finished run."""
    config = load_config(str(run.path / CONFIG))
    assert isinstance(config, Finetune)
    features = freeze_features(config, setup, setup.strategy.cuts, progress, ("test",))
    compiled = was_compiled(setup.strategy.stages[-1].name, run, setup.placement)
    return finetune.score_splits(setup, features, ("test",), progress, compiled=compiled)["test"]
