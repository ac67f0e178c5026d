"""config.yaml of a run as plain values, for those who read runs of any version and command.

Who trains again reads it with `config.load`, which knows every key.
"""

from pathlib import Path

import yaml
from pydantic import JsonValue, ValidationError

from dlpractice.errors import RunError
from dlpractice.runs.atomic_files import read_text
from dlpractice.runs.contract.document import (
    RESTORE,
    Document,
    Found,
    Part,
    Text,
    describe_problem,
    key,
    wrap,
)

_MOST_CHARACTERS = 1 << 20


class NetSection(Part):
    """The section `model` of `dlp finetune`."""

    hidden: list[int] | None = key("Units of hidden layers.")


class DataSection(Part):
    """The section `data`."""

    source: Text = key("Where the data come from.")
    near_duplicates: Text = key("Of `dlp finetune`: what becomes of images that look the same.")
    drawer_pattern: Text | None = key("Of `dlp oneshot`: how names of files say who drew it.")


class RunConfig(Document):
    """The config with every value; docs/config.md lists the keys."""

    FILE = "config.yaml"
    __pydantic_extra__: dict[str, JsonValue]

    command: Text = key("The command that trained.")
    strategy: Text = key("What `dlp finetune` trains.")
    method: Text = key("The name of the net of `dlp oneshot`.")
    data: DataSection = key("The data.")
    model: NetSection = key("The net.")


class _Loader(yaml.SafeLoader):
    """Refuses aliases, by which a short file can stand for billions of values. No config of ours has one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "it has an alias, which configs do not use", mark)
        return super().compose_node(parent, index)


def read_config_document(path: Path) -> Found:
    """The values of a run's config.

    Raises:
        RunError: it cannot be read, is not YAML, or does not hold what `RunConfig` says.
    """
    text = read_text(path)
    if len(text) > _MOST_CHARACTERS:
        raise RunError(f"{path} is larger than 1 MiB", RESTORE)
    try:
        tree = yaml.load(text, _Loader)  # a subclass of SafeLoader
    except yaml.YAMLError as error:
        raise RunError(f"{path} is not YAML: {' '.join(str(error).split())}", RESTORE) from None
    except RecursionError:
        raise RunError(f"{path} is nested too deeply for a config", RESTORE) from None
    except ValueError:  # dates that are none, and numbers with thousands of digits
        raise RunError(f"{path} holds a number or a date that cannot be read", RESTORE) from None
    if not isinstance(tree, dict):
        raise RunError(f"{path} must hold a mapping; it holds a {type(tree).__name__}", RESTORE)
    try:
        RunConfig.model_validate(tree)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise RunError(f"{path}: {place} {describe_problem(error)}", RESTORE) from None
    found: Found = wrap(tree, f"{path}: ")
    return found
