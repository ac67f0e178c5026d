"""The callback: what it does when, while `fit` trains."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import keras
import numpy as np

from dlpractice.callback.first_batch import FirstBatch
from dlpractice.callback.net_state import (
    Weights,
    build,
    copy_weights,
)
from dlpractice.callback.observation import Observation
from dlpractice.callback.task import name_loss
from dlpractice.diagnosis.logs.formats.own.keras_fit import read_fit
from dlpractice.diagnosis.verdict import Diagnosis, diagnose
from dlpractice.errors import RunError
from dlpractice.report.diagnosis_text import diagnosis_text
from dlpractice.report.printable_console import PrintableConsole
from dlpractice.runs.fit_folder import FitFolder
from dlpractice.training.diagnostics.net_layers import Document

Recorded = TypeVar("Recorded")

_MOST_EPOCHS = 100
"""So many epochs of a call of `fit` are recorded at most, that the file stays small."""


class Diagnose(keras.callbacks.Callback):  # type: ignore[misc]
    """Records a training by `model.fit`, says at its end what is wrong with it, and may stop it.

        model.fit(x, y, epochs=30, validation_split=0.2, callbacks=[Diagnose("runs/mine")])

    What it records is in docs/callback.md. The training ends with the same bits as without. `fit`
    may be called again with the same callback and model: its epochs are counted on.

    Args:
        folder: where to write; it is made, and must be empty. None makes one in `runs`, named by the time.
        stop_on: the severity of a finding at which the training is stopped, after the first step or after an
            epoch. None never stops it. A finding of low confidence is not enough.
        one_batch: also try, before the training, whether its first batch can be learnt in 100 steps.

    Raises:
        RunError: when the training starts, if the folder is in use, or cannot be written.
        ValueError: `stop_on` is something else.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        stop_on: Literal["error", "warning"] | None = None,
        one_batch: bool = False,
    ) -> None:
        super().__init__()
        if stop_on not in (None, "error", "warning"):
            raise ValueError(f'stop_on must be "error", "warning" or None; got {stop_on!r}')
        self._path = Path(folder) if folder is not None else None
        self._stop_on, self._one_batch = stop_on, one_batch
        self._folder: FitFolder | None = None
        self._watched: keras.Model | None = None
        self._fit = 0
        self._rows: list[Document] = []
        self._document: Document = {}
        self._missing: list[str] = []
        self._stopped = ""
        self._batch = FirstBatch()
        self._before: Weights | None = None
        self._ratios: dict[str, float] = {}
        self._epoch = self._before_fit = 0
        self._waits, self._began = 1, 0.0

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Open the folder, and write what the training is."""
        self._open()
        self._fit += 1
        self._before_fit = int(self._rows[-1]["epoch"]) if self._rows else 0
        self._ratios, self._before, self._batch = {}, None, FirstBatch()
        self._batch.expect(self.model, self._prepare)
        self._stopped = ""
        self._write_facts()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note which epoch it is; `epoch` is counted from 0."""
        self._began = time.perf_counter()
        # A second call of `fit` may count from 0 again, or go on by its `initial_epoch`.
        self._epoch = epoch + 1 + (self._before_fit if epoch < self._before_fit else 0)
        self._ratios, self._before = {}, None
        self._waits = max(1, getattr(self.model.optimizer, "gradient_accumulation_steps", None) or 1)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Keep the weights before an epoch's first step."""
        if batch == 0 and self.model.built:
            self._before = copy_weights(self.model)

    def _prepare(self) -> None:
        """Keep the weights of a net that gets them with its first step only."""
        if self._before is None:
            self._attempt(lambda: build(self.model, self._batch.values))
        if self._before is None and self.model.built:
            self._before = copy_weights(self.model)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record how far the epoch's first step moved each layer, and before it the net, once.

        If an optimiser accumulates gradients, several batches pass before the weights move.
        """
        if self._before is None:
            return
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()  # or the variables are without values
        before, self._waits = self._before, self._waits - 1
        if batch == 0 or self._waits >= 0:
            self._ratios = self._attempt(lambda: self._observe().compare(before.trained)) or {}
        if not self._document:
            self._write_facts()
            self._write_start(before)
        if any(self._ratios.values()) or self._waits <= 0:
            self._before = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Write the metrics and what the layers are like after the epoch."""
        seconds = time.perf_counter() - self._began
        self._rows.append(self._describe_epoch(seconds, logs or {}))
        assert self._folder is not None
        self._folder.write_metrics(self._rows)
        last = self.params["epochs"] - 1
        if epoch in (0, last) or (epoch + 1) % -(-(last + 1) // _MOST_EPOCHS) == 0:
            weights = copy_weights(self.model)
            row = self._attempt(lambda: self._observe().describe(weights, self._ratios, training=False))
            if row is not None:
                row.pop("inputs")
                place = {"stage": f"fit {self._fit}", "epoch": self._epoch}
                epochs = [*self._document.get("epochs", []), place | row]
                self._write_document({"epochs": epochs})
        self._stop_if_hopeless()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Write the verdict, and print it."""
        assert self._folder is not None
        folder, self._folder = self._folder, None
        with closing(folder):
            folder.write_summary(self._summarise(self._judge()))
            found = self._judge()  # of a training that is finished now
        PrintableConsole().print("", diagnosis_text(found.to_json()), sep="\n")

    def _open(self) -> None:
        if self._watched is not None and self._watched is not self.model:
            raise RunError(
                f"{self._path} holds the training of another model", "give each model a Diagnose of its own"
            )
        self._watched = self.model
        if self._path is None:
            self._path = Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S-%f}-fit"
        if self._folder is None:  # it is open still where the last call of fit was interrupted
            self._folder = FitFolder.resume(self._path) if self._fit else FitFolder.create(self._path)
        self._folder.reopen()

    def _write_facts(self) -> None:
        assert self._folder is not None
        model, optimiser = self.model, self.model.optimizer
        self._folder.write_training(
            {
                "keras": keras.__version__,
                "backend": keras.backend.backend(),
                "model": model.name,
                "parameters": model.count_params() if model.built else None,
                "loss": keras.tree.map_structure(name_loss, model.loss) if model.loss is not None else None,
                "optimizer": None if optimiser is None else type(optimiser).__name__,
                "learning_rate": self._read_rate(),
                "fits": self._fit,
                "epochs": self._before_fit + self.params["epochs"],
                "steps_per_epoch": self.params["steps"],
                "stop_on": self._stop_on,
                "not_recorded": self._missing,
            }
        )

    def _note_missing(self, text: str) -> None:
        """Says once what cannot be recorded, on the screen and in the folder."""
        if text not in self._missing:
            self._missing.append(text)
            PrintableConsole(stderr=True).print(f"Diagnose: {text}")
            self._write_facts()

    def _attempt(self, record: Callable[[], Recorded]) -> Recorded | None:
        """What `record` gives; None where there is no batch to look at, or where it fails.

        Nets of others can do anything. One that cannot be looked at shall be trained nevertheless, and it is
        said what is missing.
        """
        if self._batch.values is None:
            reason = self._batch.missing or "fit trains by a function of its own"
            self._note_missing(f"the net itself is not recorded: {reason}")
            return None
        try:
            return record()
        except Exception as error:
            self._note_missing(f"the net itself is not recorded: {_describe_error(error)}")
            return None

    def _observe(self) -> Observation:
        return Observation(self.model, self._batch.values, self._note_missing)

    def _write_start(self, before: Weights) -> None:
        found = self._attempt(lambda: self._observe().describe_start(before, one_batch=self._one_batch))
        if found is not None:
            self._write_document({"start": {"stage": f"fit {self._fit}"} | found})
            self._stop_if_hopeless()

    def _write_document(self, parts: Document) -> None:
        assert self._folder is not None
        self._document |= parts
        self._folder.write_diagnostics(self._document)

    def _describe_epoch(self, seconds: float, logs: Mapping[str, Any]) -> Document:
        own = {"fit": self._fit, "epoch": self._epoch, "step": None, "seconds": seconds}
        if self.model.optimizer is not None:
            own |= {"step": int(_read(self.model.optimizer.iterations)), "learning_rate": self._read_rate()}
        numbers = {name: np.asarray(value) for name, value in logs.items()}
        for name in [name for name, value in numbers.items() if value.size != 1]:
            self._note_missing(f"the metric {name} is not recorded: it is no number")
            del numbers[name]
        return own | {name: float(value.item()) for name, value in numbers.items()}

    def _read_rate(self) -> float | None:
        rate = getattr(self.model.optimizer, "learning_rate", None)
        return None if rate is None else _read(rate)

    def _judge(self) -> Diagnosis:
        assert self._path is not None
        return diagnose(read_fit(self._path))

    def _stop_if_hopeless(self) -> None:
        """Ends the training if there is a finding of the severity that the user has named."""
        if self._stop_on is None or self._stopped:
            return
        found = [f for f in self._judge().worse_than(self._stop_on) if f.confidence != "low"]
        if found:
            self._stopped = f"{found[0].name}: {found[0].evidence[0]}"
            PrintableConsole(stderr=True).print(f"Diagnose stops the training: {self._stopped}")
            self.model.stop_training = True

    def _summarise(self, found: Diagnosis) -> Document:
        last: Mapping[str, Any] = self._rows[-1] if self._rows else {}
        return {
            "verdict": found.verdict,
            "findings": [finding.to_json() for finding in found.findings],
            "epochs": len(self._rows),
            "seconds": sum(row["seconds"] for row in self._rows),
            "stopped": self._stopped or None,
            "last": dict(last),
        }


def _read(variable: Any) -> float:
    """The value of a variable of the optimiser, which may be mirrored on several devices."""
    return float(keras.ops.convert_to_numpy(variable))


def _describe_error(error: Exception) -> str:
    """An error in a line. Keras puts where it was raised above, what was given below, and colours between."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).partition("Arguments received by")[0]
    return f"{type(error).__name__}: {' '.join(text.split())}"
