"""The panel: training recipes that are healthy, and the same recipes with one fault planted in each.

What a fault must be called is decided here, before anything is trained: the names of findings that count.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from panel import faults, pair_faults
from panel.faults import Change

SEEDS = (0, 1, 2)
HEALTHY_SEEDS = (0, 1, 2, 3)
"""One more: alarms are meant to be rare, and rare things take more runs to be counted."""
TUNED_ON = (0, 1)
"""Seeds whose runs were in sight when rules, thresholds and the panel itself were chosen."""

LINEAR = ("strategy=linear@block4", "training.epochs=40")
SCRATCH = (
    "strategy=scratch",
    "data.image_size=32",
    "model.width=0.5",
    "training.epochs=12",
    "training.learning_rate=5e-3",
)
TOP = ("strategy=top-block",)
GLYPHS = (
    "data.image_size=28",
    "data.glyph_alphabets=12",
    "data.validation_alphabets=2",
    "data.evaluation_alphabets=2",
    "encoder.name=conv4",
    "batch.alphabets=1",
    "batch.quarter_turns=false",
    "batch.mirror=false",
    "training.epochs=5",
    "training.epoch_steps=40",
)


@dataclass(frozen=True)
class Member:
    """A recipe, trained once for each of its seeds.

    overrides: what it changes in the config `base`. names: the findings that name its fault; none where it is
    healthy. change: what is done to the rows of the data. patch: what is done to the code around the
    training.
    """

    name: str
    base: str
    overrides: tuple[str, ...]
    names: tuple[str, ...] = ()
    change: Change | None = None
    patch: Callable[[], AbstractContextManager[object]] | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that it is trained with."""
        return HEALTHY_SEEDS if self.is_healthy else SEEDS

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is planted."""
        return not self.names


_HIGH = ("learning rate too high", "loss exploded")
_LOW = ("learning rate too low",)
_OVER = ("overfitting",)
_LABELS = ("label errors",)

HEALTHY = (
    Member("linear", "digits", LINEAR),
    Member("linear, SGD", "digits", (*LINEAR, "training.optimizer=sgd", "training.learning_rate=0.05")),
    Member("linear@block3", "digits", (*LINEAR, "strategy=linear@block3")),
    Member("hidden layer", "digits", (*LINEAR, "model.hidden=[128]", "model.dropout=0.3")),
    Member("linear, early stop", "digits", (*LINEAR, "training.epochs=80", "training.patience=8")),
    Member("linear, constant rate", "digits", (*LINEAR, "training.schedule=constant")),
    Member("scratch", "digits", SCRATCH),
    Member(
        "scratch, augmented",
        "digits",
        (*SCRATCH, "augment.rotation=10", "augment.shift=0.1", "training.label_smoothing=0.1"),
    ),
    Member("top block", "digits", TOP),
    Member("glyphs", "glyphs", GLYPHS),
    Member(
        "glyphs, verification, longer",
        "glyphs",
        (*GLYPHS, "objective.name=verification", "training.epoch_steps=200"),
    ),
    Member(
        "glyphs, triplet, longer", "glyphs", (*GLYPHS, "objective.name=triplet", "training.epoch_steps=200")
    ),
)

FAULTY_IMAGES = (
    Member("learning rate x100", "digits", (*LINEAR, "training.learning_rate=0.3"), _HIGH),
    Member("learning rate x100, scratch", "digits", (*SCRATCH, "training.learning_rate=0.5"), _HIGH),
    Member("learning rate /1000", "digits", (*LINEAR, "training.learning_rate=3e-6"), _LOW),
    Member("learning rate /1000, scratch", "digits", (*SCRATCH, "training.learning_rate=5e-6"), _LOW),
    Member("no preprocessing", "digits", SCRATCH, ("inputs unscaled",), patch=faults.skip_preprocessing),
    Member("10 % of labels shuffled", "digits", LINEAR, _LABELS, faults.shuffle_labels(0.1)),
    Member("50 % of labels shuffled", "digits", LINEAR, _LABELS, faults.shuffle_labels(0.5)),
    Member(
        "100 % of labels shuffled",
        "digits",
        LINEAR,
        ("accuracy at chance", "label errors"),
        faults.shuffle_labels(1.0),
    ),
    Member("tiny model", "digits", (*LINEAR, "model.hidden=[1]"), ("underfitting",)),
    Member(
        "huge model",
        "digits",
        (*LINEAR, "strategy=linear@block2", "model.hidden=[8192]", "training.weight_decay=0"),
        _OVER,
        faults.keep_training(200),
    ),
    Member("20 training images", "digits", LINEAR, ("too few images",), faults.keep_training(20)),
    Member(
        "no regularisation",
        "digits",
        (*SCRATCH, "training.epochs=30", "training.learning_rate=1e-3", "training.weight_decay=0"),
        _OVER,
        faults.keep_training(200),
    ),
    Member(
        "dropout 0.9",
        "digits",
        (*LINEAR, "model.hidden=[64]", "model.dropout=0.9"),
        ("dropout too high",),
    ),
    Member(
        "leaked test images",
        "digits",
        LINEAR,
        ("copies across splits",),
        faults.leak_test,
        faults.admit_everything,
    ),
    Member("imbalanced 30:1", "digits", LINEAR, ("class imbalance",), faults.thin_out(30)),
    Member(
        "dead ReLUs by bias",
        "digits",
        (*LINEAR, "model.hidden=[64]"),
        ("dead ReLUs",),
        patch=faults.kill_relus,
    ),
    Member(
        "wrong loss",
        "digits",
        LINEAR,
        ("last layer and loss do not match", "probabilities taken for logits"),
        patch=faults.end_in_softmax,
    ),
    Member("frozen head", "digits", LINEAR, ("nothing is trained",), patch=faults.freeze_head),
)

FAULTY_PAIRS = (
    Member("learning rate x100, glyphs", "glyphs", (*GLYPHS, "training.learning_rate=0.4"), _HIGH),
    Member("learning rate /1000, glyphs", "glyphs", (*GLYPHS, "training.learning_rate=4e-6"), _LOW),
    Member(
        "no preprocessing, glyphs", "glyphs", GLYPHS, ("inputs unscaled",), patch=pair_faults.skip_rescaling
    ),
    Member(
        "50 % of characters shuffled",
        "glyphs",
        GLYPHS,
        _LABELS,
        patch=pair_faults.shuffle_characters(0.5),
    ),
    Member(
        "100 % of characters shuffled",
        "glyphs",
        GLYPHS,
        ("accuracy at chance", "label errors"),
        patch=pair_faults.shuffle_characters(1.0),
    ),
    Member(
        "nothing pushed apart",
        "glyphs",
        GLYPHS,
        ("embedding collapsed",),
        patch=pair_faults.push_nothing_apart,
    ),
    Member(
        "one alphabet",
        "glyphs",
        (*GLYPHS, "data.glyph_alphabets=1"),
        ("too few classes", "overfitting"),
    ),
    Member(
        "similarity not symmetric",
        "glyphs",
        GLYPHS,
        ("similarity not symmetric",),
        patch=pair_faults.weigh_first_image,
    ),
    Member(
        "validation alphabets trained on",
        "glyphs",
        GLYPHS,
        ("copies across splits",),
        patch=pair_faults.leak_validation,
    ),
    Member("frozen net, glyphs", "glyphs", GLYPHS, ("nothing is trained",), patch=faults.freeze_head),
)

FAULTY = FAULTY_IMAGES + FAULTY_PAIRS
MEMBERS = HEALTHY + FAULTY


def locate(folder: Path, member: Member, seed: int) -> Path:
    """Where a run of the panel lies, with the data made for it."""
    return folder / re.sub(r"\W+", "-", member.name) / f"seed-{seed}"


def planted(member: Member) -> AbstractContextManager[object]:
    """The code around the training with the member's fault in it, if it has one there."""
    return member.patch() if member.patch else nullcontext()
