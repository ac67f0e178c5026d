"""What to change in a run's config, as `key=value` overrides that the run's command takes."""

from typing import Any

from dlpractice.diagnosis.record import RunFacts

Overrides = tuple[str, ...]

_USUAL_RATE = "1e-3"
_FEW = 2000
"""Images up to which a frozen base comes first (lecture: small data set, similar: retrain the last layer)."""


def lower_rate(run: RunFacts | None, highest: float) -> Overrides:
    """A tenth of the learning rate; the usual one where it is above `highest`."""
    return _scale_rate(run, 0.1, lambda rate: rate > highest)


def raise_rate(run: RunFacts | None, lowest: float) -> Overrides:
    """Ten times the learning rate; the usual one where it is below `lowest`."""
    return _scale_rate(run, 10.0, lambda rate: rate < lowest)


def _scale_rate(run: RunFacts | None, factor: float, is_far: Any) -> Overrides:
    rate = _number(run, "training.learning_rate")
    if rate is None:
        return ()
    return (f"training.learning_rate={_USUAL_RATE if is_far(rate) else f'{rate * factor:.3g}'}",)


def train_longer(run: RunFacts | None) -> Overrides:
    """Twice the epochs."""
    epochs = _number(run, "training.epochs")
    return () if epochs is None or epochs > 5000 else (f"training.epochs={2 * round(epochs)}",)


def regularise(run: RunFacts | None) -> Overrides:
    """Against overfitting: a frozen base for few images, else augmentation, else dropout and weight decay."""
    if run is None:
        return ()
    if run.command == "oneshot":
        return _regularise_oneshot(run)
    strategy, frozen = str(run.setting("strategy")), not _trains_images(run)
    if not frozen and run.setting("model.weights") is not None and run.count("train") <= _FEW:
        return ("strategy=head", "training.epochs=60", "training.learning_rate=1e-3")
    if not frozen and not any(_number(run, f"augment.{key}") for key in ("rotation", "zoom", "shift")):
        return "augment.rotation=10", "augment.zoom=0.1", "augment.shift=0.1"
    decay = _number(run, "training.weight_decay") or 0.0
    changes = [f"training.weight_decay={min(1.0, max(0.05, 10 * decay)):.3g}"]
    if strategy != "scratch" and (_number(run, "model.dropout") or 0.0) < 0.5:
        changes.insert(0, "model.dropout=0.5")
    return tuple(changes)


def _regularise_oneshot(run: RunFacts) -> Overrides:
    if not _number(run, "data.glyph_alphabets") and run.setting("data.colour") != "colour":
        return ("data.glyph_alphabets=100",)
    if _number(run, "distortion.probability") != 1:
        return ("distortion.probability=1",)
    return ("training.weight_decay=0.05",)


def enlarge(run: RunFacts | None) -> Overrides:
    """Against underfitting: less dropout, then more that is trained, then a wider net."""
    if run is None:
        return ()
    if run.command == "oneshot":
        return _widen(run, "encoder.width")
    if (_number(run, "model.dropout") or 0.0) > 0.5:
        return ("model.dropout=0.2",)
    strategy = str(run.setting("strategy"))
    if strategy == "scratch":
        return _widen(run, "model.width")
    if strategy == "full":
        return train_longer(run)
    return ("strategy=full",) if strategy == "top-block" else ("strategy=top-block",)


def _widen(run: RunFacts, key: str) -> Overrides:
    width = _number(run, key) or 1.0
    return () if width >= 8 else (f"{key}={min(8.0, max(1.0, 2 * width)):.3g}",)


def balance(run: RunFacts) -> Overrides:
    """Each class the same weight in the loss."""
    return () if run.setting("training.class_weights") == "balanced" else ("training.class_weights=balanced",)


def _trains_images(run: RunFacts) -> bool:
    """Whether the last stage sees images, so that augmentation reaches it."""
    return run.setting("strategy") in ("scratch", "full")


def _number(run: RunFacts | None, key: str) -> float | None:
    """A number of the config; None where it has none there (`auto`, null, logs of others)."""
    value = run.setting(key) if run is not None else None
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
