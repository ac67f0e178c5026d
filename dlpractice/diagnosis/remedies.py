"""Remedies: what to change in a run's config, as `key=value` overrides that the run's command takes.

Each function returns no overrides where they would change nothing, or where the command would refuse them.
"""

import math
from collections.abc import Callable, Mapping

from dlpractice.diagnosis.record import RunFacts
from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.encoders import ENCODERS
from dlpractice.registry.optimisation import OPTIMISERS

Overrides = tuple[str, ...]

_HIGHEST_RATE, _LOWEST_RATE = 10.0, 1e-7
_LONGEST = 5000
_FEW = 2000
"""Up to so many training images a frozen base is a remedy (lecture: small data set, similar: retrain the last
layer)."""
_NARROW = 64
"""A hidden layer of fewer units is a bottleneck for the features below it."""
_FEW_ALPHABETS = 10


def lower_rate(run: RunFacts | None, highest: float) -> Overrides:
    """A tenth of the learning rate; where the rate is above `highest`, the usual rate instead."""
    return _scale_rate(run, 0.1, lambda rate: rate > highest)


def raise_rate(run: RunFacts | None, lowest: float) -> Overrides:
    """Ten times the learning rate; where the rate is below `lowest`, the usual rate instead."""
    return _scale_rate(run, 10.0, lambda rate: rate < lowest)


def _scale_rate(run: RunFacts | None, factor: float, is_far: Callable[[float], bool]) -> Overrides:
    rate = _number(run, "training.learning_rate")
    if run is None or rate is None:
        return ()
    if is_far(rate):
        optimiser = OPTIMISERS.get(str(run.setting("training.optimizer")), OPTIMISERS["adamw"])
        return (f"training.learning_rate={optimiser.usual_rate}",)
    scaled = min(_HIGHEST_RATE, max(_LOWEST_RATE, rate * factor))
    return () if scaled == rate else (f"training.learning_rate={scaled:.3g}",)


def train_longer(run: RunFacts | None) -> Overrides:
    """Twice the epochs."""
    epochs = _number(run, "training.epochs")
    return () if epochs is None or epochs > _LONGEST else (f"training.epochs={2 * round(epochs)}",)


def train_steps(run: RunFacts | None, steps: float, least: float) -> Overrides:
    """So many times the epochs that `steps` optimiser steps become `least`, and twice as many at least."""
    epochs = _number(run, "training.epochs")
    if epochs is None or epochs > _LONGEST:
        return ()
    return (f"training.epochs={min(2 * _LONGEST, round(epochs * max(2, math.ceil(least / max(steps, 1)))))}",)


def regularise(run: RunFacts | None) -> Overrides:
    """Against overfitting: the first of several remedies that the run does not have yet.

    They are all of its images, augmentation, a frozen base for few images, no hidden layers, dropout with
    weight decay; for one-shot runs generated alphabets, distortion of every image, weight decay.
    """
    if run is None:
        return ()
    ways = _ONESHOT_WAYS if run.command == "oneshot" else _WAYS
    return next((found for way in ways if (found := way(run))), ())


def use_all_images(run: RunFacts) -> Overrides:
    """The training images that the config leaves out."""
    fraction = _number(run, "data.fraction")
    return () if fraction is None or fraction >= 1 else ("data.fraction=1",)


def freeze(run: RunFacts) -> Overrides:
    """A head on a frozen pretrained base, where images are few: little is left to be learnt by heart."""
    side = _number(run, "data.image_size")
    backbone = BACKBONES.get(str(run.setting("model.backbone")), BACKBONES["vgg16"])
    fits = side is None or side >= backbone.minimum_size
    pretrained = run.setting("model.weights") is not None
    if not (_trains_images(run) and pretrained and fits and run.count("train") <= _FEW):
        return ()
    return "strategy=head", "training.epochs=60", "training.learning_rate=3e-3", "training.weight_decay=0.05"


def augment(run: RunFacts) -> Overrides:
    """Heavier augmentation, where the net sees images and has none yet.

    Images are turned by so little that people do not notice, and are not mirrored: a letter or a digit would
    become another.
    """
    if not _trains_images(run):
        return ()
    if any(_number(run, f"augment.{key}") for key in ("rotation", "zoom", "shift")):
        return ()
    return "augment.rotation=10", "augment.zoom=0.1", "augment.shift=0.1"


def use_no_hidden_layer(run: RunFacts) -> Overrides:
    """A linear layer on the features instead of hidden layers.

    Hidden layers learn few images by heart, and narrow ones are a bottleneck for the features.
    """
    return ("model.hidden=[]",) if run.setting("model.hidden") else ()


def decay(run: RunFacts) -> Overrides:
    """Dropout and ten times the weight decay."""
    changes = []
    if run.command == "finetune" and (_number(run, "model.dropout") or 0.0) < 0.5:
        changes.append("model.dropout=0.5")
    before = _number(run, "training.weight_decay") or 0.0
    if before < 1:
        changes.append(f"training.weight_decay={min(1.0, max(0.05, 10 * before)):.3g}")
    return tuple(changes)


def generate_alphabets(run: RunFacts) -> Overrides:
    """More classes to train on: alphabets that are generated, for drawings in grey."""
    if (_number(run, "data.glyph_alphabets") or 0.0) >= _FEW_ALPHABETS or run.setting(
        "data.colour"
    ) == "colour":
        return ()
    return ("data.glyph_alphabets=100",)


def distort(run: RunFacts) -> Overrides:
    """Every distortion on every image."""
    return () if _number(run, "distortion.probability") == 1 else ("distortion.probability=1",)


_WAYS = (use_all_images, augment, freeze, use_no_hidden_layer, decay)
_ONESHOT_WAYS = (generate_alphabets, distort, decay)


def enlarge(run: RunFacts | None) -> Overrides:
    """Against underfitting: the first of several remedies that the run can take.

    They are less dropout, no hidden layer that is a bottleneck, more layers that are trained, a wider net.
    """
    if run is None:
        return ()
    if run.command == "oneshot":
        own = run.setting("encoder.name") in (None, *ENCODERS)
        return _widen(run, "encoder.width") if own else train_longer(run)
    if (_number(run, "model.dropout") or 0.0) > 0.5:
        return drop_less(run)
    hidden = run.setting("model.hidden") or ()
    if hidden and min(hidden) < _NARROW:
        return use_no_hidden_layer(run)
    strategy = str(run.setting("strategy"))
    if strategy == "scratch":
        return _widen(run, "model.width")
    if strategy == "full":
        return train_longer(run)
    deeper = strategy == "top-block" or run.setting("model.weights") is None
    return _fine_tune(run, "full" if deeper else "top-block")


def _fine_tune(run: RunFacts, strategy: str) -> Overrides:
    """The strategy, with a learning rate and a number of epochs that suit pretrained layers.

    A head on a frozen base takes larger steps, and more of them.
    """
    changes = [f"strategy={strategy}"]
    if (_number(run, "training.learning_rate") or 0.0) > 1e-3:
        changes.append("training.learning_rate=1e-3")
    if (_number(run, "training.epochs") or 0.0) > 20:
        changes.append("training.epochs=20")
    return tuple(changes)


def _widen(run: RunFacts, key: str) -> Overrides:
    width = _number(run, key) or 1.0
    return () if width >= 8 else (f"{key}={min(8.0, max(1.0, 2 * width)):.3g}",)


def shrink(run: RunFacts) -> Overrides:
    """A smaller model: half the width, or at most 1; no hidden layers; a head instead of more."""
    if run.command == "oneshot":
        return _narrow(run, "encoder.width") if run.setting("encoder.name") in ENCODERS else ()
    if run.setting("model.hidden"):
        return use_no_hidden_layer(run)
    strategy = str(run.setting("strategy"))
    if strategy == "scratch":
        return _narrow(run, "model.width")
    return ("strategy=head",) if strategy in ("top-block", "full") else ()


def _narrow(run: RunFacts, key: str) -> Overrides:
    width = _number(run, key) or 1.0
    return () if width <= 0.1 else (f"{key}={min(1.0, width / 2):.3g}",)


def drop_less(run: RunFacts) -> Overrides:
    """A dropout of 0.2, where there is more."""
    return ("model.dropout=0.2",) if (_number(run, "model.dropout") or 0.0) > 0.2 else ()


def smooth_labels(run: RunFacts) -> Overrides:
    """Less trust in each label (Szegedy et al. 2016)."""
    has_some = run.command == "oneshot" or _number(run, "training.label_smoothing")
    return () if has_some else ("training.label_smoothing=0.1",)


def balance(run: RunFacts) -> Overrides:
    """Each class the same weight in the loss."""
    has_it = run.command == "oneshot" or run.setting("training.class_weights") == "balanced"
    return () if has_it else ("training.class_weights=balanced",)


REMEDIES: Mapping[str, Callable[[RunFacts], Overrides]] = {
    "a lower learning rate": lambda run: lower_rate(run, _HIGHEST_RATE),
    "a higher learning rate": lambda run: raise_rate(run, _LOWEST_RATE),
    "more epochs": train_longer,
    "all images": use_all_images,
    "a frozen base": freeze,
    "augmentation": lambda run: () if run.command == "oneshot" else augment(run),
    "dropout and weight decay": decay,
    "no hidden layer": use_no_hidden_layer,
    "generated alphabets": lambda run: generate_alphabets(run) if run.command == "oneshot" else (),
    "distortion": lambda run: distort(run) if run.command == "oneshot" else (),
    "less dropout": drop_less,
    "a larger model": enlarge,
    "a smaller model": shrink,
    "smoothed labels": smooth_labels,
    "balanced classes": balance,
}
"""Everything that a finding can advise and a training can try, by name."""


def list_remedies(run: RunFacts) -> dict[str, Overrides]:
    """The remedies that would change something in the config of `run`. Of two that would change the same, the
    first is listed."""
    found: dict[str, Overrides] = {}
    for name, remedy in REMEDIES.items():
        overrides = remedy(run)
        if overrides and overrides not in found.values():
            found[name] = overrides
    return found


def name_remedy(run: RunFacts | None, overrides: Overrides) -> str:
    """What `overrides` do to the config of `run`, in the words of REMEDIES; "" where there are none."""
    if run is None or not overrides:
        return ""
    return next((name for name, remedy in REMEDIES.items() if remedy(run) == overrides), "")


def _trains_images(run: RunFacts) -> bool:
    """Whether the last stage sees images, so that augmentation reaches it."""
    return run.setting("strategy") in ("scratch", "full")


def _number(run: RunFacts | None, key: str) -> float | None:
    """The number at `key` in the config of `run`; None where there is none (no run, auto, null)."""
    value = run.setting(key) if run is not None else None
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
