"""Whole runs, compared step by step: a run ends where it first parts from the one that it is compared to."""

import gc
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import BaseModel, ValidationError
from strict_patches import StrictPatch

from dlpractice.errors import DlpError
from dlpractice.models.weights import LoadedWeights
from dlpractice.progress import Silent
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.computation import compile_train_step

Settings = Mapping[str, Any]
"""Values by key, with dots."""


class Parted(BaseException):
    """Ends a run that has parted from another. Nobody catches it, as nobody does SIGKILL."""


class Trace:
    """What a run has done, in order: a name and a digest for each thing. like: the trace of another run."""

    def __init__(self, like: "Trace | None" = None) -> None:
        self.entries: list[tuple[str, str]] = []
        self.warnings: list[str] = []
        self._like = like

    def note(self, name: str, value: Any) -> None:
        """Raises Parted where the other run has done something else at this point."""
        self.entries.append((name, digest(value)))
        place = len(self.entries)
        if self._like is not None and self.entries != self._like.entries[:place]:
            raise Parted(name)

    @property
    def last(self) -> str:
        """The name of the last thing: of two runs that part, of that by which they do."""
        return self.entries[-1][0]


def digest(value: Any) -> str:
    """Equal for equal numbers, texts, and mappings and sequences of them, to the last bit."""
    if isinstance(value, tf.Tensor | np.ndarray):
        array = np.ascontiguousarray(value)
        return hashlib.sha256(f"{array.dtype} {array.shape}".encode() + array.tobytes()).hexdigest()
    if isinstance(value, list | tuple):
        return hashlib.sha256(" ".join(digest(part) for part in value).encode()).hexdigest()
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()


def build_tiny(backbone: Any, images: Any) -> keras.Model:
    """A base of one convolution for each block, from the same pixels as the backbone."""
    x = images
    for prefix in backbone.blocks:
        x = keras.layers.Conv2D(4, 3, 2, padding="same", activation="relu", name=f"{prefix}tiny")(x)
    return keras.Model(keras.utils.get_source_inputs(images), x)


def load_tiny(base: Any, backbone: Any, weights: str | None) -> LoadedWeights:
    """Whatever is asked for is there, and each file holds weights of its own."""
    if weights is None:
        return LoadedWeights("random", "")
    rng = np.random.default_rng(len(weights))
    base.set_weights([rng.normal(0, 0.3, weight.shape) for weight in base.get_weights()])
    return LoadedWeights(weights, weights)


class Listener(Silent):
    """Keeps what a run warns of."""

    def __init__(self, warnings: list[str]) -> None:
        self.warn = warnings.append  # type: ignore[method-assign]


class TracedRun(RunDirectory):
    """Notes what is written, but for times, addresses and versions, before it is written."""

    trace: Trace

    def write_splits(self, rows: Iterable[Mapping[str, object]]) -> None:
        kept = list(rows)
        self.trace.note("splits", kept)
        super().write_splits(kept)

    def write_audit(self, audit: Mapping[str, object]) -> None:
        self.trace.note("audit", audit)
        super().write_audit(audit)

    def write_environment(self, environment: Mapping[str, object]) -> None:
        self.trace.note("environment", [environment[key] for key in ("devices", "replicas", "deterministic")])
        super().write_environment(environment)

    def append_metrics(self, row: Mapping[str, object]) -> None:
        self.trace.note("metrics", dict(row) | {"seconds": 0, "images_per_second": 0})
        super().append_metrics(row)
        self.trace.note("files", sorted({entry.name for entry in self.path.iterdir()}))

    def diagnostics(self) -> dict[str, Any] | None:
        self.trace.note("diagnostics", "")  # only what adds to them asks for them
        return super().diagnostics()

    def write_predictions(self, rows: Iterable[Mapping[str, object]]) -> None:
        kept = list(rows)
        self.trace.note("predictions", kept)
        super().write_predictions(kept)

    def write_summary(self, summary: Mapping[str, object]) -> None:
        self.trace.note("summary", dict(summary) | {"seconds": 0})
        super().write_summary(summary)


class Bench:
    """Runs configs of one command, and compares them.

    Args:
        recipe: what runs a config of the command, whose schema is `schema`.
        base: the values that all configs have.
        folder: where sources lie, and where runs go.
    """

    def __init__(self, recipe: Callable[..., Any], schema: Any, base: Settings, folder: Path) -> None:
        self.folder = folder
        self._recipe, self._schema, self._base = recipe, schema, base
        self._runs = 0
        self._known: dict[str, Trace] = {}
        self._trace = Trace()

    @contextmanager
    def patched(self) -> Iterator["Bench"]:
        """Notes each step of training, and computes without graphs: to build them takes longest for nets
        as small as these."""
        gc.freeze()  # what is there by now need not be looked through for garbage in every run
        with StrictPatch.context() as patch:
            patch.setattr("dlpractice.training.computation.compile_train_step", self._compile_step)
            self._count_checkpoints(patch)
            for module in ("backbones", "encoders"):
                patch.setattr(f"dlpractice.models.{module}.build_base", build_tiny)
            for module in ("classifier", "encoders"):
                patch.setattr(f"dlpractice.models.{module}.load_weights", load_tiny)
            tf.config.run_functions_eagerly(True)
            try:
                yield self
            finally:
                tf.config.run_functions_eagerly(False)
                gc.unfreeze()

    def _compile_step(self, loss: Any, groups: Any, placement: Any, parts: int = 1, **how: Any) -> Any:
        step = compile_train_step(loss, groups, placement, parts, **how)
        self._trace.note("compiled", [how["compiled"], how["rows"]])
        self._trace.note("parts of a batch", parts)

        def train(batch: Any, rate: float) -> Any:
            self._trace.note("batch", [np.asarray(part) for part in batch])
            self._trace.note("rate", rate)
            value = step(batch, rate)
            self._trace.note("loss", value)
            return value

        return train

    def _count_checkpoints(self, patch: pytest.MonkeyPatch) -> None:
        from dlpractice.training.checkpoints import Checkpoints

        write: Callable[..., None] = Checkpoints.write

        def noted(*arguments: Any) -> None:
            write(*arguments)
            self._trace.note("checkpoint", len(arguments))

        patch.setattr(Checkpoints, "write", noted)

    def run(self, settings: Settings, like: Trace | None = None) -> Trace:
        """What a run does and warns of, up to where it parts from `like`, or is refused."""
        self._trace, self._runs = trace, number = Trace(like), self._runs + 1
        document = self._nest(settings)
        try:
            config = self._schema.model_validate(document)
            with suppress(Parted), TracedRun.create(self.folder / f"run-{number}") as run:
                run.trace = trace
                self._recipe(
                    config.with_variant(getattr(config, config.VARIANT)), run, Listener(trace.warnings)
                )
                trace.note("end", "")
        except (DlpError, ValidationError) as error:
            trace.entries.append(("refusal", str(error)))
        return trace

    def compare(self, key: str, value: Any, around: Settings) -> tuple[str, list[str]]:
        """What is the first thing to change when a key gets another value, "" if nothing is; and what the run
        warns of up to there. around: what else is set, before and after."""
        name = json.dumps(around, sort_keys=True)
        if name not in self._known:
            self._known[name] = self.run(around)
        before = self._known[name]
        after = self.run({**around, key: value}, before)
        return "" if after.entries == before.entries else after.last, after.warnings

    def _nest(self, settings: Settings) -> dict[str, Any]:
        """A config: the base, with `settings` laid over it. A source or a net in the folder is its path."""
        document: dict[str, Any] = {}
        for key, value in (self._base | dict(settings)).items():
            *path, name = key.split(".")
            section = document
            for part in path:
                section = section.setdefault(part, {})
            is_path = key in ("data.source", "model.backbone") and (self.folder / str(value)).exists()
            section[name] = str(self.folder / value) if is_path else value
        return document


def list_keys(schema: type[BaseModel]) -> set[str]:
    """All keys that a config of that schema may have, but for `command`, which says which schema it is."""
    keys: set[str] = set()
    for name, field in schema.model_fields.items():
        inner = field.annotation
        is_section = isinstance(inner, type) and issubclass(inner, BaseModel)
        keys |= {f"{name}.{key}" for key in inner.model_fields} if is_section else {name}
    return keys - {"command"}


def is_told(key: str, messages: list[str]) -> bool:
    """Whether a message says of a key that it has no effect."""
    return any(key in message.partition(": no effect")[0] for message in messages if "no effect" in message)
