"""Settings of a config that change nothing in a run: the user is told of each that he has set."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dlpractice.config.schema import Config
from dlpractice.registry.wording import join_words
from dlpractice.training.devices.placement import Placement
from dlpractice.training.optimisers.schedules import PLATEAU_PATIENCE


@dataclass(frozen=True)
class Idle:
    """Keys without effect in a run, with dots, and the reason, as the end of a sentence."""

    keys: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Round:
    """One stage of training: its epochs, and whether the weights at its start count as an epoch's."""

    epochs: int
    keeps_start: bool = False

    @property
    def longest_wait(self) -> int:
        """The most epochs without a better one that can pass before the last epoch."""
        return self.epochs - 2 + self.keeps_start


def tell_idle(config: Config, idle: Iterable[Idle]) -> list[str]:
    """A message for each entry of `idle`, with those of its keys that are not at their defaults."""
    found = ((tuple(key for key in entry.keys if is_set(config, key)), entry.reason) for entry in idle)
    return [f"{join_words(keys, ' and ')}: no effect, because {reason}" for keys, reason in found if keys]


def is_set(config: Config, key: str) -> bool:
    """Whether the value of a key, with dots, differs from its default."""
    section: Any = config
    *path, name = key.split(".")
    for part in path:
        section = getattr(section, part)
    return bool(getattr(section, name) != type(section).model_fields[name].default)


def find_idle_memory(placement: Placement) -> Iterator[Idle]:
    """What of a section `hardware` has no effect on these devices, as to their memory."""
    if not placement.is_on_gpus:
        yield Idle(("hardware.memory_share",), "no GPU computes here, and a CPU holds nothing twice")


def find_idle_training(training: Any, rounds: Sequence[Round], steps: int) -> Iterator[Idle]:
    """What of a section `training` has no effect over `rounds` of epochs with so many steps."""
    longest = max(round.longest_wait for round in rounds)
    if training.patience is not None and training.patience > longest:
        yield Idle(
            ("training.patience",), "training ends before so many epochs can pass without a better one"
        )
    waits = longest if training.patience is None else min(longest, training.patience - 1)
    if training.schedule == "plateau" and waits < PLATEAU_PATIENCE:
        yield Idle(
            ("training.schedule",),
            f"plateau waits for {PLATEAU_PATIENCE} epochs without a better one, and training ends before: "
            "the rate is constant",
        )
    if round(training.warmup * steps) == 0:
        yield Idle(("training.warmup",), f"it is less than a step, of which an epoch has {steps}")
