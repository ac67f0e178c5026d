"""The answer of `dlp data check`: what is in a data set, what is wrong, and whether training takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.data.audit.audit import Audit, audit_nothing
from dlpractice.data.dataset import locate
from dlpractice.data.files.index_items import Finding
from dlpractice.data.naming.split_names import SplitName
from dlpractice.errors import DataError
from dlpractice.paths import exists, expand_home
from dlpractice.progress import Silent


@dataclass(frozen=True)
class Check:
    """The answer for one config.

    audit: what was found; an error in it is what training refuses.
    sizes: how many images, or classes of a one-shot run, are for training, validation and test; empty where
        they cannot be divided.
    """

    config: Finetune | Oneshot
    audit: Audit
    sizes: Mapping[SplitName, int]

    @property
    def accepted(self) -> bool:
        """Whether training would take the data."""
        return not self.audit.of("error")

    def settings(self) -> dict[str, Any]:
        """The keys of the config on which it mostly depends whether training takes the data, and all others
        of its section that are not the default."""
        keys = ("validation", "test", "evaluation", "on_bad_image", "near_duplicates")
        data = self.config.data.model_dump()
        fields = type(self.config.data).model_fields
        others = [key for key in data if key != "source" and key not in keys]
        shown = [*keys, *(key for key in others if data[key] != fields[key].default)]
        return {f"data.{key}": data[key] for key in shown if key in data}

    def to_json(self) -> dict[str, Any]:
        """The audit, and the answer, as plain lists and mappings."""
        return {
            "command": self.config.command,
            "settings": self.config.data.model_dump(mode="json"),
            "accepted": self.accepted,
            "splits": dict(self.sizes),
            **self.audit.to_json(),
        }


def refuse(config: Finetune | Oneshot, error: DataError) -> Check:
    """The answer where the data are there, but `error` says that they are no data set."""
    message = "\n    ".join([error.message, *error.details])
    return Check(config, audit_nothing(Finding("no data set", "error", message, hint=error.hint)), {})


def is_there(source: str) -> bool:
    """Whether there is something to check.

    Raises:
        DataError: a known data set that cannot be had.
    """
    return exists(expand_home(locate(source, Silent())))
