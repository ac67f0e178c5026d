"""Makes a checked config of a config file and its overrides, or reports every problem at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal, overload

from pydantic import ValidationError

from dlpractice.config.lines import Document, read_document, write_document
from dlpractice.config.names import find_config, shipped_folder
from dlpractice.config.overrides import COMMAND_LINE, apply_overrides
from dlpractice.config.problems import JsonSchema, Key, Locate, Problem, closest, explain
from dlpractice.config.schema import SCHEMAS, Benchmark, Config, Finetune, Oneshot
from dlpractice.errors import ConfigError, PathError
from dlpractice.paths import read_file

_MOST_BYTES = 1 << 20


@overload
def load_config(name: str, overrides: Sequence[str], command: Literal["finetune"]) -> Finetune: ...
@overload
def load_config(name: str, overrides: Sequence[str], command: Literal["oneshot"]) -> Oneshot: ...
@overload
def load_config(name: str, overrides: Sequence[str], command: Literal["benchmark"]) -> Benchmark: ...
@overload
def load_config(name: str, overrides: Sequence[str] = (), command: str | None = None) -> Config: ...
def load_config(name: str, overrides: Sequence[str] = (), command: str | None = None) -> Config:
    """Loads the config that `name` means, and changes it by `key=value` overrides.

    Args:
        name: a path, or the name of a config that ships with the package.
        overrides: such as `training.epochs=10`; they are checked as the file is.
        command: the command that wants the config; None accepts a config of any command.

    Raises:
        ConfigError: the file cannot be found or read, is for another command, or has problems. It lists all
            problems, each with file and line, key, what is allowed and what was found.
    """
    path = find_config(name, command)
    label = path.name if path.is_relative_to(shipped_folder()) else str(path)
    document = read_document(read_config_text(path, label), label)
    target = document.tree.get("command")
    if command is not None and isinstance(target, str) and target in SCHEMAS and target != command:
        raise ConfigError(f"{label} is a config for {target}, not {command}", f"run `dlp {target} {name}`")
    meant = closest(str(target), SCHEMAS) or command or "finetune"
    return _validated(document, overrides, SCHEMAS[meant], label)


def assume_config(command: str, overrides: Sequence[str]) -> Config:
    """The config of a command with nothing but defaults, changed by overrides, one of which names the data.

    Raises:
        ConfigError: there is no such command, or the overrides have problems.
    """
    if command not in SCHEMAS:
        raise ConfigError(f"no configs are for {command!r}", f"choose from: {', '.join(SCHEMAS)}")
    tree = {"command": command, "data": {}}
    return _validated(Document(tree), overrides, SCHEMAS[command], "the config")


def parse_config(text: str, label: str) -> Config:
    """The config in `text`, which messages call `label`.

    Raises:
        ConfigError: it has problems.
    """
    document = read_document(text, label)
    command = closest(str(document.tree.get("command")), SCHEMAS) or "finetune"
    return _validated(document, (), SCHEMAS[command], label)


def dump_config(config: Config) -> str:
    """The config as YAML, with every value written out; `load_config` makes an equal config of it."""
    tree = config.model_dump(mode="json", exclude={config.VARIANTS})
    changes = config.model_dump(mode="json", include={config.VARIANTS}, exclude_unset=True)
    return write_document(tree | changes)


def read_config_text(path: Path, label: str) -> str:
    """The text of a config file, which messages call `label`.

    Raises:
        ConfigError: it cannot be read, is far too large for a config, or is not UTF-8.
    """
    try:
        content = read_file(path, _MOST_BYTES)
    except PathError as error:
        raise ConfigError(
            f"{label} cannot be read: {error.reason}", "a config is a short YAML file"
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{label}:{line} is not UTF-8 text", "save the file as UTF-8") from error


def _validated(document: Document, overrides: Sequence[str], schema: type[Config], label: str) -> Config:
    json_schema = schema.model_json_schema()
    described = document.tree.get(schema.VARIANTS)
    described = list(described) if isinstance(described, dict) else []
    overridden = apply_overrides(document, overrides, json_schema, schema.VARIANTS)

    def locate(key: Key) -> tuple[int, str]:
        name = ".".join(key)
        if key in overridden:
            return COMMAND_LINE, f"override {name}"
        known = next((key[:n] for n in range(len(key), 0, -1) if key[:n] in document.lines), ())
        line = document.lines.get(known, 1)
        return line, f"{label}:{line} {name}".rstrip()

    problems = document.problems
    if schema.FREE_NAMES:
        own = document.tree.get(schema.VARIANT, schema.model_fields[schema.VARIANT].default)
        problems += _problems_of_names(overridden, schema, [str(own), *described])
    try:
        config = schema.model_validate(document.tree)
    except ValidationError as error:
        problems += explain(error, json_schema, document.tree, locate)
    else:
        problems += _problems_of_variants(config, json_schema, locate)
    if problems:
        raise _refusal(problems, label, schema)
    return config


def _problems_of_names(
    overridden: Collection[Key], schema: type[Config], known: Sequence[str]
) -> list[Problem]:
    """Finds overrides of variants that are not among `known`.

    Without this check, a misspelt name would silently change nothing.
    """
    unknown = {key[1] for key in overridden if key[0] == schema.VARIANTS and key[1] not in known}
    return [
        Problem(
            COMMAND_LINE,
            f"override {schema.VARIANTS}.{name}: the config has no such {schema.VARIANT}; "
            + (f"did you mean {guess}?" if (guess := closest(name, known)) else f"it has {', '.join(known)}"),
        )
        for name in unknown
    ]


def _problems_of_variants(config: Config, json_schema: JsonSchema, locate: Locate) -> list[Problem]:
    """Finds what is wrong only once the changes of a variant are applied to the sections."""
    problems = []
    for variant in config.variants():
        try:
            config.with_variant(variant)
        except ValidationError as error:

            def within(key: Key, variant: str = variant) -> tuple[int, str]:
                return locate((config.VARIANTS, variant, *key))

            problems += explain(error, json_schema, {}, within)
    return problems


def _refusal(problems: list[Problem], label: str, schema: type[Config]) -> ConfigError:
    lines = [problem.text for problem in sorted(problems)]
    message = lines[0] if len(lines) == 1 else "\n  ".join([f"{label} has {len(lines)} problems", *lines])
    command = next(name for name, known in SCHEMAS.items() if known is schema)
    return ConfigError(message, f"`dlp config schema {command}` gives every key with its meaning and range")
