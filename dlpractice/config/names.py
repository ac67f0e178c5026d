"""Finds the config file that a user means: by a path, or by the name of a config that ships."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dlpractice.errors import ConfigError
from dlpractice.paths import Kind, exists, find_matching, is_folder, look, resolve, try_look

_PACKAGE = resolve(__file__).parent.parent


@dataclass(frozen=True)
class ShippedConfig:
    """A config that ships with the package.

    command: the command that it is for.
    name: its file's name without the ending.
    """

    name: str
    command: str
    path: Path


def shipped_folder() -> Path:
    """The folder of configs, with a folder for each command in it.

    It lies inside the package where that was installed as a wheel, and beside the package in a checkout.
    """
    packaged = _PACKAGE / "configs"
    return packaged if is_folder(packaged) else _PACKAGE.parent / "configs"


def shipped_configs() -> tuple[ShippedConfig, ...]:
    """All configs that ship, sorted by command and name."""
    files = find_matching(shipped_folder(), "*/*.yaml")
    return tuple(ShippedConfig(file.stem, file.parent.name, file) for file in files)


def find_config(name: str, command: str | None = None) -> Path:
    """The file that `name` means: `cats-dogs`, `cats-dogs.yaml`, or a path.

    A file in the working folder wins over one that ships. Where configs of several commands share a name, the
    one for `command` is taken.

    Raises:
        ConfigError: there is no such file and no such name.
    """
    given, *others = (Path(f"{name}{ending}") for ending in ("", ".yaml", ".yml"))
    if look(given) not in (Kind.ABSENT, Kind.FOLDER):
        return given
    for path in others:
        if try_look(path) is Kind.FILE:
            return path
    stem = name.removesuffix(".yaml").removesuffix(".yml")
    matches = [config for config in shipped_configs() if config.name == stem]
    matches.sort(key=lambda config: config.command != command)
    if matches:
        return matches[0].path
    raise _not_found(name, stem)


def _not_found(name: str, stem: str) -> ConfigError:
    path = Path(name)
    if is_folder(path):
        inner = path / "config.yaml"
        hint = (
            f"did you mean {inner}?"
            if exists(inner)
            else "name a YAML file; `dlp config ls` lists those that ship"
        )
        return ConfigError(f"{name} is a folder, not a config", hint)
    if path.parent != Path("."):
        beside = [str(file) for file in find_matching(path.parent, "*.y*ml")]
        close = get_close_matches(name, beside, n=1)
        return ConfigError(
            f"there is no file {name}", f"did you mean {close[0]}?" if close else "check the path"
        )
    names = {config.name: config.name for config in shipped_configs()}
    names |= {file.stem: file.name for file in find_matching(Path(), "*.y*ml")}
    close = get_close_matches(Path(stem).name, names, n=1)
    guess = f"did you mean {names[close[0]]}? " if close else ""
    return ConfigError(
        f"there is no config {name}, here or in the package", f"{guess}`dlp config ls` lists what ships"
    )
